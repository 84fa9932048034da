"""What goes wrong with the frames of a panel, switched at run time, for a number of frames."""

from __future__ import annotations

import random
from collections import deque
from typing import Literal

Kind = Literal["half", "wrong-checksum", "garbage", "lost"]
KINDS: dict[Kind, str] = {
    "half": "only the first half of the frame is sent",
    "wrong-checksum": "a byte of the frame is changed, its checksum is not",
    "garbage": "random bytes come before the frame",
    "lost": "the frame is not sent",
}


class Mischief:
    """Spoils the frames that it is told to, in order; leaves all others alone."""

    def __init__(self, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._next: deque[Kind | None] = deque()

    def plan(self, kind: Kind, frames: int = 1, *, after: int = 0) -> None:
        """The next `frames` frames are spoilt, behind `after` good ones.  Raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown mischief {kind!r}; known: {', '.join(KINDS)}")
        self._next += [None] * after + [kind] * frames

    def spoil(self, frame: bytes) -> tuple[bytes, bool]:
        """What goes onto the line, and whether the frame in it is whole."""
        kind = self._next.popleft() if self._next else None
        match kind:
            case "half":
                return frame[: len(frame) // 2], False
            case "wrong-checksum":
                at = len(frame) // 2
                return frame[:at] + bytes((frame[at] ^ 0x01,)) + frame[at + 1 :], False
            case "garbage":
                return self._chance.randbytes(self._chance.randrange(1, 40)) + frame, True
            case "lost":
                return b"", False
        return frame, True
