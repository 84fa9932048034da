"""Smoke detectors on Modbus, after what their makers publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from hw_sim.device import Device, Field
from hw_sim.encoding import uint16

MOUNTED, SERVICE, SMOKE, RELAY = range(4)


class Sm7571(Device):
    """Sonbest SM7571B ceiling smoke sensor (product page): FC03, register 0 is the concentration in ppm."""

    model = "sm7571"
    extents = ((0, 1),)
    register_map: ClassVar[Mapping[str, Field]] = {"smoke_ppm": Field(0, uint16())}

    def __init__(self, now: float, *, smoke_ppm: int = 5) -> None:
        super().__init__()
        self.put("smoke_ppm", smoke_ppm)

    def command(self, words: list[str], now: float) -> object:
        """smoke PPM."""
        match words:
            case ["smoke", ppm]:
                self.put("smoke_ppm", int(ppm))
                return None
            case _:
                return super().command(words, now)


class Ug3(Device):
    """Calectro Uniguard UG-3-O-MB-R duct smoke detector (manual page 7): inputs mounted, service, smoke, relay.

    A smoke alarm stays until it is reset at the detector, and closes the relay.
    """

    model = "ug-3"
    functions = frozenset({2})

    def __init__(self, now: float) -> None:
        super().__init__()
        self.inputs = bytearray((1, 0, 0, 0))

    def command(self, words: list[str], now: float) -> object:
        """smoke, reset, head on|off, service on|off."""
        match words:
            case ["smoke"]:
                self.inputs[SMOKE] = self.inputs[RELAY] = True
            case ["reset"]:
                self.inputs[SMOKE] = self.inputs[RELAY] = False
            case ["head", ("on" | "off") as state]:
                self.inputs[MOUNTED] = state == "on"
            case ["service", ("on" | "off") as state]:
                self.inputs[SERVICE] = state == "on"
            case _:
                return super().command(words, now)
        return None
