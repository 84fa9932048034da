"""A lift's own head: a second opinion on what the detector takes for e-bikes, learned at the site.  No numpy in here.

Invariants
1. A head only lowers scores, never raises one: it can make a lift miss an e-bike, never hold a door without one.
2. It belongs to one model; under another it is none.
3. A new head is on trial: what it would say is counted, and nothing follows, until somebody activates it by name.
   The one before is kept for going back.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Kind = Literal["trial", "active", "former"]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
LESSONS: Final = "lessons"
GATHERED, EVENTS, MARKED = "gathered.npz", "events", "marked"
"""Below a lift's folder: looks with high scores, looks of events, those of events that were marked."""
MOST_MARKED: Final = 200
"""Events of a lift; of more, the latest."""
MOST_WEIGHTS: Final = 4096
LARGEST: Final = 1_000_000
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
DIGITS: Final = 12


class NoHead(Exception):
    """There is no such head, or nothing to go back to."""


class Figures(msgspec.Struct, frozen=True):
    """Shares with a score that counts as seen, before and after, on looks that were not learned from.

    `ebikes` and `others` are looks that came with the product, `site` those of the lift itself, all without an e-bike.
    """

    ebikes: int
    found_before: Share
    found_after: Share
    others: int
    wrong_before: Share
    wrong_after: Share
    site: int
    site_before: Share
    site_after: Share


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head with its manifest.  `model` is the hash of the detector that it goes with; `gathered` and `marked` are
    looks of the site that it learned from; `seconds` is how long that took.  `by` activated it at `since_ms`."""

    lift: str
    model: str
    made_ms: int
    gathered: int
    marked: int
    seconds: float
    figures: Figures
    weights: Annotated[tuple[float, ...], Meta(min_length=1, max_length=MOST_WEIGHTS)]
    bias: float
    by: str = ""
    since_ms: int = 0

    @property
    def digest(self) -> str:
        """The first digits of the hash of what it does."""
        return hashlib.sha256(msgspec.json.encode((self.model, self.weights, self.bias))).hexdigest()[:DIGITS]


def identity(model: str, head: Head | None) -> str:
    """What a lift is looked at with: the hash of the model, and that of the head that acts."""
    return model if head is None else f"{model}+{head.digest}"


def lessons_folder(folder: Path, lift: str) -> Path:
    """Where a lift's heads are, and what they learn from; `folder` is that of all lifts.  Raises ValueError."""
    if not lift or Path(lift).name != lift or lift.startswith("."):
        raise ValueError(f"no lift: {lift!r}")
    return folder / LESSONS / lift


def head_file(folder: Path, lift: str, kind: Kind) -> Path:
    return lessons_folder(folder, lift) / f"{kind}.json"


def read_head(folder: Path, lift: str, kind: Kind, model: str | None = None) -> Head | None:
    """The head, if there is one that can be read and goes with this model."""
    try:
        with head_file(folder, lift, kind).open("rb") as file:
            head = msgspec.json.decode(file.read(LARGEST), type=Head)
    except (OSError, ValueError):
        return None
    return head if head.lift == lift and model in (None, head.model) else None


def propose(folder: Path, head: Head) -> None:
    """Puts a head on trial, in place of the one that was.  Raises OSError."""
    _write(head_file(folder, head.lift, "trial"), head)


def activate(folder: Path, lift: str, by: str, now_ms: int) -> Head:
    """The head on trial acts from now on; the one that acted is kept.  Raises NoHead, OSError."""
    trial = read_head(folder, lift, "trial")
    if trial is None:
        raise NoHead
    head = msgspec.structs.replace(trial, by=by, since_ms=now_ms)
    active, former = head_file(folder, lift, "active"), head_file(folder, lift, "former")
    if active.exists():
        active.replace(former)
    else:
        former.unlink(missing_ok=True)
    _write(active, head)
    head_file(folder, lift, "trial").unlink()
    return head


def roll_back(folder: Path, lift: str) -> Head | None:
    """The head that acted is on trial again; the one before acts, or None.  Raises NoHead, OSError."""
    active, former = head_file(folder, lift, "active"), head_file(folder, lift, "former")
    if not active.exists():
        raise NoHead
    active.replace(head_file(folder, lift, "trial"))
    if former.exists():
        former.replace(active)
    return read_head(folder, lift, "active")


def mark(folder: Path, name: str) -> str:
    """Somebody says that this event was no e-bike: its looks are learned from next time; the lift.  Raises NoHead."""
    if NAME.fullmatch(name):
        for found in (folder / LESSONS).glob(f"*/{EVENTS}/{name}.npz"):
            marked = found.parents[1] / MARKED
            marked.mkdir(mode=0o750, exist_ok=True)
            found.replace(marked / found.name)
            for old in sorted(marked.glob("*.npz"))[:-MOST_MARKED]:
                old.unlink(missing_ok=True)
            return found.parents[1].name
    raise NoHead


def forget(folder: Path, lift: str) -> int:
    """Deletes a lift's heads and all that they learned from; how many files.  Raises OSError."""
    files = [path for path in lessons_folder(folder, lift).rglob("*") if path.is_file()]
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def _write(path: Path, head: Head) -> None:
    """Whole or not at all."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(msgspec.json.encode(head))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
