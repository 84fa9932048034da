"""松江 JB-3208: polls its peripheral, wants the poll back within 500 ms, sends lists of records."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel

EVERY_S, ANSWER_S = 2.0, 0.5
INFORMATION = {
    "fire": 110, "fault": 111, "start": 112, "feedback": 113, "isolate": 115, "mains_fault": 111,
    "battery_fault": 111, "reset": 0,
}  # fmt: skip
TYPES = {"smoke": 0, "heat": 1, "manual": 5, "module": 20, "panel": 14}


def crc(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 * (value & 1))
    return value


def frame(controller: int, information: int, body: bytes) -> bytes:
    inner = bytes((controller, information, len(body) % 256, len(body) // 256)) + body
    check = crc(inner)
    return b"\xfe" + inner + bytes((check % 256, check // 256)) + b"\xff"


def positions(text: str) -> bytes:
    """Ten characters as row and cell; what GB/T 2312 does not have is left out."""
    out = b""
    for letter in text:
        pair = letter.encode("gb2312", "ignore")
        if len(pair) == 2:
            out += bytes((pair[0] - 0xA0, pair[1] - 0xA0))
    return out[:20].ljust(20, b"\xff")


def bcd(number: int) -> int:
    return number // 10 * 16 + number % 10


class Jb3208(Panel):
    """One controller.  `unanswered` counts polls that did not come back in time."""

    def __init__(self) -> None:
        super().__init__()
        self.unanswered = 0
        self._poll = frame(1, 100, b"\x64")
        self._polled_at: float | None = None
        self._next = 0.0
        self._heard = bytearray()

    def happen(self, event: Event) -> None:
        if event.kind in INFORMATION:
            super().happen(event)

    def encode(self, event: Event) -> bytes:
        if event.kind == "reset":
            return frame(event.controller, 0, b"\0")
        at = event.at
        when = bytes(bcd(number) for number in (at.year - 2000, at.month, at.day, at.hour, at.minute))
        place = bytes((event.controller, event.loop, event.point, 10, 0, TYPES[event.detector], 1))
        return frame(event.controller, INFORMATION[event.kind], b"\x01\0" + place + when + positions(event.text))

    def heard(self, data: bytes, now: float) -> list[bytes]:
        self._heard += data
        if self._poll in self._heard:
            self._heard.clear()
            if self._polled_at is not None and now - self._polled_at > ANSWER_S:
                self.unanswered += 1
            self._polled_at = None
        del self._heard[: -len(self._poll)]
        return []

    def due(self, now: float) -> list[bytes]:
        said = super().due(now)
        if now >= self._next:
            self.unanswered += self._polled_at is not None
            self._polled_at, self._next = now, now + EVERY_S
            said.append(self._poll)
        return said

    def next_due(self) -> float | None:
        return self._next
