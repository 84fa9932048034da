"""Panels behind Modbus: one holding register a point; as a unit of a fleet, or served by whatever serves `values`."""

from __future__ import annotations

import datetime
import struct
import typing
from collections.abc import Mapping

from hw_sim.device import Block, Device
from hw_sim.panels.event import Event, Kind

KINDS: Mapping[str, Kind] = {kind: kind for kind in typing.get_args(Kind)}
WHEN = datetime.datetime(2026, 11, 22, 14, 30, 15)
"""Registers say nothing of time."""

GST_STATES = {
    "fire": 1, "fault": 2, "fault_end": 0, "feedback": 3, "start": 5, "stop": 6, "isolate": 7, "release": 8,
    "mains_fault": 2, "mains_end": 9, "battery_fault": 2, "battery_end": 9, "reset": 0,
}  # fmt: skip
GST_POWER = {"mains_fault": 242, "mains_end": 242, "battery_fault": 243, "battery_end": 243}


class Gst200:
    """海湾 GST200: device n in register n - 1, mains, battery and bus behind them; only the latest state stays."""

    def __init__(self) -> None:
        self.values = [0] * 245

    def happen(self, event: Event) -> None:
        if event.kind == "reset":
            self.values = [0] * 245
        else:
            self.values[GST_POWER.get(event.kind, event.point - 1)] = GST_STATES[event.kind]


ZONE, MAINS, BATTERY = 240, 4997, 4998


class Gst5000:
    """海湾 GST5000: zone * 240 + code - 1, mains and battery at 44998 and 44999; only the latest state stays."""

    def __init__(self) -> None:
        self.values = [0] * (BATTERY + 1)

    def happen(self, event: Event) -> None:
        if event.kind == "reset":
            self.values = [0] * (BATTERY + 1)
        elif event.kind.startswith(("mains", "battery")):
            self.values[MAINS if event.kind.startswith("mains") else BATTERY] = GST_STATES[event.kind]
        else:
            self.values[event.loop * ZONE + event.point - 1] = GST_STATES[event.kind]


ACTIVE, ENABLED, DISABLED, TROUBLE = 0x0800, 0x0400, 0x0200, 0x2000


class Notifier:
    """Honeywell/Notifier gateway: bits of a point in the high byte, class of its event in the low byte."""

    def __init__(self, points: int = 200) -> None:
        self.values = [ENABLED] * points

    def happen(self, event: Event) -> None:
        value = self.values[event.point - 1]
        match event.kind:
            case "fire":
                value = value & 0xFF00 | ACTIVE | 0x10
            case "fault":
                value |= TROUBLE
            case "fault_end":
                value &= ~TROUBLE
            case "isolate":
                value = value & ~ENABLED | DISABLED
            case "release":
                value = value & ~DISABLED | ENABLED
            case "reset":
                self.values = [ENABLED] * len(self.values)
                return
        self.values[event.point - 1] = value


class _Panel(Device):
    """A panel as a unit on a Modbus line; function 3 only, at most 100 registers."""

    max_registers = 100

    def __init__(self, now: float, panel: Gst200 | Gst5000 | Notifier) -> None:
        super().__init__()
        self.panel = panel
        self.blocks = [Block.of(0, len(panel.values))]

    def refresh(self, now: float) -> None:
        self.blocks[0].data[:] = struct.pack(f">{len(self.panel.values)}H", *self.panel.values)

    def command(self, words: list[str], now: float) -> object:
        """event KIND LOOP POINT."""
        match words:
            case ["event", kind, loop, point] if kind in KINDS:
                self.panel.happen(Event(KINDS[kind], WHEN, 1, int(loop), int(point)))
                return None
        return super().command(words, now)


class Gst200Panel(_Panel):
    model = "gst200"

    def __init__(self, now: float) -> None:
        super().__init__(now, Gst200())


class Gst5000Panel(_Panel):
    model = "gst5000"

    def __init__(self, now: float) -> None:
        super().__init__(now, Gst5000())


class NotifierPanel(_Panel):
    model = "notifier"

    def __init__(self, now: float) -> None:
        super().__init__(now, Notifier())
