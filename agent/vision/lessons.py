"""What a lift's own head learns from: numbers of single cells, never a picture, within bounds.

Invariants
1. At most MOST looks are kept of a lift, the ones with the highest scores, and of SPACING_S only one.
2. At most EVENTS files of events are kept, the oldest go first; each has at most MOST_OF_EVENT looks.
3. Looks belong to the model that had them; under another there are none.
"""

from __future__ import annotations

import os
import zipfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

MOST: Final = 1000
SPACING_S: Final = 2.0
EVENTS: Final = 200
MOST_OF_EVENT: Final = 40
EVENT_S: Final = 15.0
LARGEST: Final = 32_000_000
SURE: Final = 1e-6


class Look(NamedTuple):
    """One cell of one picture: when, the detector's own logit, what it saw there (float16)."""

    at_ms: int
    logit: float
    row: npt.NDArray[np.float16]


class Looks(NamedTuple):
    """Many; `rows` are looks x numbers."""

    at_ms: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    rows: npt.NDArray[np.float16]

    @classmethod
    def of(cls, looks: list[Look]) -> Looks:
        return cls(
            np.array([each.at_ms for each in looks], np.int64),
            np.array([each.logit for each in looks], np.float32),
            np.stack([each.row for each in looks]) if looks else np.zeros((0, 0), np.float16),
        )

    def during(self, spans: Sequence[tuple[int, int]]) -> Looks:
        """Those in one of these times, first and last included."""
        chosen = np.zeros(len(self.at_ms), np.bool_)
        for first_ms, last_ms in spans:
            chosen |= (self.at_ms >= first_ms) & (self.at_ms <= last_ms)
        return Looks(self.at_ms[chosen], self.logits[chosen], self.rows[chosen])

    def each(self) -> list[Look]:
        return [Look(int(at_ms), float(logit), row) for at_ms, logit, row in zip(*self, strict=True)]


NONE: Final = Looks.of([])


def logit(score: float) -> float:
    """Of a score between 0 and 1, which need not be inside."""
    inside = min(max(score, SURE), 1 - SURE)
    return float(np.log(inside / (1 - inside)))


def joined(parts: list[Looks]) -> Looks:
    """All of them; those without any have no say in how long a row is."""
    some = [part for part in parts if len(part.logits)]
    return Looks(*(np.concatenate(each) for each in zip(*some, strict=True))) if some else NONE


class Gathering:
    """The looks with the highest scores, for `save` now and then.  Times are of the wall clock."""

    def __init__(self, path: Path, model: str) -> None:
        self._path, self._model = path, model
        self._looks = sorted(read_looks(path, model).each(), key=lambda each: each.logit)[-MOST:]
        self._last: Look | None = None
        self._is_new = False
        self._stands = path.exists()

    def __len__(self) -> int:
        return len(self._looks)

    def take(self, look: Look) -> None:
        """Takes a look, if it is among the highest."""
        last = self._last
        if last is not None and 0 <= look.at_ms - last.at_ms < 1000 * SPACING_S:
            if look.logit <= last.logit:
                return
            self._looks = [each for each in self._looks if each is not last]
        if len(self._looks) >= MOST:
            lowest = min(self._looks, key=lambda each: each.logit)
            if look.logit <= lowest.logit:
                return
            self._looks = [each for each in self._looks if each is not lowest]
        self._looks.append(look)
        self._last, self._is_new = look, True

    def save(self) -> None:
        """Writes what is new; when the file was deleted meanwhile, somebody wants it forgotten.  Raises OSError."""
        if self._stands and not self._path.exists():
            self._looks, self._last, self._is_new, self._stands = [], None, False, False
        if self._is_new:
            write_looks(self._path, self._model, Looks.of(sorted(self._looks, key=lambda each: each.at_ms)))
            self._is_new, self._stands = False, True


class Recent:
    """The looks of the last EVENT_S, of which an event may be kept."""

    def __init__(self, folder: Path, model: str) -> None:
        self._folder, self._model = folder, model
        self._looks: deque[Look] = deque(maxlen=MOST_OF_EVENT * 2)

    def take(self, look: Look) -> None:
        self._looks.append(look)

    def keep(self, name: str) -> None:
        """Keeps them under the name of an event, without which they are forgotten.  Raises OSError."""
        if not self._looks:
            return
        last_ms = self._looks[-1].at_ms
        young = [each for each in self._looks if last_ms - each.at_ms <= 1000 * EVENT_S]
        highest = sorted(young, key=lambda each: each.logit)[-MOST_OF_EVENT:]
        write_looks(self._folder / f"{name}.npz", self._model, Looks.of(highest))
        for old in sorted(self._folder.glob("*.npz"))[:-EVENTS]:
            old.unlink(missing_ok=True)


def read_looks(path: Path, model: str) -> Looks:
    """What is kept there under this model; nothing where it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            return NONE
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["model"]) != model:
                return NONE
            looks = Looks(kept["at_ms"], kept["logits"], kept["rows"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return NONE
    whole = looks.rows.ndim == 2 and looks.at_ms.shape == looks.logits.shape == looks.rows.shape[:1]
    return looks if whole and np.isfinite(looks.rows).all() and np.isfinite(looks.logits).all() else NONE


def write_looks(path: Path, model: str, looks: Looks) -> None:
    """Whole or not at all.  Raises OSError."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, model=np.array(model), **looks._asdict())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
