"""Water meters with living values, each with the register map its maker published.

Addresses are PDU addresses (0-based); the source of every map stands with its class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from hw_sim.device import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Device, Field, Refusal
from hw_sim.encoding import Bcd, Pair, float32, int32, uint16, uint32
from hw_sim.household import Dial, Household, Rate

PIPE_AREA_M2 = math.pi * 0.010**2
"""DN20."""


class WaterMeter(Device):
    """What all water meters share: a household behind them, dials, leak, reverse flow, temperature, pressure."""

    rollover_m3: ClassVar[float]
    """First reading that the total cannot show."""

    def __init__(
        self,
        now: float,
        *,
        seed: object = 1,
        people: int = 3,
        start_m3: float = 0.0,
        serial: int = 12345678,
        address: int = 1,
    ) -> None:
        super().__init__()
        self.household = Household(seed, people)
        self.leak, self.back = Rate(), Rate()
        self.forward = Dial(lambda t: self.household.volume_l(t) + self.leak.litres(t), now, start_m3 * 1000)
        self.reverse = Dial(self.back.litres, now, 0.0)
        self.serial = serial
        self.switched_on = now
        self.values: dict[str, float] = {"address": address} if "address" in self.fields else {}
        """Quantities that were set by hand and no longer live."""

    @property
    def shut(self) -> bool:
        return False

    def total_m3(self, now: float) -> float:
        """What the total shows, wrapped."""
        return self.forward.read(now) / 1000 % self.rollover_m3

    def flow_l_per_h(self, now: float) -> float:
        if self.shut:
            return 0.0
        return self.household.flow_l_per_h(now) + self.leak.l_per_h - self.back.l_per_h

    def temperature_c(self, now: float) -> float:
        return 14.0 + 6.0 * math.sin(2 * math.pi * (now / 86400 - 110) / 365.25) + math.sin(2 * math.pi * now / 86400)

    def pressure_mpa(self, now: float) -> float:
        return 0.35 - 0.00004 * max(0.0, self.flow_l_per_h(now))

    def live(self, now: float) -> dict[str, float]:
        """Values of the map's fields at `now`."""
        raise NotImplementedError

    def refresh(self, now: float) -> None:
        for name, value in (self.live(now) | self.values).items():
            self.put(name, value)

    def command(self, words: list[str], now: float) -> object:
        """leak L_PER_H, reverse L_PER_H, counter freeze|resume|reset|rollover|M3, set FIELD VALUE, free FIELD."""
        match words:
            case ["leak", rate]:
                self.leak.change(now, float(rate))
            case ["reverse", rate]:
                self.back.change(now, float(rate))
            case ["counter", "freeze"]:
                self.forward.hold("frozen", now)
            case ["counter", "resume"]:
                self.forward.release("frozen", now)
            case ["counter", "reset"]:
                self.forward.set(0.0, now)
            case ["counter", "rollover"]:
                self.forward.set(self.rollover_m3 * 1000 - 1.0, now)
            case ["counter", reading]:
                self.forward.set(float(reading) * 1000, now)
            case ["set", name, value] if name in self.fields:
                self.values[name] = float(value)
            case ["free", name]:
                self.values.pop(name, None)
            case _:
                return super().command(words, now)
        return None


class Tuf2000(WaterMeter):
    """TUF-2000M/F/B (OEM manual of TUF-2000F; manual register numbers are 1-based).  Words low first, FC03 only."""

    model = "tuf-2000"
    extents = ((0, 100), (1436, 6))
    rollover_m3 = float(2**31)
    register_map: ClassVar[Mapping[str, Field]] = {
        "flow_m3_per_h": Field(0, float32("CDAB")),
        "energy_flow_gj_per_h": Field(2, float32("CDAB")),
        "velocity_m_per_s": Field(4, float32("CDAB")),
        "sound_m_per_s": Field(6, float32("CDAB")),
        "total_m3": Field(8, Pair(int32("CDAB"), float32("CDAB"))),
        "negative_m3": Field(12, Pair(int32("CDAB"), float32("CDAB"))),
        "net_m3": Field(24, Pair(int32("CDAB"), float32("CDAB"))),
        "supply_temperature_c": Field(32, float32("CDAB")),
        "return_temperature_c": Field(34, float32("CDAB")),
        "error_bits": Field(71, uint16()),
        "signal_quality": Field(91, uint16()),
        "upstream_strength": Field(92, uint16()),
        "downstream_strength": Field(93, uint16()),
        "time_ratio": Field(96, float32("CDAB")),
        "reynolds": Field(98, float32("CDAB")),
        "flow_unit": Field(1436, uint16()),
        "total_unit": Field(1437, uint16()),
        "address": Field(1441, uint16()),
    }

    def live(self, now: float) -> dict[str, float]:
        flow = self.flow_l_per_h(now) / 1000
        velocity = flow / 3600 / PIPE_AREA_M2
        forward, reverse = self.total_m3(now), self.reverse.read(now) / 1000
        return {
            "flow_m3_per_h": flow,
            "velocity_m_per_s": velocity,
            "sound_m_per_s": 1482.0,
            "total_m3": forward,
            "negative_m3": -reverse,
            "net_m3": forward - reverse,
            "supply_temperature_c": self.temperature_c(now),
            "return_temperature_c": self.temperature_c(now) - 0.1,
            "signal_quality": 78,
            "upstream_strength": 812,
            "downstream_strength": 809,
            "time_ratio": 1.0 + velocity * 0.001,
            "reynolds": abs(velocity) * 0.020 / 1.0e-6,
        }


class KaifengXintai(WaterMeter):
    """Kaifeng Xintai meter with valve ("Water Meter MODBUS 485 protocol V1").  Floats DCBA, FC03 and FC06.

    The layout of the clock registers (0x0016) is not published; they read as zero.
    """

    model = "kaifeng-xintai"
    functions = frozenset({3, 6})
    extents = ((0x0001, 0x1E),)
    rollover_m3 = 1.0e6
    valve_travel_s = 8.0
    """Simulated seconds that the motor takes."""
    register_map: ClassVar[Mapping[str, Field]] = {
        "total_m3": Field(0x01, float32("DCBA")),
        "reverse_m3": Field(0x03, float32("DCBA")),
        "flow_m3_per_h": Field(0x05, float32("DCBA")),
        "pipe": Field(0x07, uint16()),
        "prepaid_m3": Field(0x08, float32("DCBA")),
        "pressure_mpa": Field(0x0A, float32("DCBA")),
        "temperature_c": Field(0x0C, float32("DCBA")),
        "address": Field(0x0E, uint16()),
        "serial": Field(0x12, Bcd(4)),
        "battery_v": Field(0x1A, float32("DCBA")),
        "valve": Field(0x1C, uint16()),
        "pulse_coefficient": Field(0x1D, uint16()),
        "pressure_sensor": Field(0x1E, uint16()),
    }
    writable = frozenset({0x01, 0x02, 0x08, 0x09, 0x0E, 0x1C})
    OPEN, CLOSED = 1, 2

    def __init__(self, now: float, *, prepaid_m3: float = 500.0, **more: Any) -> None:
        super().__init__(now, **more)
        self.valve = self.OPEN
        self._moving: tuple[float, int] | None = None
        self._prepaid = prepaid_m3 + self.forward.read(now) / 1000

    @property
    def shut(self) -> bool:
        return self.valve == self.CLOSED

    def live(self, now: float) -> dict[str, float]:
        self._travel(now)
        total = self.total_m3(now)
        return {
            "total_m3": total,
            "reverse_m3": self.reverse.read(now) / 1000,
            "flow_m3_per_h": self.flow_l_per_h(now) / 1000,
            "pipe": 0x00AA,
            "prepaid_m3": self._prepaid - total,
            "pressure_mpa": self.pressure_mpa(now),
            "temperature_c": self.temperature_c(now),
            "serial": self.serial,
            "battery_v": 3.6,
            "valve": self.valve,
            "pulse_coefficient": 1,
        }

    def write_register(self, address: int, value: int, now: float) -> None:
        if address not in self.writable:
            raise Refusal(ILLEGAL_ADDRESS)
        if address == 0x1C:
            if value not in (self.OPEN, self.CLOSED):
                raise Refusal(ILLEGAL_VALUE)
            self._moving = (now + self.valve_travel_s, value)
            return
        self.refresh(now)
        self.poke(address, value.to_bytes(2, "big"))
        if address <= 0x02:
            self.forward.set(self.get("total_m3") * 1000, now)
        elif address <= 0x09:
            self._prepaid = self.get("prepaid_m3") + self.get("total_m3")
        else:
            self.values["address"] = value

    def _travel(self, now: float) -> None:
        if self._moving is None or now < self._moving[0]:
            return
        at, self.valve = self._moving
        self._moving = None
        if self.shut:
            self.forward.hold("valve", at)
        else:
            self.forward.release("valve", at)


class Bove(WaterMeter):
    """BOVE residential ultrasonic meter: 38 registers from 1, FC03, uint32 low word first.

    Only status bits with known positions are used: 0x0004 empty pipe, 0x0020 low battery.
    """

    model = "bove"
    extents = ((1, 38),)
    rollover_m3 = 2**32 / 1000
    register_map: ClassVar[Mapping[str, Field]] = {
        "flow_l_per_h": Field(1, uint32("CDAB", 0.01)),
        "total_m3": Field(7, uint32("CDAB", 0.001)),
        "reverse_m3": Field(10, uint32("CDAB", 0.001)),
        "pressure_mpa": Field(19, uint16(0.001)),
        "status_bits": Field(20, uint16()),
        "temperature_c": Field(30, uint16(0.01)),
        "serial": Field(33, Bcd(2, "CDAB")),
        "address": Field(35, uint16()),
        "baud_code": Field(37, uint16()),
    }

    def live(self, now: float) -> dict[str, float]:
        return {
            "flow_l_per_h": max(0.0, self.flow_l_per_h(now)),
            "total_m3": math.floor(self.total_m3(now) * 1000) / 1000,
            "reverse_m3": math.floor(self.reverse.read(now)) / 1000,
            "pressure_mpa": self.pressure_mpa(now),
            "status_bits": 0,
            "baud_code": 1,
            "temperature_c": self.temperature_c(now),
            "serial": self.serial,
        }


class UltraD(WaterMeter):
    """Dynaflox ultraD (manual pages 9-10): FC03 only, at most 22 registers, high word first, m3 and millilitres."""

    model = "ultrad"
    max_registers = 22
    extents = ((0, 17), (0x9000, 2))
    rollover_m3 = float(2**31)
    register_map: ClassVar[Mapping[str, Field]] = {
        "flow_l_per_h": Field(0, int32()),
        "total_m3": Field(2, Pair(int32(), int32(), 1e-6)),
        "negative_m3": Field(6, Pair(int32(), int32(), 1e-6)),
        "run_time_s": Field(10, uint32()),
        "fault_time_s": Field(12, uint32()),
        "battery_mv": Field(14, uint32()),
        "error_code": Field(16, uint16()),
        "history_days": Field(0x9000, uint16()),
        "history_months": Field(0x9001, uint16()),
    }

    def live(self, now: float) -> dict[str, float]:
        return {
            "flow_l_per_h": self.flow_l_per_h(now),
            "total_m3": self.total_m3(now),
            "negative_m3": self.reverse.read(now) / 1000,
            "run_time_s": now - self.switched_on,
            "battery_mv": 3600,
        }
