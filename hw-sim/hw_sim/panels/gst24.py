"""海湾 GST5000 CRT output: every frame three times, idle frames between."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel, SerialSettings

IDLE_S = 5.0
COMMANDS = {"fire": 0x15, "fault": 0x21, "start": 0x22, "feedback": 0x22}
TYPES = {"smoke": 0x03, "heat": 0x02, "manual": 0x0B, "module": 0x1E, "panel": 0x28}
REST = bytes.fromhex("D1 00 01 00 35 00 23 34 05 54 48 00 31 00 36 18 67")
"""As captured; nobody knows what it means."""


def closed(data: bytes) -> bytes:
    return data + bytes((sum(data) % 256,))


class Gst24(Panel):
    """One controller.  The user code is loop and point, three decimal digits each."""

    serial = SerialSettings(baud=2400)

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def happen(self, event: Event) -> None:
        if event.kind in COMMANDS or event.kind == "reset":
            super().happen(event)

    def encode(self, event: Event) -> bytes:
        if event.kind == "reset":
            return closed(bytes.fromhex("AA 04 55 55 55 55"))
        code = bytes.fromhex(f"{event.loop:03d}{event.point:03d}")
        return closed(bytes((0xAA, COMMANDS[event.kind])) + code + bytes((TYPES[event.detector],)) + REST)

    def due(self, now: float) -> list[bytes]:
        said = []
        while self.waiting:
            event = self.waiting.popleft()
            said.append(self.tell(event, now))
            said += [self.encode(event)] * 2
        if now >= self._next:
            self._next = now + IDLE_S
            said.append(closed(bytes.fromhex("AA 08 10 13 10 13")))
        return said

    def next_due(self) -> float | None:
        return self._next
