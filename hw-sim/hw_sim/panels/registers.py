"""Panels behind Modbus: one holding register a point; a Modbus server of one's choice serves `values`."""

from __future__ import annotations

from hw_sim.panels.event import Event

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
