"""赋安 FS5101: polls peripheral 1 every second, wants an answer within 100 ms, sends events to all."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel, SerialSettings

EVERY_S, ANSWER_S = 1.0, 0.1
WORDS = {
    "fire": (0xC3, 0x01, 0x05), "fault": (0xC2, 0x01, 0x09), "fault_end": (0xC2, 0x01, 0x0A),
    "start": (0xC1, 0x02, 0x07), "stop": (0xC1, 0x08, 0x1B), "feedback": (0xC6, 0x02, 0x06),
    "isolate": (0xC5, 0x01, 0x28), "release": (0xC5, 0x01, 0x29), "mains_fault": (0xC2, 0x04, 0x09),
    "mains_end": (0xC2, 0x04, 0x0A), "battery_fault": (0xC2, 0x05, 0x09), "battery_end": (0xC2, 0x05, 0x0A),
}  # fmt: skip
"""Function, information type, state."""


def crc(data: bytes) -> int:
    value = 0
    for byte in data:
        for bit in range(7, -1, -1):
            top = value >> 15 ^ (byte >> bit & 1)
            value = (value << 1 & 0xFFFF) ^ (0x1021 * top)
    return value


def frame(address: int, data: bytes) -> bytes:
    inner = bytes((address, len(data))) + data
    check = crc(inner)
    return b"\xf0" + inner + bytes((check // 256, check % 256))


class Fs5101(Panel):
    """One controller, number 129.  `unanswered` counts polls without an answer in time."""

    serial = SerialSettings(stop_bits=2)

    def __init__(self) -> None:
        super().__init__()
        self.unanswered = 0
        self._polled_at: float | None = None
        self._next = 0.0
        self._heard = bytearray()

    def happen(self, event: Event) -> None:
        if event.kind in WORDS or event.kind == "reset":
            super().happen(event)

    def encode(self, event: Event) -> bytes:
        if event.kind == "reset":
            return frame(0, b"\xa1")
        at = event.at
        when = bytes((at.year - 2000, at.month, at.day, at.hour, at.minute, at.second))
        place = bytes((event.loop, event.point, 3, 0, event.loop, event.point, 0, 0))
        text = event.text.encode("gb18030")[:20].ljust(20, b"\0") if event.text else b""
        return frame(0, b"\xa5" + bytes(WORDS[event.kind]) + bytes((0, 0x80 + event.controller)) + when + place + text)

    def heard(self, data: bytes, now: float) -> list[bytes]:
        self._heard += data
        if frame(1, b"\xa2\0\0") in self._heard:
            self._heard.clear()
            if self._polled_at is not None and now - self._polled_at > ANSWER_S:
                self.unanswered += 1
            self._polled_at = None
        del self._heard[:-16]
        return []

    def due(self, now: float) -> list[bytes]:
        said = super().due(now)
        if now >= self._next:
            self.unanswered += self._polled_at is not None
            self._polled_at, self._next = now, now + EVERY_S
            said.append(frame(1, b"\xa2"))
        return said

    def next_due(self) -> float | None:
        return self._next
