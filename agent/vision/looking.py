"""Which picture of which lift is looked at, and when: the motion gate, fresh pictures only, load shed evenly.

Invariants
1. A picture that is older than FRESH_S when its turn comes is not looked at.
2. A lift in which something moves, or in which the last look saw something, is looked at as often as the load allows;
   one that is still and empty every RECHECK_S.
3. A still picture says nothing new: it is told as `Still`, and only after a look that had nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import numpy as np

from courtyard.agent.vision.messages import Looked, Stages, Still
from courtyard.agent.vision.model import Picture, Seen
from courtyard.agent.vision.shedding import Turns, overloaded, share_hz
from courtyard.drivers.camera.frames import Frame, Glance
from courtyard.drivers.camera.picture import MOVING_SHARE

FRESH_S: Final = 1.0
RECHECK_S: Final = 10.0
SUSPICIOUS: Final = 0.2
"""Score of the last look from which a still picture is looked at again each time."""
SMOOTHING: Final = 0.1
EBIKE: Final = "ebike"


class Board(Protocol):
    """What is needed of `courtyard.drivers.camera.frames.FrameBoard`."""

    def glance(self) -> Glance | None: ...
    def newest(self, after: int = 0) -> Frame | None: ...


class _Eye:
    """One lift."""

    def __init__(self, board: Board, look: Callable[[Picture], Seen]) -> None:
        self.board, self.look = board, look
        self.number = 0
        self.looked_s = float("-inf")
        self.moved_s = float("-inf")
        self.score = 0.0

    def wants(self, now_s: float) -> bool:
        """Whether pictures are worth a look now, new ones provided."""
        live = now_s - self.moved_s <= FRESH_S
        return live or self.score >= SUSPICIOUS or now_s - self.looked_s >= RECHECK_S


class Looking:
    """All lifts of one worker."""

    def __init__(self, look: Callable[[Picture], Seen], look_s: float, load: float, clock: Callable[[], float]) -> None:
        """`look_s` is how long one look takes, as measured; `load` the share of a core for it."""
        self._look, self._load, self._clock = look, load, clock
        self._look_s = look_s
        self._turns = Turns(load / look_s)
        self._eyes: dict[str, _Eye] = {}

    def attach(self, lift: str, board: Board, look: Callable[[Picture], Seen] | None = None) -> None:
        """`look` is this lift's own way of looking."""
        self._eyes[lift] = _Eye(board, look or self._look)

    def detach(self, lift: str) -> Board | None:
        eye = self._eyes.pop(lift, None)
        return eye.board if eye is not None else None

    @property
    def busy(self) -> bool:
        """Whether some lift moves."""
        now_s = self._clock()
        return any(now_s - eye.moved_s <= FRESH_S for eye in self._eyes.values())

    @property
    def each_hz(self) -> float:
        """Looks a second for each lift that moves."""
        return share_hz(self._moving(), self._turns.budget_hz)

    @property
    def overloaded(self) -> bool:
        return overloaded(self._moving(), self._turns.budget_hz)

    @property
    def spare(self) -> bool:
        """Whether there is time for second looks: first ones come first, and no lift gets too few of them."""
        return not overloaded(self._moving(), self._turns.budget_hz / 2)

    def turn(self) -> Iterator[tuple[Looked, Picture] | Still]:
        """What there is to tell now: still pictures, and at most one look with its picture."""
        now_s = self._clock()
        wanting, ready = [], []
        for lift, eye in self._eyes.items():
            glance = eye.board.glance()
            is_new = glance is not None and glance.number > eye.number and now_s - glance.at_s <= FRESH_S
            if glance is not None and is_new and glance.moving >= MOVING_SHARE:
                eye.moved_s = glance.at_s
            if eye.wants(now_s):
                wanting.append(lift)
                if is_new:
                    ready.append(lift)
            elif glance is not None and is_new:
                eye.number = glance.number
                yield Still(lift, glance.at_s)
        chosen = self._turns.next(now_s, wanting, ready)
        if chosen is not None:
            looked = self._look_at(chosen)
            if looked is not None:
                yield looked

    def _look_at(self, lift: str) -> tuple[Looked, Picture] | None:
        eye = self._eyes[lift]
        frame = eye.board.newest(eye.number)
        if frame is None:
            return None  # overwritten just now: the next one is there with the next turn
        began_s = self._clock()
        picture = np.frombuffer(frame.pixels, np.uint8).reshape(frame.height, frame.width, 3)
        detections, took_ms, trial = eye.look(picture)
        eye.number, eye.looked_s = frame.number, began_s
        eye.score = max((each.score for each in detections if each.label == EBIKE), default=0.0)
        self._look_s += SMOOTHING * (self._clock() - began_s - self._look_s)
        self._turns.budget_hz = self._load / max(self._look_s, 1e-4)
        queue_ms = 1000 * (began_s - frame.at_s)
        stages = Stages(1000 * frame.late_s, 1000 * frame.decode_s, queue_ms, took_ms)
        return Looked(lift, frame.number, frame.at_s, detections, stages, trial), picture

    def _moving(self) -> int:
        now_s = self._clock()
        return sum(now_s - eye.moved_s <= FRESH_S for eye in self._eyes.values())
