"""A GB/T 26875.3 transmission device: reports until confirmed, three times 10 s apart, and beats its heart."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel, Told

TRIES, TIMEOUT_S, HEARTBEAT_S = 3, 10.0, 25.0
HEARTBEAT_SERIAL = 0xFFFF
HEARTBEAT_TIME = datetime.datetime(2026, 11, 22, 14, 30, 15)
STATUS = {
    "fire": 1 << 1, "fault": 1 << 2, "isolate": 1 << 3, "start": 1 << 5, "feedback": 1 << 6, "mains_fault": 1 << 8,
    "battery_fault": 1 << 9, "reset": 1 << 13,
}  # fmt: skip
PANEL_KINDS = {"mains_fault", "mains_end", "battery_fault", "battery_end", "reset"}
TYPES = {"smoke": 42, "heat": 31, "manual": 23, "module": 84, "panel": 1}


def tag(at: datetime.datetime) -> bytes:
    return bytes((at.second, at.minute, at.hour, at.day, at.month, at.year - 2000))


@dataclass
class _Report:
    told: Told
    first_s: float
    tries: int = 1

    @property
    def due_s(self) -> float:
        return self.first_s + TIMEOUT_S * self.tries


class Gb26875(Panel):
    """One device of address `device`, reporting to `centre`.  `failed` counts reports that were never confirmed."""

    def __init__(self, device: int = 0x11223344, centre: int = 1, *, window: int = 8) -> None:
        super().__init__()
        self.device, self.centre = device, centre
        self.failed = 0
        self.denied = 0
        self.heartbeats = 0
        self._serial = 0
        self._window = window
        self._open: dict[int, _Report] = {}
        self._heard = bytearray()
        self._heartbeat_at = 0.0

    def packet(self, command: int, unit: bytes, serial: int, at: datetime.datetime) -> bytes:
        control = serial.to_bytes(2, "little") + b"\x01\x01" + tag(at) + self.device.to_bytes(6, "little")
        control += self.centre.to_bytes(6, "little") + len(unit).to_bytes(2, "little") + bytes((command,)) + unit
        return b"@@" + control + bytes((sum(control) % 256,)) + b"##"

    def encode(self, event: Event) -> bytes:
        status = STATUS.get(event.kind, 0) | 1
        if event.kind in PANEL_KINDS:
            unit = bytes((1, 1, 1, event.controller)) + status.to_bytes(2, "little") + tag(event.at)
        else:
            place = bytes((2, 1, 1, event.controller, TYPES[event.detector])) + bytes((event.point, 0, event.loop, 0))
            text = event.text.encode("gb18030")[:31].ljust(31, b"\0")
            unit = place + status.to_bytes(2, "little") + text + tag(event.at)
        return self.packet(2, unit, self._serial, event.at)

    def due(self, now: float) -> list[bytes]:
        said = []
        for serial, report in list(self._open.items()):
            if now < report.due_s:
                continue
            if report.tries >= TRIES:
                self.failed += 1
                del self._open[serial]
                continue
            report.tries += 1
            said.append(report.told.frame)
        while self.waiting and len(self._open) < self._window:
            said.append(self.tell(self.waiting.popleft(), now))
            self._open[self._serial] = _Report(self.told[-1], now)
            self._serial = (self._serial + 1) % HEARTBEAT_SERIAL
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + HEARTBEAT_S
            self.heartbeats += 1
            said.append(self.packet(2, b"", HEARTBEAT_SERIAL, HEARTBEAT_TIME))
        return said

    def next_due(self) -> float | None:
        return min([self._heartbeat_at, *(report.due_s for report in self._open.values())])

    def heard(self, data: bytes, now: float) -> list[bytes]:
        self._heard += data
        while (at := self._heard.find(b"@@")) >= 0 and len(self._heard) >= at + 30:
            end = at + 30 + self._heard[at + 24] + 256 * self._heard[at + 25]
            if len(self._heard) < end:
                break
            self._replied(bytes(self._heard[at:end]), now)
            del self._heard[:end]
        return []

    def _replied(self, packet: bytes, now: float) -> None:
        serial, command = packet[2] + 256 * packet[3], packet[26]
        report = self._open.get(serial)
        if report is None:
            return
        if command == 3:
            report.told.confirmed = True
            del self._open[serial]
        elif command == 6:
            self.denied += 1
            report.first_s = now - TIMEOUT_S * report.tries
