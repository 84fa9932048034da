"""Pictures of an alarm: heads made unrecognisable, kept within bounds of memory and disk.

Invariants
1. No picture is kept on disk before the upper third of every person's box is blurred.
2. The ring never holds more than its bytes; the oldest go first, and one that alone is too large is not taken.
3. The folder never holds more than its quota; the oldest go first.  A file is whole or not there.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection

Picture = npt.NDArray[np.uint8]
HEAD: Final = 1 / 3
MOSAIC: Final = 3
"""A head is left with so many patches across and down."""
PERSON: Final = "person"
SUFFIX: Final = ".part"


def heads(detections: Iterable[Detection]) -> tuple[Box, ...]:
    """The upper third of every person's box."""
    people = (each.box for each in detections if each.label == PERSON)
    return tuple(Box(left, top, right, top + (bottom - top) * HEAD) for left, top, right, bottom in people)


def blurred(picture: Picture, boxes: Iterable[Box]) -> Picture:
    """A copy (height x width x colours) in which each box is a mosaic of its mean colours."""
    copy = picture.copy()
    height, width = copy.shape[:2]
    for box in boxes:
        left, right = max(0, int(box.left * width)), min(width, -int(-box.right * width // 1))
        top, bottom = max(0, int(box.top * height)), min(height, -int(-box.bottom * height // 1))
        rows = np.array_split(np.arange(top, max(top, bottom)), MOSAIC)
        columns = np.array_split(np.arange(left, max(left, right)), MOSAIC)
        for down in rows:
            for across in columns:
                if down.size and across.size:
                    patch = copy[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
                    patch[:] = patch.mean((0, 1)).astype(np.uint8)
    return copy


class Moment(NamedTuple):
    """One encoded picture, and when it was taken (seconds of a monotonic clock)."""

    at_s: float
    encoded: bytes


class Ring:
    """The last pictures of one camera."""

    def __init__(self, most_bytes: int) -> None:
        self.size = 0
        self._most = most_bytes
        self._moments: deque[Moment] = deque()

    def put(self, moment: Moment) -> bool:
        """Whether it was taken."""
        if len(moment.encoded) > self._most:
            return False
        self._moments.append(moment)
        self.size += len(moment.encoded)
        while self.size > self._most:
            self.size -= len(self._moments.popleft().encoded)
        return True

    def between(self, first_s: float, last_s: float) -> tuple[Moment, ...]:
        """What there is of this time, oldest first."""
        return tuple(moment for moment in self._moments if first_s <= moment.at_s <= last_s)


class Store:
    """A folder of pictures and clips.  Blocks: use it in a thread.  Raises OSError."""

    def __init__(self, folder: Path, quota_bytes: int, former: Iterable[Path] = ()) -> None:
        """What lies in `former` folders, which nobody else uses any more, counts from now on and goes like the rest."""
        self._folder, self._quota = folder, quota_bytes
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for other in former:
            with suppress(OSError):  # its process may be ending just now: the next start takes the rest
                self._take_over(other)
        for part in folder.glob(f"*{SUFFIX}"):
            part.unlink()
        self._make_room(0)

    def keep(self, name: str, content: bytes) -> Path | None:
        """Where it is kept; None when it alone is larger than the quota.  `name` sorts by time."""
        if len(content) > self._quota:
            return None
        path = self._folder / name
        if path.parent != self._folder or path.suffix == SUFFIX:
            raise ValueError(f"no name of a file: {name!r}")
        path.unlink(missing_ok=True)
        self._make_room(len(content))
        part = path.with_name(name + SUFFIX)
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return path

    def _take_over(self, other: Path) -> None:
        if other.is_dir():
            for path in other.iterdir():
                path.replace(self._folder / path.name)
            other.rmdir()

    def _make_room(self, needed: int) -> None:
        files = sorted(path for path in self._folder.iterdir() if path.is_file())
        sizes = {path: path.stat().st_size for path in files}
        used = sum(sizes.values())
        for path in files:
            if used + needed <= self._quota:
                return
            path.unlink()
            used -= sizes[path]
