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
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from courtyard.agent import requests
from courtyard.agent.clock import SystemClock
from courtyard.agent.control import ControlServer, Handler, Refused
from courtyard.agent.drills.evidence import Evidence
from courtyard.agent.journal_faults import fault_of
from courtyard.agent.latest import Latest
from courtyard.agent.lines import DRIVERS, MakeDriver
from courtyard.agent.notify import Notifier
from courtyard.agent.provisional import NO_SITE, provisional_site
from courtyard.agent.records import Details, stamp
from courtyard.agent.site_files import SiteFiles
from courtyard.agent.supervisor import Supervisor, part_fault
from courtyard.agent.wiring import Gateway
from courtyard.buffer import Finding, JournalInUse, Options
from courtyard.buffer.journal import Journal
from courtyard.config.last_good import check_last_good, keep_last_good
from courtyard.config.mistakes import Mistake
from courtyard.config.page import Web
from courtyard.config.present import present
from courtyard.config.read import Verdict, check_site
from courtyard.config.redact import Redactor
from courtyard.config.snapshot import Family, Snapshot
from courtyard.drivers.base import Fault, Text

if TYPE_CHECKING:
    from courtyard.agent.page.part import Page

log = logging.getLogger(__name__)

PAGE = "page"
FIRST_PAGE = Web()
CLOCK_EVERY_S = 5.0
FILE_EVERY_S = 2.0
PARTS_GRACE_S = 2.0
CLOSE_S = 1.5
PROBE_S = 10.0
"""The journal must answer a look at itself within this time, or the watchdog goes hungry."""
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
        self._redactor, self._first_page = redactor, first_page
        self._path, self._data, self._socket = site, data, socket
        self._clock, self._notifier, self._drivers = clock, notifier, drivers
        self._supervisor = Supervisor(clock, self._part_ended, recovered=self._part_recovered)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._files = SiteFiles(site)
        self._gateway: Gateway | None = None
        self.site_mistakes: tuple[Mistake, ...] = ()
        self.site_warnings: tuple[Mistake, ...] = ()
        self._web: Web | None = None
        self._page: Page | None = None
        self._provisional = self._again = False
        self._taking = asyncio.Lock()
        self._handlers: Mapping[str, Handler] = {}

    async def run(self) -> bool:
        """Returns after a clean stop, True when it is to be started again at once.

        Raises Refused when there is no site to run or the journal is in use.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        snapshot = await asyncio.to_thread(self._first_site)
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
        log.info("running", extra={"gateway": snapshot.site.gateway.id, "site": str(self._path)})
        await self._stop.wait()
        await self._shut_down(gateway, journal)
        return self._again

    def _start(self, gateway: Gateway) -> None:
        gateway.recorder.event("gateway.started", {"boot": self._clock.boot})
        if self.site_mistakes:
            gateway.pipeline.health("site", self._site_fault())
        if self._provisional:
            gateway.pipeline.health("site", NO_SITE)
        gateway.start()
        handlers = self._handlers = requests.handlers(gateway, self._supervisor, self._reload_now, Evidence(self._data))
        for name, start in {
            "clock": self._watch_clock,
            "site file": self._watch_file,
            "watchdog": self._feed_watchdog,
            "control": ControlServer(self._socket, handlers).run,
        }.items():
            self._supervisor.start(name, start)
        if gateway.snapshot.site.web is not None:
            self._show(gateway, gateway.snapshot.site.web)

    def _show(self, gateway: Gateway, web: Web) -> None:
        """Starts the page of the gateway."""
        self._web = web
        self._supervisor.start(PAGE, lambda: self._run_page(gateway, web))

    async def _run_page(self, gateway: Gateway, web: Web) -> None:
        if self._page is None:
            part = await asyncio.to_thread(import_module, "courtyard.agent.page.part")
            latest = Latest()
            gateway.pipeline.observers.append(latest.note)
            self._page = part.Page(
                gateway,
                latest,
                self._supervisor,
                self._data,
                self._path,
                mistakes=lambda: (*self.site_mistakes, *self.site_warnings),
                redactor=self._redactor,
                handlers=self._handlers,
                take=self._take,
                commissioned=lambda: not self._provisional,
            )
        await self._page.run(web)

    async def _adjust_page(self, gateway: Gateway) -> None:
        web = gateway.snapshot.site.web
        if web != self._web:
            self._web = web
            await self._supervisor.stop([PAGE])
            gateway.pipeline.health(PAGE, None)
            if web is not None:
                self._show(gateway, web)

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

    def _first_site(self) -> Snapshot:
        verdict = self._check()
        self.site_warnings = verdict.warnings
        if verdict.snapshot is not None:
            self._keep(verdict.snapshot)
            return verdict.snapshot
        words = present(verdict.mistakes, verdict.language)
        last_good = check_last_good(self._path, self._data)
        if last_good.snapshot is None and [each.code for each in verdict.mistakes] == ["file.missing"]:
            self._provisional = True
            log.warning("there is no site file %s; serving the page that commissions this box", self._path)
            return provisional_site(self._path, self._data, self._first_page)
        self.site_mistakes = verdict.mistakes
        if last_good.snapshot is None:
            raise Refused(words, exit_status=2)
        log.error("the site file cannot run; running the last good one\n%s", words)
        return last_good.snapshot

    def _check(self) -> Verdict:
        self._files.begin()
        verdict = check_site(self._path)
        self._files.take(verdict.files)
        return verdict

    def _keep(self, snapshot: Snapshot) -> None:
        try:
            keep_last_good(self._path, self._data, snapshot)
        except OSError as error:
            log.error("cannot keep a copy of the site file in %s: %s", self._data, error)

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
        self._gateway.recorder.event(f"journal.{finding.code}", dict(finding.params))
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
                if not await asyncio.to_thread(self._files.changed):
                    continue
            self._reload.clear()
            try:
                await self._reload_now()
            except NeedsRestart:
                if self._provisional:
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
        gateway = self._gateway
        assert gateway is not None
        self._notifier.reloading()
        verdict = await asyncio.to_thread(self._check)
        self.site_mistakes, self.site_warnings = verdict.mistakes, verdict.warnings
        try:
            if verdict.snapshot is None:
                gateway.pipeline.health("site", self._site_fault())
                words = present(verdict.mistakes, verdict.language)
                gateway.recorder.event("site.refused", _refused(verdict.mistakes))
                log.error("the new site file cannot run; nothing was changed\n%s", words)
                raise Refused(words)
            needs_restart = gateway.needs_restart(verdict.snapshot)
            if needs_restart:
                gateway.pipeline.health("site", Fault("site.restart", needs_restart, RESTART))
                log.warning("the new site file waits for a restart: %s", needs_restart.en)
                raise NeedsRestart(needs_restart.say(verdict.language))
            changes = await gateway.apply(verdict.snapshot)
            await self._adjust_page(gateway)
            await asyncio.to_thread(self._keep, verdict.snapshot)
            self._provisional = False
            gateway.pipeline.health("site", None)
            details: Details = {"changed": str(bool(changes)).lower(), "warnings": len(verdict.warnings)}
            gateway.recorder.event("site.applied", details)
            log.info("site applied", extra={"changes": str(changes)})
            return str(changes)
        finally:
            self._notifier.ready()

    def _site_fault(self) -> Fault:
        first = self.site_mistakes[0]
        count, where = len(self.site_mistakes), f"{Path(first.file).name}:{first.line or 1}"
        return Fault(
            "site.broken",
            Text(
                f"The site has {count} mistakes; the gateway runs the last good one. First: {where}, {first.text.en}",
                f"站点文件有 {count} 处错误，网关仍按上一份正确的文件运行。第一处：{where}，{first.text.zh}",
            ),
            Text(f"Run: courtyard check {self._path}", f"请运行：courtyard check {self._path}"),
        )


def _refused(mistakes: tuple[Mistake, ...]) -> Details:
    """The first mistake, in the words that people get, and how many there are."""
    first = mistakes[0]
    return {
        "code": first.code,
        "file": first.file,
        "line": first.line,
        "what_en": first.text.en,
        "what_zh": first.text.zh,
        "mistakes": len(mistakes),
    }
