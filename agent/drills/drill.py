"""One drill: a test alarm of a device, and how long it takes to get where it must get.

    signal -> disk -> published (per platform) -> confirmed (PUBACK) -> received (the platform's own command)

The alarm is marked `test` in every record and has an id of its own, so it can never stand for a real one, nor hide one.
Outputs of rules never follow it; escalations do so only in a full drill.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from courtyard.agent.alarms.acts import ActRefused, Acts
from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.condition import Condition
from courtyard.agent.drills.passage import Passages
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import Details, instant
from courtyard.agent.refusal import Refusal
from courtyard.buffer import Appended, JournalError
from courtyard.drivers.base import Text

SOURCE: Final = "drill"
LOOK_S: Final = 0.1
FINISHED: Final = frozenset({"done", "failed", "ended"})


class Stage(msgspec.Struct, frozen=True):
    """One point of the way: `ms` since the signal; `who` is the platform, output or number that it is about."""

    name: str
    ms: float
    who: str | None = None


class Result(msgspec.Struct, frozen=True):
    """What a drill showed.  `missing` names what did not happen in time."""

    id: str
    gateway: str
    device: str
    alarm_id: str
    at: str
    by: str
    full: bool
    stages: tuple[Stage, ...]
    missing: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.missing


class Wish(NamedTuple):
    """What is asked for."""

    device: str
    alarm_class: str
    by: str
    full: bool
    wait_s: float


class Ports(NamedTuple):
    """What a drill reaches besides alarms and journal."""

    gateway: str
    passages: Passages
    platforms: Callable[[str], Mapping[str, bool]]
    """The uplinks that get alarms of a device, and whether their platform can confirm by itself."""
    steps: Callable[[str], Mapping[str, str]]
    """Steps of escalations of an alarm, and their state."""
    planned: Callable[[str, str], int]
    """How many steps the escalations of a device and a class have."""


Tell = Callable[[Stage], Awaitable[None]]


class Drills:
    """Used from the event loop only; one drill at a time."""

    def __init__(self, recorder: Recorder, book: AlarmBook, engine: AlarmEngine, acts: Acts, ports: Ports) -> None:
        self._recorder, self._book, self._engine, self._acts, self._ports = recorder, book, engine, acts, ports
        self._running: str | None = None
        self._received: dict[str, float] = {}
        self._listening = False

    async def run(self, wish: Wish, tell: Tell) -> Result:
        """Returns when everything has happened, or at the end of `wait_s`.  Raises Refusal while another one runs."""
        if self._running is not None:
            raise Refusal("drill.running", Text("Another drill is running.", "另一次演练正在进行。"))
        if not self._listening:
            self._listening = True
            self._book.listen(self._heard)
        condition = self._condition(wish)
        self._running, self._received = condition.alarm_id, {}
        begun: Details = {"id": str(condition.details["drill"]), "by": wish.by, "full": wish.full}
        self._recorder.event("drill.begun", begun, device=wish.device, test=True)
        try:
            return await self._measure(wish, condition, tell)
        finally:
            self._running = None
            self._end(condition.alarm_id)

    async def _measure(self, wish: Wish, condition: Condition, tell: Tell) -> Result:
        loop, stages, ports = asyncio.get_running_loop(), dict[tuple[str, str | None], Stage](), self._ports
        began, at = loop.time(), instant(condition.at_ms)
        self._end(condition.alarm_id)  # one that a stop of the gateway cut short
        written = self._engine.apply(condition)
        assert written is not None
        platforms = ports.platforms(wish.device)
        wanted: set[tuple[str, str | None]] = {("signal", None), ("disk", None)}
        for name, confirms in platforms.items():
            wanted |= {("published", name), ("confirmed", name)} | ({("received", name)} if confirms else set())

        async def reach(name: str, who: str | None, when: float) -> None:
            if (name, who) not in stages:
                stages[name, who] = stage = Stage(name, round((when - began) * 1000, 1), who)
                await tell(stage)

        await reach("signal", None, began)
        appended: Appended | None = None
        on_disk: list[float] = []

        def kept(_: object) -> None:
            on_disk.append(loop.time())
            ports.passages.changed.set()

        written.add_done_callback(kept)
        planned = ports.planned(wish.device, wish.alarm_class) if wish.full else 0
        while True:
            ports.passages.changed.clear()
            if appended is None and on_disk:
                appended = written.result()
                if appended.durable:
                    await reach("disk", None, on_disk[0])
            if appended is not None:
                for name in platforms:
                    for stage, find in (("published", ports.passages.served), ("confirmed", ports.passages.confirmed)):
                        when = find(name, appended.epoch, appended.seqs[0])
                        if when is not None:
                            await reach(stage, name, when)
            for name, when in tuple(self._received.items()):
                await reach("received", name, when)
            steps = ports.steps(condition.alarm_id)
            for key, state in steps.items():
                if state in FINISHED:
                    await reach(state, key, loop.time())
            finished = sum(state in FINISHED for state in steps.values())
            left_s = began + wish.wait_s - loop.time()
            if (wanted <= set(stages) and finished >= planned) or left_s <= 0:
                break
            try:
                async with asyncio.timeout(min(LOOK_S, left_s)):
                    await ports.passages.changed.wait()
            except TimeoutError:
                continue
        missing = [" ".join(filter(None, each)) for each in sorted(wanted - set(stages), key=str)]
        missing += [f"failed {key}" for name, key in stages if name == "failed"]
        missing += ["steps"] if finished < planned else []
        ordered = tuple(sorted(stages.values(), key=lambda stage: stage.ms))
        drill = str(condition.details["drill"])
        return Result(
            drill, ports.gateway, wish.device, condition.alarm_id, at, wish.by, wish.full, ordered, tuple(missing)
        )

    def _condition(self, wish: Wish) -> Condition:
        details: Details = {"drill": secrets.token_hex(4), "by": wish.by, "full": wish.full}
        text = Text(
            f"Drill: a test alarm by {wish.by}; nothing has happened.", f"演练：{wish.by} 发起的测试报警，并无警情。"
        )
        now = self._recorder.now()
        return Condition(wish.device, wish.alarm_class, SOURCE, 1, True, *now, text=text, details=details, test=True)

    def _heard(self, alarm: Alarm) -> None:
        if alarm.record.alarm_id == self._running:
            now = asyncio.get_running_loop().time()
            for name in alarm.received:
                self._received.setdefault(name, now)
            self._ports.passages.changed.set()

    def _end(self, alarm_id: str) -> None:
        alarm = self._book.get(alarm_id)
        if alarm is not None and alarm.state != "cleared":
            try:
                self._acts.clear(alarm_id, "drill", "drill over")
            except (ActRefused, JournalError):
                return  # somebody cleared it in the meantime, or no disk: it ends by itself after an hour
