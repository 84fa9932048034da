"""利达 LD128E: three bytes an event, only when polled with 20."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel

COMMANDS = {
    "fire": 0x01, "fault": 0x02, "fault_end": 0x05, "feedback": 0x09, "start": 0x44, "silence": 0x30, "reset": 0x50,
    "mains_fault": 0x12, "mains_end": 0x12, "battery_fault": 0x13, "battery_end": 0x13,
}  # fmt: skip
STATES = {"mains_fault": 1, "mains_end": 0, "battery_fault": 1, "battery_end": 0}


class Ld128(Panel):
    """One controller; it has no words for isolation, release and stop, and says nothing of them."""

    def happen(self, event: Event) -> None:
        if event.kind in COMMANDS:
            super().happen(event)

    def encode(self, event: Event) -> bytes:
        return bytes((COMMANDS[event.kind], event.loop, STATES.get(event.kind, event.point)))

    def heard(self, data: bytes, now: float) -> list[bytes]:
        said = []
        for byte in data:
            if byte == 0x20:
                said.append(self.tell(self.waiting.popleft(), now) if self.waiting else b"\x7f")
        return said

    def due(self, now: float) -> list[bytes]:
        return []
