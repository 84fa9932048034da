"""The life of the daemon: start, reload, watchdog, stop.

Invariants
1. A site file that cannot run never stops a running gateway, and never changes it.
2. Started with a broken site file, the gateway runs the last good one and says so.
3. Stopping takes less than 5 s and loses nothing that was acknowledged.
4. Without any site file it runs a provisional one: nothing but the page that commissions the box.
5. The watchdog is fed only while the event loop turns and the journal answers; a line that is stuck is the
   supervisor's business, who starts it again alone.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path

from courtyard.agent import requests
from courtyard.agent.clock import SystemClock
from courtyard.agent.control import ControlServer, Refused
from courtyard.agent.drills.evidence import Evidence
from courtyard.agent.families import DRIVERS, MakeDriver
from courtyard.agent.journal_faults import fault_of
from courtyard.agent.memory import settle, unsettle
from courtyard.agent.notify import Notifier
from courtyard.agent.page_part import PagePart
from courtyard.agent.records import Details, stamp
from courtyard.agent.site_in_force import SiteInForce
from courtyard.agent.supervisor import Supervisor, part_fault
from courtyard.agent.wiring import Gateway
from courtyard.buffer import Finding, JournalInUse, Options
from courtyard.buffer.journal import Journal
from courtyard.config.page import Web
from courtyard.config.present import present
from courtyard.config.redact import Redactor
from courtyard.config.snapshot import Family, Snapshot
from courtyard.drivers.base import Fault, Text

log = logging.getLogger(__name__)

FIRST_PAGE = Web()
CLOCK_EVERY_S = 5.0
FILE_EVERY_S = 2.0
PARTS_GRACE_S = 2.0
CLOSE_S = 1.5
PROBE_S = 10.0
"""The journal must answer a look at itself within this time, or the watchdog goes hungry."""
SETTLE_S = 20.0
"""After a start or a new site, everything that stays has been made."""
ANSWERED_S = 0.5
"""The answer to what asked for a restart goes out first."""
RESTART = Text("Run: sudo systemctl restart courtyard", "请运行：sudo systemctl restart courtyard")


class NeedsRestart(Refused):
    """The site file is good, and only a restart can bring it."""


class Daemon:
    """One run of the gateway."""

    def __init__(
        self,
        site: Path,
        data: Path,
        socket: Path,
        *,
        clock: SystemClock,
        notifier: Notifier,
        redactor: Redactor,
        drivers: Mapping[Family, MakeDriver] = DRIVERS,
        first_page: Web = FIRST_PAGE,
    ) -> None:
        """`first_page` is where the page listens while there is no site file."""
        self._redactor = redactor
        self._site, self._data, self._socket = SiteInForce(site, data, first_page), data, socket
        self._clock, self._notifier, self._drivers = clock, notifier, drivers
        self._supervisor = Supervisor(clock, self._part_ended, recovered=self._part_recovered)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._gateway: Gateway | None = None
        self._page: PagePart | None = None
        self._again = False
        self._taking = asyncio.Lock()
        self._settling: asyncio.TimerHandle | None = None

    async def run(self) -> bool:
        """Returns after a clean stop, True when it is to be started again at once.

        Raises Refused when there is no site to run or the journal is in use.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        snapshot = await asyncio.to_thread(self._site.first)
        journal = await self._open_journal(snapshot)
        gateway = self._gateway = Gateway(
            snapshot,
            journal,
            self._clock,
            self._supervisor,
            self._data,
            learn_secrets=self._redactor.learn,
            drivers=self._drivers,
        )
        self._start(gateway)
        self._notifier.ready(f"{snapshot.site.gateway.id}: {len(snapshot.devices)} devices")
        log.info("running", extra={"gateway": snapshot.site.gateway.id, "site": str(self._site.path)})
        await self._stop.wait()
        await self._shut_down(gateway, journal)
        return self._again

    def _start(self, gateway: Gateway) -> None:
        gateway.recorder.event("gateway.started", {"boot": self._clock.boot})
        if self._site.fault is not None:
            gateway.pipeline.health("site", self._site.fault)
        gateway.start()
        handlers = requests.handlers(gateway, self._supervisor, self._reload_now, Evidence(self._data))
        for name, start in {
            "clock": self._watch_clock,
            "site file": self._watch_file,
            "watchdog": self._feed_watchdog,
            "control": ControlServer(self._socket, handlers).run,
        }.items():
            self._supervisor.start(name, start)
        self._page = PagePart(
            gateway,
            self._supervisor,
            self._data,
            self._site,
            redactor=self._redactor,
            handlers=handlers,
            take=self._take,
        )
        self._page.start()
        self._settle_soon()

    def _settle_soon(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(SETTLE_S, settle)

    async def _shut_down(self, gateway: Gateway, journal: Journal) -> None:
        if self._again:
            self._notifier.reloading()
        else:
            self._notifier.stopping()
        await gateway.release()
        stuck = await self._supervisor.stop_all(PARTS_GRACE_S)
        if stuck:
            log.error("parts did not end in time: %s", ", ".join(stuck))
        gateway.recorder.event("gateway.stopped", {"stuck": ", ".join(stuck) or None})
        async with asyncio.timeout(CLOSE_S):
            await gateway.close()
        await journal.close()
        log.info("stopped")

    async def _open_journal(self, snapshot: Snapshot) -> Journal:
        settings, loop = snapshot.site.journal, asyncio.get_running_loop()

        def on_finding(finding: Finding) -> None:
            loop.call_soon_threadsafe(self._found, finding)

        options = Options(
            quota_bytes=settings.quota,
            alarm_reserve_bytes=settings.alarm_reserve,
            reading_commit_s=settings.reading_commit_s,
            on_finding=on_finding,
            stamp=stamp,
        )
        self._notifier.extend_timeout(120)
        try:
            return Journal.open(self._data / "journal", options, boot=self._clock.boot, wall_ms=self._clock.wall_ms)
        except JournalInUse as error:
            raise Refused(
                f"another gateway uses {self._data}: stop it first / 另一个网关正在使用 {self._data}:请先停止它"
            ) from error

    def _found(self, finding: Finding) -> None:
        """What happened to the journal becomes a log line, an event, and a fault while it lasts."""
        if self._gateway is None:
            return
        fault = fault_of(finding)
        log.info("journal: %s", fault.what.en, extra={"code": finding.code, **finding.params})
        self._gateway.journal_found(finding)

    def _part_ended(self, part: str, error: BaseException | None, restart_in_s: float) -> None:
        log.error("%s ended, again in %.1f s", part, restart_in_s, exc_info=error)
        if self._gateway is not None:
            details: Details = {"part": part, "error": f"{type(error).__name__}: {error}"[:200] if error else None}
            self._gateway.recorder.event("part.failed", details)
            self._gateway.pipeline.health(f"part {part}", part_fault(part, error))

    def _part_recovered(self, part: str) -> None:
        log.info("%s has no fault any more", part)
        if self._gateway is not None:
            self._gateway.pipeline.health(f"part {part}", None)

    async def _watch_clock(self) -> None:
        while True:
            told = self._clock.refresh()
            if told is not None and self._gateway is not None:
                self._gateway.recorder.event("clock.synced", told._asdict())
            await asyncio.sleep(CLOCK_EVERY_S)

    async def _feed_watchdog(self) -> None:
        gateway = self._gateway
        assert gateway is not None
        every_s = min((self._notifier.watchdog_s or 30.0) / 3, PROBE_S)
        while True:
            async with asyncio.timeout(PROBE_S):
                await gateway.journal.status()
            self._notifier.watchdog()
            await asyncio.sleep(every_s)

    async def _watch_file(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._reload.wait(), FILE_EVERY_S)
            except TimeoutError:
                if not await asyncio.to_thread(self._site.changed):
                    continue
            self._reload.clear()
            try:
                await self._reload_now()
            except NeedsRestart:
                if self._site.provisional:
                    self._restart()
            except Refused:
                continue  # said in the log and on the page; the gateway runs on as it was

    async def _take(self) -> bool:
        """Takes the site file that a person has just saved on the page; True when the gateway restarts for it.

        Raises Refused.
        """
        try:
            await self._reload_now()
        except NeedsRestart:
            self._restart()
            return True
        return False

    def _restart(self) -> None:
        self._again = True
        asyncio.get_running_loop().call_later(ANSWERED_S, self._stop.set)

    async def _reload_now(self) -> str:
        """Takes the site file as it is now; says what changed.  A bad file changes nothing.  Raises Refused."""
        async with self._taking:
            return await self._take_file()

    async def _take_file(self) -> str:
        gateway, page = self._gateway, self._page
        assert gateway is not None
        assert page is not None
        self._notifier.reloading()
        verdict = await asyncio.to_thread(self._site.read)
        self._site.judge(verdict)
        try:
            if verdict.snapshot is None:
                gateway.pipeline.health("site", self._site.fault)
                words = present(verdict.mistakes, verdict.language)
                gateway.recorder.event("site.refused", self._site.refusal())
                log.error("the new site file cannot run; nothing was changed\n%s", words)
                raise Refused(words)
            needs_restart = gateway.needs_restart(verdict.snapshot)
            if needs_restart:
                gateway.pipeline.health("site", Fault("site.restart", needs_restart, RESTART))
                log.warning("the new site file waits for a restart: %s", needs_restart.en)
                raise NeedsRestart(needs_restart.say(verdict.language))
            unsettle()
            self._settle_soon()
            changes = await gateway.apply(verdict.snapshot)
            await page.adjust()
            await asyncio.to_thread(self._site.keep, verdict.snapshot)
            self._site.provisional = False
            gateway.pipeline.health("site", None)
            details: Details = {"changed": str(bool(changes)).lower(), "warnings": len(verdict.warnings)}
            gateway.recorder.event("site.applied", details)
            log.info("site applied", extra={"changes": str(changes)})
            return str(changes)
        finally:
            self._notifier.ready()
