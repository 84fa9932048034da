"""青鸟 JBF-293K: answers polls with `all is well` or one event; left alone for 3 s it pushes."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel

POLL = bytes((0x82, *[0x30] * 24, 0x83))
LONELY_S = 3.0
COMMANDS = {
    "fire": 0x80, "fault": 0x81, "fault_end": 0x82, "start": 0x83, "stop": 0x84, "feedback": 0x85, "isolate": 0x98,
    "release": 0x97, "mains_fault": 0x71, "mains_end": 0x71, "battery_fault": 0x72, "battery_end": 0x72,
    "silence": 0x0B, "reset": 0x01,
}  # fmt: skip
STATES = {"mains_fault": 0x80, "mains_end": 0x90, "battery_fault": 0x80, "battery_end": 0x90}
TYPES = {"smoke": 0x15, "heat": 0x16, "manual": 0x17, "module": 0x0D, "panel": 0x00}


def frame(values: list[int]) -> bytes:
    """Eleven bytes, their sum, as characters between 82 and 83."""
    out = bytearray(b"\x82")
    for value in [*values, sum(values) % 256]:
        out += bytes((0x30 + value // 16, 0x30 + value % 16))
    return bytes(out) + b"\x83"


class Jbf(Panel):
    """One controller."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = bytearray()
        self._polled_at = 0.0

    def encode(self, event: Event) -> bytes:
        loop = STATES.get(event.kind, event.loop)
        at = event.at
        when = [at.year - 2000, at.month, at.day, at.hour, at.minute, at.second]
        return frame([COMMANDS[event.kind], event.controller, loop, event.point, TYPES[event.detector], *when])

    def heard(self, data: bytes, now: float) -> list[bytes]:
        self._heard += data
        said = []
        while (at := self._heard.find(POLL)) >= 0:
            del self._heard[: at + len(POLL)]
            self._polled_at = now
            quiet = frame([0x09, 1, *[0] * 9])
            said.append(self.tell(self.waiting.popleft(), now) if self.waiting else quiet)
        del self._heard[: -len(POLL)]
        return said

    def due(self, now: float) -> list[bytes]:
        return super().due(now) if now - self._polled_at >= LONELY_S else []

    def next_due(self) -> float | None:
        return self._polled_at + LONELY_S if self.waiting else None
