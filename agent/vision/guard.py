"""One lift: what its camera's detections make happen.  Detections in; a warning, a held door and an alarm out.

Invariants
1. The door is held only while the stance says so (`votes`), through an output of the site, never otherwise.
2. While anything blocks (fire, fire return, firefighter mode) nothing is held, whatever is seen.
3. The alarm begins with the warning and ends with it; one that only lost its picture is not taken for over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.records import Details
from courtyard.agent.vision.keeper import Holds, Keeper
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.tracker import Detection, Track, Tracker
from courtyard.agent.vision.votes import QUIET, Door, Policy, Stance, Watch
from courtyard.drivers.base import Clock, Text

TICK_S: Final = 0.25
EBIKE: Final = "ebike"


class Lift(msgspec.Struct, frozen=True):
    """`warn` are outputs held while warned (lamp, voice), `hold` is the lift's own door-hold input."""

    id: str
    region: Region
    policy: Policy
    warn: tuple[str, ...] = ()
    hold: str | None = None


class Guard:
    """Used from the event loop only."""

    def __init__(self, lift: Lift, outputs: Holds, say: Callable[[Condition], object], clock: Clock) -> None:
        """`say` takes the alarm's condition."""
        self.lift = lift
        self.stance = QUIET
        self._watch, self._tracker = Watch(lift.policy), Tracker()
        self._say, self._clock = say, clock
        holder = f"vision:{lift.id}"
        self._warners = tuple(Keeper(outputs, name, holder) for name in lift.warn)
        self._door_keeper = Keeper(outputs, lift.hold, holder) if lift.hold else None
        self._blocks: dict[str, str] = {}
        self._door: Door = "unknown"
        self._seen: Track | None = None
        self._model, self._latency_ms = "", 0.0

    def look(self, detections: Sequence[Detection], *, model: str, latency_ms: float) -> None:
        """Takes what one look at a live picture found.  `model`: its hash; `latency_ms`: from picture to here."""
        now_s = asyncio.get_running_loop().time()
        self._model, self._latency_ms = model, latency_ms
        tracks = self._tracker.look(now_s, detections)
        counted = [track for track in tracks if track.label == EBIKE and self.lift.region.where(track.box) != "outside"]
        best = counted[0] if counted else None
        if best is not None and best.score >= self.lift.policy.warn_at:
            self._seen = best
        self._watch.look(now_s, best.score if best else 0.0)
        self.judge()

    def lose(self) -> None:
        """The camera is gone."""
        self._watch.lose()
        self.judge()

    def block(self, source: str, reason: str) -> None:
        """Fire, fire return or firefighter mode: releases the door and keeps it released until `source` unblocks."""
        self._blocks[source] = reason
        self.judge()

    def unblock(self, source: str) -> None:
        """This source no longer blocks."""
        self._blocks.pop(source, None)
        self.judge()

    def door(self, door: Door) -> None:
        """What the lift says of its door."""
        self._door = door
        self.judge()

    def judge(self) -> None:
        """Brings outputs and alarm in step with what is known now."""
        now_s = asyncio.get_running_loop().time()
        before, self.stance = self.stance, self._watch.judge(now_s, blocked=bool(self._blocks), door=self._door)
        for warner in self._warners:
            warner.want(self.stance.warn)
        if self._door_keeper is not None:
            self._door_keeper.want(self.stance.hold)
        if (self.stance.warn, self.stance.hold) != (before.warn, before.hold):
            self._say(self._condition(self.stance))

    async def run(self) -> None:
        """Until cancelled; then everything is released."""
        keepers = (*self._warners, *((self._door_keeper,) if self._door_keeper else ()))
        async with asyncio.TaskGroup() as group:
            for keeper in keepers:
                group.create_task(keeper.run())
            while True:
                self.judge()
                await asyncio.sleep(TICK_S)

    def _condition(self, stance: Stance) -> Condition:
        if stance.hold:
            text = Text("E-bike in the lift: the door is held.", "电动自行车进入电梯，轿门保持开启。")
        elif stance.warn:
            text = Text("E-bike in the lift.", "电动自行车进入电梯。")
        elif stance.why == "picture_lost":
            text = Text("E-bike in the lift, then the picture was lost.", "电动自行车进入电梯，随后画面丢失。")
        else:
            text = Text("No e-bike in the lift any more.", "电动自行车已离开电梯。")
        seen = self._seen
        details: Details = {
            "track": seen.id if seen else None,
            "score": round(seen.best, 3) if seen else None,
            "model": self._model,
            "latency_ms": round(self._latency_ms, 1),
            "held": stance.hold,
            "why": stance.why,
        }
        return Condition(
            self.lift.id,
            EBIKE,
            "car",
            1,
            stance.warn,
            self._clock.wall_ms(),
            self._clock.mono_ms(),
            text=text,
            details=details,
            evidence=stance.why != "picture_lost",
        )
