"""A fire panel as ESPA 4.4.4 control station: polls, selects the pager system, sends a block until it is taken."""

from __future__ import annotations

from typing import Literal

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel, SerialSettings

ENQ, ACK, NAK, EOT = 5, 6, 0x15, 4
EVERY_S, ANSWER_S, TRIES = 2.0, 1.0, 3
WORDS = {
    "fire": ("FIRE", "1"), "fault": ("FAULT", "2"), "fault_end": ("FAULT", "2"), "isolate": ("DISABLED", "3"),
    "mains_fault": ("MAINS FAULT", "2"), "battery_fault": ("BATTERY FAULT", "2"), "reset": ("RESET", "3"),
}  # fmt: skip
"""Word and priority."""
ENDS = {"fault_end"}


def block(records: dict[str, str]) -> bytes:
    inner = b"1\x02" + b"\x1e".join(f"{key}\x1f{value}".encode("gb18030") for key, value in records.items()) + b"\x03"
    check = 0
    for byte in inner:
        check ^= byte
    return b"\x01" + inner + bytes((check,))


class Espa(Panel):
    """Station 1.  `refused` counts NAKs and silences."""

    serial = SerialSettings(baud=1200, data_bits=7, parity="E")

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0
        self._state: Literal["idle", "polled", "selecting", "sending"] = "idle"
        self._tries = 0
        self._next = 0.0

    def happen(self, event: Event) -> None:
        if event.kind in WORDS:
            super().happen(event)

    def encode(self, event: Event) -> bytes:
        word, priority = WORDS[event.kind]
        text = f"{word} L{event.loop} P{event.point}"
        call_type = "1" if event.kind in ENDS else "3"
        address = f"{event.loop}{event.point:03d}"
        return block({"1": address, "2": text, "3": "2", "4": call_type, "5": "3", "6": priority})

    def heard(self, data: bytes, now: float) -> list[bytes]:
        said: list[bytes] = []
        for byte in data:
            if byte == ACK and self._state == "selecting":
                self._state = "sending"
                said.append(self._block(now))
            elif byte == ACK and self._state == "sending":
                self.told[-1].confirmed = True
                self.waiting.popleft()
                said += self._end(now)
            elif byte == NAK and self._state in ("selecting", "sending"):
                said += self._again(now)
            elif byte == EOT:
                self._state, self._next = "idle", now + (0 if self.waiting else EVERY_S)
        return said

    def due(self, now: float) -> list[bytes]:
        if now < self._next:
            return []
        if self._state in ("selecting", "sending"):
            return self._again(now)
        if self.waiting:
            self._state, self._tries, self._next = "selecting", 0, now + ANSWER_S
            return [b"1\x052\x05"]
        self._state, self._next = "polled", now + EVERY_S
        return [b"\x042\x05"]

    def next_due(self) -> float | None:
        return self._next

    def _block(self, now: float) -> bytes:
        self._next = now + ANSWER_S
        return self.tell(self.waiting[0], now)

    def _again(self, now: float) -> list[bytes]:
        self.refused += 1
        self._tries += 1
        if self._tries >= TRIES or self._state == "selecting":
            return self._end(now)
        return [self._block(now)]

    def _end(self, now: float) -> list[bytes]:
        self._state, self._next = "idle", now
        return [bytes((EOT,))]
