"""A recorded or rendered lift, looked at as a live one is: the same gate, rate, tracker and votes, on its own time.

Whatever shows the pictures gives their times, so that hours pass as fast as the model looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from courtyard.agent.vision.looking import EBIKE, RECHECK_S, SUSPICIOUS
from courtyard.agent.vision.model import Picture, Seen
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.shedding import FULL_HZ
from courtyard.agent.vision.tracker import Track, Tracker
from courtyard.agent.vision.votes import QUIET, Policy, Stance, Watch
from courtyard.drivers.camera.picture import HEIGHT, MOVING_SHARE, WIDTH, MotionGate

LOOK_S: Final = 0.2
IDLE_S: Final = 1.0
EVERYWHERE: Final = Region(())
What = Literal["seen", "warn", "hold", "over"]


class Event(msgspec.Struct, frozen=True):
    """What begins or ends at `at` seconds: an e-bike is seen, warned of, the door held; it is over."""

    at: float
    event: What
    track: int | None = None
    score: float | None = None


class Replay:
    """One lift.  Pictures are given in the order of their times, in seconds."""

    def __init__(self, look: Callable[[Picture], Seen], policy: Policy, region: Region = EVERYWHERE) -> None:
        self.looks = 0
        self._look, self._region = look, region
        self._watch, self._tracker, self._gate = Watch(policy), Tracker(), MotionGate()
        self._gated_s = self._looked_s = self._moved_s = self._shown_s = float("-inf")
        self.score = 0.0
        """Of the last look."""
        self._stance: Stance = QUIET
        self._seen: Track | None = None
        self._told: set[int] = set()

    @property
    def holds(self) -> bool:
        """Whether the door is held now."""
        return self._stance.hold

    def show(self, at_s: float, picture: Picture) -> Iterator[Event]:
        """What this picture makes happen."""
        if at_s - self._gated_s >= LOOK_S:
            self._gated_s = at_s
            if self._gate.share(grey(picture)) >= MOVING_SHARE:
                self._moved_s = at_s
        if self._wants(at_s):
            self._looked_s = at_s
            yield from self._take(at_s, picture)
        elif at_s - self._shown_s >= IDLE_S:
            self._shown_s = at_s
            self._watch.still(at_s)
        yield from self._judge(at_s)

    def end(self, at_s: float) -> Iterator[Event]:
        """What is over because there are no more pictures."""
        if self._stance.warn:
            self._stance = QUIET
            yield self._event(at_s, "over")

    def _wants(self, at_s: float) -> bool:
        since_s = at_s - self._looked_s
        if at_s - self._moved_s <= IDLE_S:
            return since_s >= 1 / FULL_HZ - 1e-6
        return since_s >= (IDLE_S if self.score >= SUSPICIOUS else RECHECK_S)

    def _take(self, at_s: float, picture: Picture) -> Iterator[Event]:
        self.looks += 1
        tracks = self._tracker.look(at_s, self._look(picture).detections)
        counted = [each for each in tracks if each.label == EBIKE and self._region.where(each.box) != "outside"]
        self.score = counted[0].score if counted else 0.0
        self._watch.look(at_s, self.score)
        if counted and self.score >= self._watch.policy.warn_at:
            self._seen = counted[0]
            if self._seen.id not in self._told:
                self._told.add(self._seen.id)
                yield self._event(at_s, "seen")

    def _judge(self, at_s: float) -> Iterator[Event]:
        before, self._stance = self._stance, self._watch.judge(at_s)
        now = self._stance
        if now.warn and not before.warn:
            yield self._event(at_s, "warn")
        if now.hold and not before.hold:
            yield self._event(at_s, "hold")
        if before.warn and not now.warn:
            yield self._event(at_s, "over")

    def _event(self, at_s: float, what: What) -> Event:
        seen = self._seen
        return Event(round(at_s, 3), what, seen.id if seen else None, round(seen.score, 4) if seen else None)


def grey(picture: Picture) -> npt.NDArray[np.uint8]:
    """The plane that the motion gate looks at: WIDTH x HEIGHT, nearest points."""
    height, width = picture.shape[:2]
    rows = np.arange(HEIGHT) * height // HEIGHT
    columns = np.arange(WIDTH) * width // WIDTH
    return np.asarray(picture[rows[:, None], columns].mean(axis=2), np.uint8)
