"""The driver of fire panels that are read over Modbus: states of registers become what began and what ended.

Invariants
1. Only function 3 is ever asked: nothing can be written with it.
2. What a change means is taken as said when it is on disk; what is not kept is found again at the next poll.
3. Only the latest state of a register is visible: what came and went between two polls is not seen.
4. The first poll says both what holds and what does not, so that what ended while nobody polled ends too.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from courtyard.drivers.base import Clock, DriverError, Fault, Sink
from courtyard.drivers.fire import gst_modbus, notifier_modbus
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.keeper import kept, signals
from courtyard.drivers.fire.post import Post
from courtyard.drivers.fire.register_settings import RegisterPanel
from courtyard.drivers.fire.supervision import LOOK_S, Supervision
from courtyard.drivers.fire.tables import codes
from courtyard.drivers.fire.watch import Watch
from courtyard.drivers.lines.settings import LineSettings
from courtyard.drivers.lines.wire import OpenWire, open_wire
from courtyard.drivers.modbus.connection import Connection
from courtyard.drivers.modbus.faults import device_fault, refused_fault
from courtyard.drivers.modbus.link import Ask, LineDown, NotYet, Refused, Unanswered
from courtyard.drivers.modbus.raw import RawFrame, RawFrames
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusProfile
from courtyard.drivers.progress import Progress

HOLDING = 3
Said = Callable[[int, Sequence[int], Sequence[int] | None], list[PanelEvent]]
"""From first address, values and the values before to what changed."""


class _Block:
    """Registers that are read together, and what they held when that was last kept."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.kept: tuple[int, ...] | None = None
        self.trouble: Fault | None = None


class _Register(Post):
    """One panel and its blocks."""

    def __init__(self, panel: RegisterPanel, connection: Connection, now: float) -> None:
        super().__init__(panel.id, panel.names, panel.places, Watch("panel_silent", panel.silence_s, now))
        self.panel = panel
        self.due = now
        self.map = meaning(panel)
        profile = ModbusProfile(
            "fire panel", "消防控制器", max_registers=gst_modbus.MOST_REGISTERS, timeout_s=panel.timeout_s
        )
        record = connection.records[panel.address]
        self.blocks = [
            _Block(Ask(panel.address, Read(HOLDING, first, count), profile, record)) for first, count in self.map.reads
        ]


class Map(NamedTuple):
    """How the registers of a panel are read: address and count of every read, what changes mean, and the values that
    between them hold every condition that a register can."""

    reads: list[tuple[int, int]]
    said: Said
    conditions: Sequence[int]

    def changes(self, first: int, values: Sequence[int], before: Sequence[int] | None) -> list[PanelEvent]:
        """What to say of registers that were read; `before` is None at the first time."""
        said = self.said(first, values, before)
        if before is not None:
            return said
        known = {(event.condition, event.source) for event in said}
        for condition in self.conditions:
            for event in self.said(first, values, [condition] * len(values)):
                about = (event.condition, event.source)
                if not event.begins and not event.momentary and about not in known:
                    known.add(about)
                    said.append(event)
        return said


def meaning(panel: RegisterPanel) -> Map:
    """The map of a panel.  Raises ValueError when neither model nor site say which registers there are."""
    model = gst_modbus.MODELS.get(panel.model)
    if model is not None:
        states = tuple(codes("gst", "register_states"))
        return Map(
            gst_modbus.queries(model),
            lambda first, values, before: gst_modbus.events(model, first, values, before),
            states,
        )
    if not panel.spans:
        raise ValueError(f"{panel.id}: name the registers in `spans`")
    source = notifier_modbus.gamewell_source if panel.model == "gamewell" else str
    most = gst_modbus.MOST_REGISTERS
    reads = [
        (start, min(most, first + count - start))
        for first, count in panel.spans
        for start in range(first, first + count, most)
    ]
    held = notifier_modbus.ACTIVE | notifier_modbus.PREALARM | notifier_modbus.TROUBLE | notifier_modbus.DISABLED
    classes = codes(notifier_modbus.FILE, "event_classes")
    conditions = tuple(held | event_class for event_class in classes if event_class != notifier_modbus.ABSENT)
    return Map(reads, lambda first, values, before: notifier_modbus.events(first, values, before, source), conditions)


class RegisterDriver:
    """Driver, Adjusts, Counts, Progresses and Traces of `drivers.base` for one line.  Make it inside the event loop.

    Raises ValueError.
    """

    def __init__(
        self,
        line: LineSettings,
        panels: Sequence[RegisterPanel],
        clock: Clock,
        *,
        open_line: OpenWire = open_wire,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.line, self._clock = line, clock
        self._loop = asyncio.get_running_loop()
        self._connection = Connection(line, open_line, chance, lambda: None)
        now = self._loop.time()
        self._posts = [_Register(panel, self._connection, now) for panel in panels]
        if not self._posts:
            raise ValueError("a line carries at least one panel")
        self._supervision = Supervision(lambda: self._posts, clock)
        self._raw = RawFrames(clock, self._loop.time)
        self._progress = Progress()

    async def run(self, sink: Sink) -> None:
        """Polls until cancelled."""
        self._supervision.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(sink))
            try:
                while True:
                    if await self._up(sink):
                        await self._poll(sink, min(self._posts, key=lambda post: post.due))
            finally:
                self._connection.close()

    def adjust(self, panels: Sequence[RegisterPanel]) -> None:
        """Takes other names and places of parts.  Raises ValueError for any other change: that takes a new driver."""
        if not _same([post.panel for post in self._posts], panels):
            raise ValueError("the registers of a line change only with a new driver")
        for post, panel in zip(self._posts, panels, strict=True):
            post.panel, post.names, post.places = panel, panel.names, panel.places

    def on_time(self) -> bool:
        """Whether it waits for the line, for what is due or for an answer no longer than it meant to."""
        return self._progress.on_time

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per panel: `polls`, `answered`, `refused`, `not_kept`, and each kind of failure; for the line what the
        Modbus link counts."""
        return {post.id: dict(post.counts) for post in self._posts} | {self.line.name: self._connection.link.counts}

    def frames(self, device: str) -> list[RawFrame]:
        """The last frames to and from a panel.  Raises DriverError for one that is not of this line."""
        post = next((post for post in self._posts if post.id == device), None)
        if post is None:
            raise DriverError(device_fault("device.unknown", device=device), device)
        return self._raw.of(self._connection.records[post.panel.address].frames)

    async def _up(self, sink: Sink) -> bool:
        """One attempt to have the line open; waits when it is too early for one."""
        connection = self._connection
        if connection.link.up:
            return True
        await self._wait_until(connection.reopen_at)
        up = await connection.open()
        for post in self._posts:
            if up:
                post.watch.linked(self._loop.time())
            else:
                post.watch.lost(self._loop.time())
        if not up:
            self._supervision.tell(sink, self.line.name, connection.fault)
        return up

    async def _poll(self, sink: Sink, post: _Register) -> None:
        """Reads every block of a panel once."""
        await self._wait_until(post.due)
        post.due = max(post.due + post.panel.every_s, self._loop.time())
        post.count("polls")
        for block in post.blocks:
            values = await self._read(post, block)
            if values is not None:
                await self._keep(sink, post, block, values)
        post.trouble = next((block.trouble for block in post.blocks if block.trouble), None)
        if self._connection.link.up:
            self._supervision.tell(sink, self.line.name, self._connection.fault)

    async def _read(self, post: _Register, block: _Block) -> tuple[int, ...] | None:
        """The values of a block, None when there was no answer."""
        connection, read = self._connection, block.ask.read
        self._progress.expect("poll", post.panel.timeout_s)
        try:
            data = await connection.link.read(block.ask)
        except NotYet as early:
            await self._wait_until(early.until)
            return None
        except LineDown:
            post.watch.lost(self._loop.time())
            return None
        except Unanswered as failure:
            post.count(failure.failure)
            connection.waited_in_vain()
            if failure.failure != "silent":
                post.watch.bad()
            return None
        except Refused as refusal:
            post.count("refused")
            connection.heard()
            post.watch.sign(self._loop.time())
            block.trouble = refused_fault(post.panel.address, refusal.code, (f"{read.address}..{read.end - 1}",))
            return None
        post.count("answered")
        connection.heard()
        post.watch.good()
        post.watch.sign(self._loop.time())
        block.trouble = None
        return struct.unpack(f">{read.quantity}H", data)

    async def _keep(self, sink: Sink, post: _Register, block: _Block, values: tuple[int, ...]) -> None:
        events = tuple(post.map.changes(block.ask.read.address, values, block.kept))
        self._progress.expect("poll")
        said = signals(events, post, self._clock.wall_ms(), self._clock.mono_ms(), None)
        if await kept(sink, said):
            block.kept = values
        else:
            post.count("not_kept")

    async def _wait_until(self, at: float) -> None:
        delay_s = max(0.0, at - self._loop.time())
        self._progress.expect("poll", delay_s)
        await asyncio.sleep(delay_s)

    async def _look(self, sink: Sink) -> None:
        while True:
            self._progress.expect("look", LOOK_S)
            await asyncio.sleep(LOOK_S)
            await self._supervision.look(sink)


def _same(before: Sequence[RegisterPanel], after: Sequence[RegisterPanel]) -> bool:
    """Whether no more differs than what parts are called and where they are."""
    nameless = [[msgspec.structs.replace(each, names={}, places={}) for each in each_of] for each_of in (before, after)]
    return nameless[0] == nameless[1]
