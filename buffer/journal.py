"""The journal: the durable, ordered log of bytes, with progress per uplink.

Its promises, each kept by the module named:

1. an append returns after it is on disk, with its producer state in the same transaction (database, transaction,
   composer);
2. (epoch, lane, seq) names one record for ever (composer, refuge, opening);
3. progress per uplink is a bounded set of ranges, and the oldest holes are filled first (consumer, feed);
4. nothing is deleted before it was acknowledged or counted as lost, durably, for each uplink (room, ledger);
5. the quota in bytes is hard, the lowest lane goes first, alarms have a reserve (room, database);
6. a record is never rewritten; one that cannot be delivered does not hold up others (transaction, feed);
7. a damaged database is set aside and what can be read is saved; while the disk does not answer, alarms go on from
   memory (salvage, carve, committer, refuge).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from courtyard.buffer.committer import Committer
from courtyard.buffer.composer import Composer
from courtyard.buffer.consumer import Key
from courtyard.buffer.database import Database
from courtyard.buffer.disk import InlineWorker, ThreadWorker, Worker, ask
from courtyard.buffer.faults import DISK_ERRORS, DiskFault
from courtyard.buffer.feed import Feed
from courtyard.buffer.ledger import Ledger
from courtyard.buffer.memory import Memory
from courtyard.buffer.opening import Opened, load_to_read, open_database
from courtyard.buffer.pulse import Pulse
from courtyard.buffer.reading import Reading
from courtyard.buffer.refuge import Refuge
from courtyard.buffer.status import answer, directory_bytes, picture, questions
from courtyard.buffer.types import Appended, Entry, Finding, Options, Start, Status

MAX_FINDINGS = 256


class Journal:
    """One directory, one owner.  Make it with `open`; everything else is called from one event loop."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        findings: Sequence[Finding],
        fault: DiskFault | None,
        boot: str,
        wall_ms: Callable[[], int],
    ) -> None:
        self._database, self._options, self._ledger, self._wall_ms = database, database.options, ledger, wall_ms
        self.findings: deque[Finding] = deque(maxlen=MAX_FINDINGS)
        self._faults: dict[str, Finding] = {}
        self._pulse = Pulse()
        self._memory = Memory(self._options.lanes, self._options.recent_bytes, self._options.memory_bytes)
        storing_bytes = database.budget.group_bytes // 2
        self._refuge = Refuge(ledger, self._memory, boot, wall_ms, self._report, storing_bytes, self._options.stamp)
        self._composer = Composer(ledger, self._memory, self._refuge, self._options, boot, self._found)
        self._committer = Committer(
            database,
            self._composer,
            self._refuge,
            wall_ms,
            changed=self._pulse.beat,
            told=self._fault_changed,
            reopened=self._reopened,
            fault=fault,
        )
        self._reading = Reading(database, ledger, self._committer, self._composer, wall_ms, self._report)
        self._feeds: dict[str, Feed] = {}
        self._workers: tuple[Worker, Worker] | None = None
        for finding in findings:
            self._report(finding)
        if fault is not None:
            self._fault_changed(fault)
            self._refuge.epoch()

    @classmethod
    def open(cls, directory: Path, options: Options, *, boot: str, wall_ms: Callable[[], int]) -> Journal:
        """Opens the journal of this directory for this process alone.

        Damage is repaired as far as it goes, and a disk that cannot be used leaves a journal in memory; `findings`
        say what happened.  Raises JournalInUse when another process has the directory, ValueError for options
        that cannot be kept.
        """
        database = Database(directory, options)
        try:
            opened = open_database(database, wall_ms())
        except DiskFault as fault:
            return cls(database, cls._read_only(database), (), fault, boot, wall_ms)
        return cls(database, opened.ledger, opened.findings, None, boot, wall_ms)

    @staticmethod
    def _read_only(database: Database) -> Ledger:
        try:
            loaded = load_to_read(database.path, database.options, database.options.gate)
        except DiskFault:
            return Ledger()  # the fault that brought us here is reported; there is simply nothing to read
        database.numbers = loaded.numbers
        database.serial += 1
        return loaded.ledger

    @property
    def epoch(self) -> str:
        """Where records are numbered now."""
        return self._refuge.epoch().name if self._committer.mode == "memory" else self._ledger.current

    @property
    def durable(self) -> bool:
        """False while the disk does not answer and memory takes over."""
        return self._committer.mode == "durable"

    @property
    def heads(self) -> Mapping[str, int]:
        """The last number of each lane in the present epoch; 0 where there is none."""
        heads = self._ledger.epochs[self.epoch].heads()
        return {lane: heads.get(lane, 0) for lane in self._options.lanes}

    @property
    def uplinks(self) -> tuple[str, ...]:
        """Every uplink that the journal keeps an account of, attached in this process or not."""
        return tuple(self._ledger.consumers)

    async def append(self, entries: Sequence[Entry], state: Mapping[str, bytes | None] | None = None) -> Appended:
        """Puts records and producer state into the journal, all or nothing; returns when that is on disk.

        A state of None deletes the key.  While the disk does not answer, memory takes them and `durable` is False.
        Raises JournalBusy, EntryTooLarge, UnknownLane, JournalClosed.
        """
        return await self.submit(entries, state)

    def submit(
        self, entries: Sequence[Entry], state: Mapping[str, bytes | None] | None = None
    ) -> asyncio.Future[Appended]:
        """The same without waiting, in the same order; raises at once what `append` raises.

        JournalBusy, for anything but alarms, when more than `max_pending_bytes` wait.
        """
        if self._workers is None:
            self._start()
        return self._committer.submit(entries, state or {})

    def state(self, prefix: str = "") -> dict[str, bytes]:
        """Producer state, of the keys with this prefix."""
        return {key: value for key, value in self._ledger.state.items() if key.startswith(prefix)}

    def attach(self, uplink: str, *, lanes: Sequence[str], start: Start) -> Feed:
        """The feed of this uplink, which is registered if it is new; the same feed when asked again."""
        self._start()
        consumer = self._ledger.attach(uplink, lanes, start, self._options)
        self._committer.touch()
        feed = self._feeds.get(uplink)
        if feed is None or not feed.of(consumer):
            feed = self._feeds[uplink] = Feed(
                consumer,
                self._ledger,
                self._memory,
                self._reading,
                self._pulse,
                self._committer.touch,
                self._wall_ms,
                self._options.commit_timeout_s,
            )
        return feed

    def forget(self, uplink: str) -> None:
        """This uplink wants nothing any more and holds nothing back."""
        self._start()
        self._feeds.pop(uplink, None)
        self._composer.forget(uplink)
        self._committer.touch()

    async def status(self) -> Status:
        """Everything about the journal at this moment; times of oldest records are None while the disk is away."""
        self._start()
        asked = questions(self._ledger, self._options.lanes)
        used_bytes, times = 0, dict[tuple[Key, int], int]()
        try:
            async with asyncio.timeout(self._options.commit_timeout_s):
                times, used_bytes = await self._reading.ask(
                    lambda reader: (answer(reader, asked), directory_bytes(self._database.directory))
                )
        except (DiskFault, TimeoutError):
            pass  # the picture says what it can; the fault itself is among its faults
        return picture(
            self._ledger,
            self._options.lanes,
            times,
            epoch=self.epoch,
            durable=self.durable,
            quota_bytes=self._options.quota_bytes,
            used_bytes=used_bytes,
            faults=tuple(self._faults.values()),
        )

    async def renew_epoch(self, reason: str) -> None:
        """Numbers in a new epoch from now on; returns when that is on disk, or at once while the disk is away."""
        self._start()
        await self._committer.renew(reason)

    async def close(self) -> None:
        """Commits what waits and closes in good order, within `close_s`; a disk that does not answer is left alone.

        Appends that could not be committed raise JournalClosed.
        """
        writer, reader = self._start()
        try:
            async with asyncio.timeout(self._options.close_s):
                await self._committer.drain()
                self._committer.close()
                await self._reading.close()
                await ask(writer, self._database.close)
        except (TimeoutError, DiskFault, *DISK_ERRORS) as error:
            self._report(Finding("close.unfinished", self._wall_ms(), {"detail": str(error) or "no answer"}))
        finally:
            self._committer.close()
            writer.stop()
            reader.stop()
            self._pulse.beat()

    def _start(self) -> tuple[Worker, Worker]:
        """Binds the journal to the running event loop, once."""
        if self._workers is None:
            loop = asyncio.get_running_loop()
            if self._options.threads:
                self._workers = ThreadWorker(loop, "journal-write"), ThreadWorker(loop, "journal-read")
            else:
                self._workers = InlineWorker(loop), InlineWorker(loop)
            self._committer.start(loop, self._workers[0])
            self._reading.start(self._workers[1])
        return self._workers

    def _found(self, code: str, params: Mapping[str, str | int | None]) -> None:
        self._report(Finding(code, self._wall_ms(), params))

    def _report(self, finding: Finding) -> None:
        self.findings.append(finding)
        if self._options.on_finding is not None:
            self._options.on_finding(finding)

    def _fault_changed(self, fault: DiskFault | None) -> None:
        now_ms = self._wall_ms()
        if fault is not None:
            finding = Finding(fault.code, now_ms, {"detail": fault.detail})
            self._faults[fault.code] = finding
            self._report(finding)
        elif self._faults:
            self._report(Finding("disk.ok", now_ms, {"after": ",".join(self._faults)}))
            self._faults.clear()

    def _reopened(self, opened: Opened) -> bool:
        """Takes over what the disk holds; True when it has forgotten numbers and a new epoch is needed."""
        for finding in opened.findings:
            self._report(finding)
        memory_epoch = opened.ledger.epochs.get(self._refuge.name)
        if memory_epoch is not None:
            self._refuge.found_on_disk(memory_epoch.heads())
        return self._ledger.merge(opened.ledger, self._refuge.state_kept(), self._memory.held_ranges(), self._wall_ms())
