"""A lift's own head on the rendered lift: looks at days without e-bikes are learned from, other days are judged.

All is done as on a box: the product's detector looks at each moving picture, the highest wrong looks are gathered, a
head is learned from them, and whole days of the same lift - the same car and camera lens, other visitors, other light -
are looked at with and without it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from bench.lift_events import EBIKE, rendered
from bench.report import Row, Section
from courtyard.agent.vision import own_head
from courtyard.agent.vision.lessons import read_looks
from courtyard.agent.vision.messages import Attach
from courtyard.agent.vision.model import Model, Picture, load
from courtyard.agent.vision.own_head import Head
from courtyard.agent.vision.pupil import Pupil
from courtyard.agent.vision.retraining import base_file, read_base, retrained
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import DriverError

LIFT: Final = "lift-1"
FPS: Final = 0.5
"""Pictures a second: a gateway looks at five while something moves, and keeps one of two seconds."""
VISITS: Final = 10
FIRST_SEED: Final = 810_000
LOWERED: Final = 0.99
"""The share of looks without an e-bike that the threshold leaves below, beside the product's own score."""


class Looked(NamedTuple):
    """Scores of looks by themselves, and with the head; one an e-bike is in, one none is in."""

    bare: list[float]
    own: list[float]


class Judged(NamedTuple):
    """What was found, over all looks of some days."""

    ebikes: Looked
    others: Looked


def days(seed: int, ebikes: float, car: int) -> Iterator[int]:
    """Seeds of days in one of the cars that no training sees."""
    from hw_sim.lift import traffic

    first = traffic(FIRST_SEED, visits=1, geometry="test").car
    while True:
        if (traffic(seed, visits=1, ebikes=ebikes, geometry="test").car == first) == (car == 0):
            yield seed
        seed += 1


def shown(seed: int, ebikes: float) -> Iterator[tuple[float, Picture, bool]]:
    from hw_sim.lift import traffic

    yield from rendered(traffic(seed, visits=VISITS, ebikes=ebikes, geometry="test"), FPS)


def gathered(model: Model, folder: Path, car: int, count: int) -> int:
    """Looks at so many days without e-bikes, as a gateway does until a lift is calibrated; how many looks it had."""
    at_ms = 0
    pupil = Pupil(model, Attach(LIFT, "", lessons=str(folder), gather=True), lambda: at_ms)
    looks = 0
    chosen = days(FIRST_SEED + 1_000, 0.0, car)
    for _ in range(count):
        for _, picture, _ in shown(next(chosen), 0.0):
            at_ms += round(1000 / FPS)
            pupil.look(picture)
            looks += 1
    pupil.save()
    return looks


def judged(model: Model, folder: Path, head: Head, car: int, count: int) -> Judged:
    """Other days of that lift, with a head on trial: both scores of each look."""
    pupil = Pupil(model, Attach(LIFT, "", lessons=str(folder), trial=head.digest), lambda: 0)
    made = Judged(Looked([], []), Looked([], []))
    for share in (1.0, 0.0):
        chosen = days(FIRST_SEED + 20_000, share, car)
        for _ in range(count):
            for _, picture, ebike in shown(next(chosen), share):
                seen = pupil.look(picture)
                if not ebike and share:
                    continue  # a visit on its way in or out: neither nor
                into = made.ebikes if ebike else made.others
                into.bare.append(max((each.score for each in seen.detections if each.label == EBIKE), default=0.0))
                into.own.append(seen.trial or 0.0)
    return made


def measure(model: Model, *, cars: int = 2, learn_days: int = 6, judge_days: int = 4) -> Iterator[Row]:
    """For each car: what was learned, in what time, and what changed on other days."""
    score = model.manifest.score
    for car in range(cars):
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept)
            looks = gathered(model, folder, car, learn_days)
            site = read_looks(own_head.lessons_folder(folder, LIFT) / own_head.GATHERED, model.manifest.sha256)
            began_s = time.perf_counter()
            base = read_base(base_file(MANIFEST), model.manifest.sha256)
            what = f"car {car + 1}: {len(site.logits)} wrong looks gathered of {looks}"
            try:
                head = retrained(LIFT, model.manifest.sha256, base, site, 0, score, 0)
            except DriverError as error:
                yield Row(what, error.fault.what.en, "a head", False)
                continue
            took_s = time.perf_counter() - began_s
            yield Row(f"{what}; learned in", f"{took_s:.1f} s", "minutes", took_s < 120)
            own_head.propose(folder, head)
            yield from compared(f"car {car + 1}", judged(model, folder, head, car, judge_days), score)


def compared(car: str, found: Judged, score: float) -> Iterator[Row]:
    """Rates of looks before and after, at the product's score and at a threshold from the traffic itself."""
    others, ebikes = found.others, found.ebikes
    wrong = [_reached(scores, score) for scores in others]
    right = [_reached(scores, score) for scores in ebikes]
    least = [float(np.quantile(scores, LOWERED)) for scores in others]
    tuned = [_reached(scores, at) for scores, at in zip(ebikes, least, strict=True)]
    of_others, of_ebikes = f"of {len(others.bare)} looks without an e-bike", f"of {len(ebikes.bare)} with one"
    yield Row(f"{car}, other days: at {score}, {of_others}", _change(wrong), "fewer", wrong[1] < wrong[0])
    yield Row(
        f"{car}, other days: at {score}, {of_ebikes}", _change(right), ">= before - 5 %", right[1] >= right[0] - 0.05
    )
    what = f"{car}, other days: with one look in a hundred without an e-bike above the threshold, {of_ebikes}"
    yield Row(what, _change(tuned), ">= before", tuned[1] >= tuned[0])


def section(cars: int = 2, learn_days: int = 6, judge_days: int = 4) -> Section:
    note = "Looks, not events. The cars, e-bikes, prams and wheelchairs are of geometry that no training sees."
    model = load(MANIFEST)
    rows = list(measure(model, cars=cars, learn_days=learn_days, judge_days=judge_days))
    return Section("Lifts, retrained on the box", "python -m bench retrain", rows, note)


def _reached(scores: list[float], least: float) -> float:
    return float(np.mean([each >= least for each in scores])) if scores else 0.0


def _change(shares: list[float]) -> str:
    return f"{shares[0]:.1%} -> {shares[1]:.1%}"
