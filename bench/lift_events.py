"""Whole visits instead of single pictures: how many e-bikes hold the door, how soon, and what else does by mistake.

Pictures go straight into the same gate, tracker and votes that a gateway has, on the time of whoever shows them, so
that hours of a rendered lift pass as fast as the model looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from bench.report import Row, Section
from courtyard.agent.vision.looking import EBIKE
from courtyard.agent.vision.model import Model, Picture, load
from courtyard.agent.vision.replay import Replay
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.agent.vision.votes import Policy

if TYPE_CHECKING:
    from hw_sim.lift import Script

FPS: Final = 10.0
FIRST_SEED: Final = 700_000
DAY_VISITS: Final = 10
GRACE_S: Final = 5.0
"""So long after a visit a hold still belongs to it."""


class Shown(NamedTuple):
    """One picture with its truth: whether a wheel of an e-bike is over the sill or behind it."""

    at_s: float
    picture: Picture
    ebike: bool


def rendered(script: Script, fps: float) -> Iterator[Shown]:
    """A day in the rendered lift as `judge` takes it; its script knows when an e-bike crosses the sill."""
    from hw_sim.lift import render

    began = {each.thing: each.seconds for each in script.events if (each.kind, each.label) == ("over-sill", EBIKE)}
    clear = {each.thing: each.seconds for each in script.events if each.kind == "clear"}
    for frame in render(script, fps=fps):
        ebike = any(first <= frame.seconds < clear[thing] for thing, first in began.items())
        yield Shown(frame.seconds, np.ascontiguousarray(frame.bgr[:, :, ::-1]), ebike)


def added(verdicts: Sequence[Verdict]) -> Verdict:
    """Several days as one."""
    return Verdict(
        sum(each.visits for each in verdicts),
        tuple(delay for each in verdicts for delay in each.delays_s),
        sum(each.false_holds for each in verdicts),
        sum(each.seconds for each in verdicts),
        sum(each.looks for each in verdicts),
    )


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


def measure(
    model: Model, visits: int, hours: float, *, fps: float = FPS, seed: int = FIRST_SEED
) -> tuple[Verdict, Verdict]:
    """So many visits of e-bikes, and so many hours of everything else, of geometry that no training has seen."""
    from hw_sim.lift import traffic

    warn_at = model.manifest.score
    policy = Policy(warn_at=warn_at, hold_at=min(0.99, warn_at + 0.1), commissioned=True, calibrated=True)
    seen: list[Verdict] = []
    while sum(each.visits for each in seen) < visits:
        left = visits - sum(each.visits for each in seen)
        day = traffic(seed + len(seen), visits=min(DAY_VISITS, left), ebikes=1.0, geometry="test")
        seen.append(judge(rendered(day, fps), Replay(model.look, policy)))
    others: list[Verdict] = []
    while sum(each.seconds for each in others) < hours * 3600:
        day = traffic(seed + 10_000 + len(others), visits=DAY_VISITS, ebikes=0.0, geometry="test")
        others.append(judge(rendered(day, fps), Replay(model.look, policy)))
    return added(seen), added(others)


def section(visits: int = 300, hours: float = 2.0) -> Section:
    """The product's own model on whole visits."""
    named = "Lifts, whole visits", "python -m bench lift-events"
    if not MANIFEST.exists():
        return Section(*named, [Row("the product's own model", "not built", "built", False)])
    return Section(*named, rows(*measure(load(MANIFEST), visits, hours)))
