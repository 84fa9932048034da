"""A lift's own head on the rendered lift: bicycles, prams and wheelchairs of one lift are learned from, others judged.

All is done as on a box: the product's detector looks, its highest wrong looks are gathered, a head is learned from them
and put on trial; then other pictures are looked at, with the detector's score and the one that the head leaves.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from bench.report import Row, Section
from courtyard.agent.vision import own_head
from courtyard.agent.vision.lessons import read_looks
from courtyard.agent.vision.looking import EBIKE
from courtyard.agent.vision.messages import Attach
from courtyard.agent.vision.model import Model, load
from courtyard.agent.vision.own_head import Head
from courtyard.agent.vision.pupil import Pupil
from courtyard.agent.vision.retraining import base_file, read_base, retrained
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import DriverError

if TYPE_CHECKING:
    from hw_sim.lift import Studio

LIFT: Final = "lift-1"
SEEDS: Final = (11, 12)
SPACING_MS: Final = 10_000
OTHERS: Final = (("bicycle", "person"), ("pram", "person"), ("bicycle",), ("wheelchair", "person"))
EBIKES: Final = (("ebike", "person"), ("ebike",))
Contents = tuple[tuple[str, ...], ...]
FEW: Final = 0.05
"""The share of pictures without an e-bike that a threshold of the lift's own leaves above."""
LOST: Final = 0.02


class Scores(NamedTuple):
    """Of pictures: the detector's, and what the head leaves of it."""

    bare: list[float]
    own: list[float]


def looked(pupil: Pupil, studio: Studio, rng: np.random.Generator, contents: Contents, count: int) -> Scores:
    """So many pictures."""
    scores = Scores([], [])
    for number in range(count):
        picture = np.ascontiguousarray(studio.still(rng, contents[number % len(contents)]).bgr[..., ::-1])
        seen = pupil.look(picture)
        scores.bare.append(max((each.score for each in seen.detections if each.label == EBIKE), default=0.0))
        scores.own.append(seen.trial or 0.0)
    return scores


def measure(model: Model, learn: int, judge: int) -> Iterator[Row]:
    """Learns from `learn` pictures of one lift's things, judges on `judge` of each kind."""
    from hw_sim.lift import Studio

    score, sha256 = model.manifest.voting, model.manifest.sha256
    home, away = Studio(geometry="test", renew=0.0), Studio(geometry="test")
    rng, elsewhere = (np.random.default_rng(seed) for seed in SEEDS)
    with tempfile.TemporaryDirectory() as kept:
        folder, at_ms = Path(kept), iter(range(0, 1 << 40, SPACING_MS))
        pupil = Pupil(model, Attach(LIFT, "", lessons=str(folder), gather=True), lambda: next(at_ms))
        looked(pupil, home, rng, OTHERS, learn)
        pupil.save()
        site = read_looks(own_head.lessons_folder(folder, LIFT) / own_head.GATHERED, sha256)
        what = f"{len(site.logits)} looks gathered of {learn} pictures without an e-bike; a head from them takes"
        began_s = time.perf_counter()
        try:
            head = retrained(LIFT, sha256, read_base(base_file(MANIFEST), sha256), site, 0, score, 0)
        except DriverError as error:
            yield Row(what, error.fault.what.en, "a head", False)
            return
        took_s = time.perf_counter() - began_s
        yield Row(what, f"{took_s:.1f} s", "minutes", took_s < 120)
        yield from told(head)
        own_head.propose(folder, head)
        trial = Pupil(model, Attach(LIFT, "", lessons=str(folder), trial=head.digest), lambda: 0)
        same = looked(trial, home, rng, OTHERS, judge)
        ebikes = looked(trial, home, rng, EBIKES, judge)
        new = looked(trial, away, elsewhere, OTHERS, judge)
    for name, others in (("the same things otherwise", same), ("things it never met", new)):
        wrong = _reached(others, score)
        yield Row(f"{name}, taken for an e-bike at {score}", _change(wrong), "no more", wrong[1] <= wrong[0])
        least = [float(np.quantile(scores, 1 - FEW)) for scores in others]
        right = [_share(scores, at) for scores, at in zip(ebikes, least, strict=True)]
        yield Row(f"e-bikes found where {FEW:.0%} of {name} are above the threshold", _change(right))
    right = _reached(ebikes, score)
    yield Row(f"e-bikes found at {score}", _change(right), f"no more than {LOST:.0%} less", right[1] >= right[0] - LOST)


def told(head: Head) -> Iterator[Row]:
    """The figures of the head's own manifest."""
    f = head.figures
    yield Row(f"held-out e-bikes of the product ({f.ebikes}) found", _change([f.found_before, f.found_after]))
    yield Row(f"held-out other things of the product ({f.others}) mistaken", _change([f.wrong_before, f.wrong_after]))
    yield Row(f"held-out looks of the lift ({f.site}) mistaken", _change([f.site_before, f.site_after]))


def section(learn: int = 400, judge: int = 300) -> Section:
    note = (
        f"{judge} pictures of each kind, of geometry that no training sees; the same things in other places and light."
    )
    return Section(
        "Lifts, retrained on the box", "python -m bench retrain", list(measure(load(MANIFEST), learn, judge)), note
    )


def _reached(scores: Scores, least: float) -> list[float]:
    return [_share(each, least) for each in scores]


def _share(scores: list[float], least: float) -> float:
    return float(np.mean([each >= least for each in scores]))


def _change(shares: list[float]) -> str:
    return f"{shares[0]:.1%} -> {shares[1]:.1%}"
