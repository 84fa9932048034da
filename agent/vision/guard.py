"""One lift: what its camera's detections make happen.  Detections in; a warning, a held door and an alarm out.

Invariants
1. The door is held only while the stance says so (`votes`), through an output of the site, never otherwise.
2. While anything blocks (fire, fire return, firefighter mode) nothing is held, whatever is seen.
3. The alarm begins with the warning and ends with it; one that only lost its picture, or its gateway, is over when a
   live picture has been without an e-bike for as long as a warning takes to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.records import Details
from courtyard.agent.vision.keeper import Holds, Keeper
from courtyard.agent.vision.messages import Stages
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.tracker import Detection, Track, Tracker
from courtyard.agent.vision.votes import QUIET, Door, Policy, Stance, Watch
from courtyard.drivers.base import Clock, Text

TICK_S: Final = 0.25
NO_STAGES: Final = Stages()
EBIKE: Final = "ebike"


class Lift(msgspec.Struct, frozen=True):
    """`warn` are outputs held while warned (lamp, voice), `hold` is the lift's own door-hold input."""

    id: str
    region: Region
    policy: Policy
    warn: tuple[str, ...] = ()
    hold: str | None = None


class Seen(NamedTuple):
    """What a stance rests on: the e-bike, the model that saw it, where the time of the last look went."""

    track: Track | None = None
    model: str = ""
    stages: Stages = Stages()
    vote_ms: float = 0.0

    def details(self) -> Details:
        """For records."""
        track, stages = self.track, self.stages
        return {
            "track": track.id if track else None,
            "score": round(track.best, 3) if track else None,
            "model": self.model,
            **{name: round(value, 1) for name, value in stages._asdict().items()},
            "vote_ms": round(self.vote_ms, 1),
        }


class Guard:
    """Used from the event loop only."""

    def __init__(
        self,
        lift: Lift,
        outputs: Holds,
        say: Callable[[Condition], object],
        clock: Clock,
        *,
        confirmed: Callable[[float], None] = lambda _: None,
        changed: Callable[[Stance, Stance], None] = lambda *_: None,
    ) -> None:
        """`say` takes the alarm's condition, `confirmed` that the door is held and after how many seconds, `changed`
        the stance before and now."""
        self.lift = lift
        self.stance = QUIET
        self.score = 0.0
        """Of the last look."""
        self.seen = Seen()
        self._watch, self._tracker = Watch(lift.policy), Tracker()
        self._say, self._clock, self._told = say, clock, changed
        holder = f"vision:{lift.id}"
        self._warners = tuple(Keeper(outputs, name, holder) for name in lift.warn)
        self._door_keeper = Keeper(outputs, lift.hold, holder, confirmed) if lift.hold else None
        self.blocks: dict[str, str] = {}
        self.position: Door = "unknown"
        """What the lift says of its door."""
        self._blind: set[str] = set()
        self._is_open = False
        self._quiet_s: float | None = None

    def look(self, detections: Sequence[Detection], *, model: str, stages: Stages = NO_STAGES) -> bool:
        """Takes what one look at a live picture found, unless that is worth nothing.  `model`: its hash."""
        if self._blind:
            return False
        now_s = asyncio.get_running_loop().time()
        tracks = self._tracker.look(now_s, detections)
        counted = [track for track in tracks if track.label == EBIKE and self.lift.region.where(track.box) != "outside"]
        best = counted[0] if counted else None
        self.score = best.score if best else 0.0
        if best is not None and best.score >= self.lift.policy.warn_at:
            self.seen = Seen(best, model, stages, 1000 * (now_s - best.since_s))
        self._watch.look(now_s, self.score)
        self.judge()
        return True

    def still(self) -> None:
        """The picture is live, and nothing in it has changed since the last look."""
        if not self._blind:
            self._watch.still(asyncio.get_running_loop().time())

    def follow(self, policy: Policy) -> None:
        """Votes by this policy from now on."""
        self.lift = msgspec.structs.replace(self.lift, policy=policy)
        self._watch.policy = policy

    def reopen(self) -> None:
        """The alarm stands from before."""
        self._is_open = True

    def lose(self) -> None:
        """The camera is gone."""
        self._watch.lose()
        self.judge()

    def blind(self, reason: str, *, blind: bool) -> None:
        """The camera's picture is worth nothing: silent, frozen, black, covered."""
        if blind:
            self._blind.add(reason)
            self.lose()
        else:
            self._blind.discard(reason)

    def block(self, source: str, reason: str) -> None:
        """Fire, fire return or firefighter mode: releases the door and keeps it released until `source` unblocks."""
        self.blocks[source] = reason
        self.judge()

    def unblock(self, source: str) -> None:
        """This source no longer blocks."""
        self.blocks.pop(source, None)
        self.judge()

    def door(self, door: Door) -> None:
        """What the lift says of its door."""
        self.position = door
        self.judge()

    def judge(self) -> None:
        """Brings outputs and alarm in step with what is known now."""
        now_s = asyncio.get_running_loop().time()
        before, self.stance = self.stance, self._watch.judge(now_s, blocked=bool(self.blocks), door=self.position)
        for warner in self._warners:
            warner.want(self.stance.warn)
        if self._door_keeper is not None:
            self._door_keeper.want(self.stance.hold)
        if self.stance.why != "quiet":
            self._quiet_s = None
        elif self._quiet_s is None:
            self._quiet_s = now_s
        is_cleared = self._quiet_s is not None and now_s - self._quiet_s >= self.lift.policy.clear_s
        if (self.stance.warn, self.stance.hold) != (before.warn, before.hold) or (self._is_open and is_cleared):
            self._is_open = self.stance.warn or self.stance.why == "picture_lost"
            self._say(self._condition(self.stance))
        if self.stance != before:
            self._told(before, self.stance)

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
        details: Details = {**self.seen.details(), "held": stance.hold, "why": stance.why}
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
