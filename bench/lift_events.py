"""Whole visits instead of single pictures: how many e-bikes hold the door, how soon, and what else does by mistake.

Pictures go straight into the same gate, tracker and votes that a gateway has, on the time of whoever shows them, so
that hours of a rendered lift pass as fast as the model looks.  While a door is not shut, five pictures a second are
drawn, as many as a moving lift is looked at; while it is, nothing in the drawn car moves, and there is one a second.  A
visit of an e-bike is shown until WAITED_S after it stands in the car.  Every core has its share of the days.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import dropwhile
from multiprocessing import get_context
from pathlib import Path
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

FPS: Final = 5.0
STILL_FPS: Final = 1.0
WIDTH, HEIGHT = 640, 360
"""As a camera's sub-stream."""
BEFORE_S, AFTER_S, WAITED_S = 2.0, 1.0, 3.0
"""Around an open door; and how long a hold is waited for once an e-bike stands in the car."""
FIRST_SEED: Final = 700_000
DAY_VISITS: Final = 10
GRACE_S: Final = 5.0
"""So long after a visit a hold still belongs to it."""


class Shown(NamedTuple):
    """One picture with its truth: whether a wheel of an e-bike is over the sill or behind it."""

    at_s: float
    picture: Picture
    ebike: bool


class Span(NamedTuple):
    """From when to when, in seconds, at how many pictures a second."""

    first_s: float
    last_s: float
    fps: float


def lively(script: Script) -> list[Span]:
    """A whole day: many pictures while a door is not shut, few while it is."""
    spans, now_s = [], 0.0
    for opening_s, closed_s in opened(script):
        first_s = max(now_s, opening_s - BEFORE_S)
        spans += [Span(now_s, first_s, STILL_FPS), Span(first_s, closed_s + AFTER_S, FPS)]
        now_s = closed_s + AFTER_S
    return [*spans, Span(now_s, script.seconds, STILL_FPS)]


def arrivals(script: Script) -> list[Span]:
    """Every visit of an e-bike, from before the door opens until it has long stood in the car."""
    inside = [each.seconds for each in script.events if (each.kind, each.label) == ("inside", EBIKE)]
    return [
        Span(max(opening_s for opening_s, _ in opened(script) if opening_s < at_s) - BEFORE_S, at_s + WAITED_S, FPS)
        for at_s in inside
    ]


def opened(script: Script) -> list[tuple[float, float]]:
    """When the door began to open, and when it was shut again."""
    opening = [each.seconds for each in script.events if each.kind == "door-opening"]
    return list(zip(opening, (each.seconds for each in script.events if each.kind == "door-closed"), strict=True))


def rendered(script: Script, fps: float) -> Iterator[Shown]:
    """A day in the rendered lift as `judge` takes it; its script knows when an e-bike crosses the sill."""
    return shown(script, [Span(0.0, script.seconds, fps)])


def shown(script: Script, spans: Sequence[Span]) -> Iterator[Shown]:
    """Parts of a day."""
    from hw_sim.lift import render_at

    times = [
        span.first_s + number / span.fps
        for span in spans
        for number in range(int((span.last_s - span.first_s) * span.fps))
    ]
    began = {each.thing: each.seconds for each in script.events if (each.kind, each.label) == ("over-sill", EBIKE)}
    clear = {each.thing: each.seconds for each in script.events if each.kind == "clear"}
    for frame in render_at(script, times, width=WIDTH, height=HEIGHT):
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


def judge(pictures: Iterable[Shown], replay: Replay) -> Verdict:
    """Shows all of it.  Each visit is held at most once.  A door that is held already when the wheel comes over the
    sill, because the e-bike was seen in front of it, was held after no time; a hold that no visit follows is a false
    one."""
    visits = false_holds = 0
    delays: list[float] = []
    began_s: float | None = None
    ended_s = first_s = last_s = -math.inf
    is_held = is_early = False
    for at_s, picture, ebike in pictures:
        first_s = at_s if first_s == -math.inf else first_s
        last_s = at_s
        if ebike and began_s is None:
            began_s, visits, is_held = at_s, visits + 1, False
        elif not ebike and began_s is not None:
            began_s, ended_s = None, at_s
        held = any(event.event == "hold" for event in replay.show(at_s, picture))
        if began_s is None:
            false_holds += is_early and not replay.holds
            is_early = replay.holds and (is_early or (held and at_s - ended_s > GRACE_S))
        elif replay.holds and not is_held:
            is_held, is_early = True, False
            delays.append(at_s - began_s)
    false_holds += is_early
    seconds = last_s - first_s if math.isfinite(first_s) else 0.0
    return Verdict(visits, tuple(delays), false_holds, seconds, replay.looks)


def rows(visits: Verdict, late: Verdict, traffic: Verdict) -> list[Row]:
    """300 visits of e-bikes, the same without what was to be seen before the wheel, and two hours without any."""
    return [
        Row(f"{visits.visits} e-bike visits: held", f"{visits.recall:.3f}", ">= 0.98", visits.recall >= 0.98),
        Row("of these, held before the wheel was over the sill", f"{visits.delays_s.count(0.0)}"),
        Row("wheel over the sill to hold, p95", f"{visits.p95_s:.2f} s", "<= 1.5 s", visits.p95_s <= 1.5),
        Row("the same, nothing shown before the wheel, p95", f"{late.p95_s:.2f} s", "<= 1.5 s", late.p95_s <= 1.5),
        Row(
            f"{traffic.seconds / 3600:.1f} h of other traffic: false holds",
            f"{visits.false_holds + traffic.false_holds}",
            "<= 1",
            visits.false_holds + traffic.false_holds <= 1,
        ),
        Row("looks at other traffic", f"{traffic.looks}"),
    ]


def policy_of(model: Model) -> Policy:
    """As a commissioned and calibrated lift with the model's own threshold has it."""
    warn_at = model.manifest.voting
    return Policy(warn_at=warn_at, hold_at=min(0.99, warn_at + 0.1), commissioned=True, calibrated=True)


def visited(manifest: Path, seed: int, visits: int) -> tuple[Verdict, Verdict]:
    """So many visits of e-bikes to one car of geometry that no training has seen; and the same by a gateway that sees
    nothing until the wheel is over the sill."""
    model = _model(manifest)
    day = traffic_of(seed, visits, ebikes=1.0)
    whole, late = [], []
    for span in arrivals(day):
        pictures = list(shown(day, [span]))
        whole.append(judge(pictures, Replay(model.look, policy_of(model))))
        rest = dropwhile(lambda each: not each.ebike, pictures)
        late.append(judge(rest, Replay(model.look, policy_of(model))))
    return added(whole), added(late)


def frequented(manifest: Path, seed: int) -> Verdict:
    """A day of everything but e-bikes."""
    model = _model(manifest)
    day = traffic_of(seed, DAY_VISITS, ebikes=0.0)
    return judge(shown(day, lively(day)), Replay(model.look, policy_of(model)))


def traffic_of(seed: int, visits: int, *, ebikes: float) -> Script:
    from hw_sim.lift import traffic

    return traffic(seed, visits=visits, ebikes=ebikes, geometry="test")


@cache
def _model(manifest: Path) -> Model:
    return load(manifest)


def measure(manifest: Path, visits: int, hours: float, *, seed: int = FIRST_SEED) -> tuple[Verdict, Verdict, Verdict]:
    """So many visits of e-bikes, the same seen late, and so many hours of everything else, on all cores."""
    days = [min(DAY_VISITS, visits - done) for done in range(0, visits, DAY_VISITS)]
    others, seconds = [], 0.0
    while seconds < hours * 3600:
        others.append(seed + 10_000 + len(others))
        seconds += traffic_of(others[-1], DAY_VISITS, ebikes=0.0).seconds
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        seen = [pool.submit(visited, manifest, seed + number, count) for number, count in enumerate(days)]
        quiet = [pool.submit(frequented, manifest, each) for each in others]
        whole, late = zip(*(each.result() for each in seen), strict=True)
        return added(whole), added(late), added([each.result() for each in quiet])


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def section(visits: int = 300, hours: float | None = None) -> Section:
    """The product's own model on whole visits.  An hour of other traffic, or two with COURTYARD_CAMPAIGN=full."""
    hours = hours or (2.0 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 1.0)
    named = "Lifts, whole visits", "python -m bench lift-events"
    if not MANIFEST.exists():
        return Section(*named, [Row("the product's own model", "not built", "built", False)])
    return Section(*named, rows(*measure(MANIFEST, visits, hours)))
