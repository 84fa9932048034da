"""How a lift's ordinary traffic scores, and the threshold that follows from it.

Every look at the lift is counted in a histogram; a day without e-bikes shows what the detector takes other things for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

BINS: Final = 200
QUANTILE: Final = 0.999
LEAST, MOST = 0.3, 0.95
"""Between these a threshold must be: lower, an empty car would warn by chance; higher, nothing would."""
MARGIN: Final = 0.02
DAY_S: Final = 86_400.0
ENOUGH_LOOKS: Final = 1000
ENOUGH_S: Final = 0.9 * DAY_S
Counts = Annotated[list[int], Meta(min_length=BINS, max_length=BINS)]


class Scores(msgspec.Struct):
    """Histogram of one lift under one model.  `watched_s` is how long the lift was watched."""

    lift: str
    model: str
    since_ms: int
    until_ms: int = 0
    watched_s: float = 0.0
    counts: Counts = msgspec.field(default_factory=lambda: [0] * BINS)

    @property
    def looks(self) -> int:
        return sum(self.counts)

    def add(self, score: float, wall_ms: int) -> None:
        """Counts one look."""
        self.counts[min(BINS - 1, int(score * BINS))] += 1
        self.until_ms = wall_ms

    def quantile(self, share: float = QUANTILE) -> float:
        """The score below which this share of looks is; the upper edge of its bin."""
        needed, passed = share * self.looks, 0
        for number, count in enumerate(self.counts):
            passed += count
            if passed >= needed:
                return (number + 1) / BINS
        return 1.0


class Calibration(msgspec.Struct, frozen=True):
    """A lift's own threshold, and what it rests on."""

    lift: str
    model: str
    threshold: float
    quantile: float
    looks: int
    watched_s: float
    since_ms: int
    until_ms: int
    made_ms: int


def calibrate(scores: Scores, now_ms: int) -> Calibration:
    """The threshold: what 99.9 % of the looks stay below, and a little more."""
    quantile = scores.quantile()
    threshold = round(min(max(quantile + MARGIN, LEAST), MOST), 3)
    return Calibration(
        scores.lift,
        scores.model,
        threshold,
        quantile,
        scores.looks,
        round(scores.watched_s),
        scores.since_ms,
        scores.until_ms,
        now_ms,
    )


def is_enough(scores: Scores) -> bool:
    """Whether about a day was watched and enough was seen."""
    return scores.watched_s >= ENOUGH_S and scores.looks >= ENOUGH_LOOKS


def scores_file(folder: Path, lift: str) -> Path:
    return folder / "scores" / f"{lift}.json"


def calibration_file(folder: Path, lift: str, model: str) -> Path:
    """One for the detector, one for each head of the lift's own (`own_head.identity`)."""
    head = model.partition("+")[2]
    return folder / "calibration" / (f"{lift}.{head}.json" if head else f"{lift}.json")


def read_scores(folder: Path, lift: str) -> Scores | None:
    """What was counted so far; None when nothing was, or nothing that can be read."""
    try:
        return msgspec.json.decode(scores_file(folder, lift).read_bytes(), type=Scores)
    except (OSError, msgspec.MsgspecError):
        return None


def read_calibration(folder: Path, lift: str, model: str) -> Calibration | None:
    """The calibration of this lift under this model, if there is one."""
    try:
        found = msgspec.json.decode(calibration_file(folder, lift, model).read_bytes(), type=Calibration)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.model == model else None


def write(path: Path, content: msgspec.Struct) -> None:
    """Whole or not at all.  Raises OSError."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
