"""Whole visits instead of single pictures: how many e-bikes hold the door, how soon, and what else does by mistake.

Pictures go straight into the same gate, tracker and votes that a gateway has, on the time of whoever shows them, so
that hours of a rendered lift pass as fast as the model looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from bench.report import Row
from courtyard.agent.vision.looking import EBIKE
from courtyard.agent.vision.model import Picture
from courtyard.agent.vision.replay import Replay

GRACE_S: Final = 5.0
"""So long after a visit a hold still belongs to it."""


class Shown(NamedTuple):
    """One picture with its truth: whether a wheel of an e-bike is over the sill or behind it."""

    at_s: float
    picture: Picture
    ebike: bool


class Truth(Protocol):
    """One thing of a rendered frame; `over_sill` when any of it is in the car."""

    @property
    def label(self) -> str: ...
    @property
    def over_sill(self) -> bool: ...


class Frame(Protocol):
    """What is needed of `hw_sim.lift.Frame`: a picture in BGR with its truth."""

    @property
    def bgr(self) -> npt.NDArray[np.uint8]: ...
    @property
    def truth(self) -> Sequence[Truth]: ...
    @property
    def seconds(self) -> float: ...


def rendered(frames: Iterable[Frame]) -> Iterator[Shown]:
    """A rendered film as `judge` takes it."""
    for frame in frames:
        ebike = any(each.label == EBIKE and each.over_sill for each in frame.truth)
        yield Shown(frame.seconds, np.ascontiguousarray(frame.bgr[:, :, ::-1]), ebike)


class Verdict(NamedTuple):
    """`delays_s` from the wheel over the sill to the hold, one for each visit that was held."""

    visits: int
    delays_s: tuple[float, ...]
    false_holds: int
    seconds: float
    looks: int

    @property
    def recall(self) -> float:
        return len(self.delays_s) / self.visits if self.visits else 0.0

    @property
    def p95_s(self) -> float:
        """Of the delays, where a visit that was missed counts as endless."""
        ordered = [*sorted(self.delays_s), *[math.inf] * (self.visits - len(self.delays_s))]
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else math.inf


def judge(shown: Iterable[Shown], replay: Replay) -> Verdict:
    """Shows all of it.  Each visit is held at most once; a hold outside of any is a false one."""
    visits = false_holds = 0
    delays: list[float] = []
    began_s: float | None = None
    ended_s = first_s = last_s = -math.inf
    is_held = False
    for at_s, picture, ebike in shown:
        first_s = at_s if first_s == -math.inf else first_s
        last_s = at_s
        if ebike and began_s is None:
            began_s, visits, is_held = at_s, visits + 1, False
        elif not ebike and began_s is not None:
            began_s, ended_s = None, at_s
        for event in replay.show(at_s, picture):
            if event.event != "hold":
                continue
            if began_s is not None and not is_held:
                is_held = True
                delays.append(at_s - began_s)
            elif began_s is None and at_s - ended_s > GRACE_S:
                false_holds += 1
    seconds = last_s - first_s if math.isfinite(first_s) else 0.0
    return Verdict(visits, tuple(delays), false_holds, seconds, replay.looks)


def rows(visits: Verdict, traffic: Verdict) -> list[Row]:
    """300 visits of e-bikes, and two hours without any."""
    return [
        Row(f"{visits.visits} e-bike visits: held", f"{visits.recall:.3f}", ">= 0.98", visits.recall >= 0.98),
        Row("wheel over the sill to hold, p95", f"{visits.p95_s:.2f} s", "<= 1.5 s", visits.p95_s <= 1.5),
        Row(
            f"{traffic.seconds / 3600:.1f} h of other traffic: false holds",
            f"{visits.false_holds + traffic.false_holds}",
            "<= 1",
            visits.false_holds + traffic.false_holds <= 1,
        ),
        Row("looks at other traffic", f"{traffic.looks}"),
    ]
