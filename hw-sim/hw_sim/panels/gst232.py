"""海湾 GST short frames on RS-232."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.gst24 import TYPES
from hw_sim.panels.panel import Panel

EVENTS = {"fire": 1, "start": 2}
WHOLE = {"reset": b"\x0a\xaa\xbb", "silence": b"\xfa\xab\xbb"}


class Gst232(Panel):
    """One controller."""

    def happen(self, event: Event) -> None:
        if event.kind in ("fault", *EVENTS, *WHOLE):
            super().happen(event)

    def encode(self, event: Event) -> bytes:
        if event.kind in WHOLE:
            return WHOLE[event.kind]
        code = bytes.fromhex(f"{event.loop:03d}{event.point:03d}")
        inner = code + bytes((TYPES[event.detector], EVENTS.get(event.kind, 0)))
        prefix = b"\x0e\xee" if event.kind == "fault" else b"\x0d\xdd"
        return prefix + inner + bytes((sum(inner) % 256, 0xBB))
