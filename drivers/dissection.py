"""What `courtyard decode` prints: a frame taken apart field by field, or the byte that is wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from courtyard.drivers.base import Text


class Part(msgspec.Struct, frozen=True):
    """One field of a frame.  `start` and `end` are byte offsets into the input, end exclusive."""

    name: str
    label: Text
    value: Any
    start: int
    end: int
    meaning: Text | None = None
    clause: str = ""


class Dissection(msgspec.Struct, frozen=True):
    """A whole frame.  `valid` is the protocol's own rule; an invalid frame still lists the parts that could be read."""

    protocol: str
    valid: bool
    parts: tuple[Part, ...] = ()
    error: Text | None = None
    error_at: int | None = None

    def data(self) -> dict[str, Any]:
        """As plain data: {"protocol", "valid", "error", "fields": {...}}; the error is English."""
        return {
            "protocol": self.protocol,
            "valid": self.valid,
            "error": self.error.en if self.error else None,
            "error_at": self.error_at,
            "fields": {part.name: part.value for part in self.parts},
        }
