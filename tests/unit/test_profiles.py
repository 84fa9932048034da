"""Every shipped profile against recorded bytes and against its simulator, through planner and decoder.

Recorded bytes: V-W02 from the TUF-2000 manual and a public forum thread, its CRC computed; SM7571 from the page of its
maker; V-W07 (the number of a public BOVE simulator), V-W04, V-W08, V-W10 and V-W11 computed by hand from the register
maps of the makers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from courtyard.config.catalogue import product_catalogue
from courtyard.config.library import PRODUCT_PROFILES, Library
from courtyard.drivers.base import Scalar
from courtyard.drivers.modbus.decoding import Decoder
from courtyard.drivers.modbus.frames import intact, read_request
from courtyard.drivers.modbus.planning import item_of, plan
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusDevice
from hw_sim.boards import PulseCollector, RelayBoard
from hw_sim.detectors import Sm7571, Ug3
from hw_sim.device import Device
from hw_sim.meters import Bove, KaifengXintai, Tuf2000, UltraD
from tests.config_rig import GATEWAY, LINE, PROFILE, check

NOW = 1_795_329_015.0
LIBRARY = Library((PRODUCT_PROFILES,), product_catalogue())
NAMES = [name for name in LIBRARY.names() if not name.startswith("wearable/")]
TUF, KAIFENG, BOVE, ULTRAD = "water/tuf-2000", "water/kaifeng-xintai", "water/bove", "water/ultrad"
PULSES = (
    '{ point = "water.volume.total", address = 2, type = "uint32", unit = "L", scale = 10, offset = 123400 }',
    '{ point = "meter.tamper", address = 32, type = "bool", mask = 2 }',
)
RELAYS = ('{ point = "relay.1", address = 0, type = "bool" }', '{ point = "relay.2", address = 1, type = "bool" }')
OPTIONS = {TUF: "multiplier = 1"}
SMOKE = ('{ point = "smoke.detected", address = 0, type = "bool", mask = 0x0004 }',)
POINTS = {"water/pulse-collector": PULSES, "io/relay-board": RELAYS, "fire/detector": SMOKE}


def device(folder: Path, profile: str, text: str = "", options: str = "") -> ModbusDevice:
    """The one device of a site, resolved; `text` is a profile of the site's own."""
    site = (
        f'{GATEWAY}{LINE}[[devices]]\nid = "d"\nprofile = "{profile}"\nline = "bus"\naddress = 1\n'
        f"options = {{ {options or OPTIONS.get(profile, '')} }}\npoints = [{', '.join(POINTS.get(profile, ()))}]\n"
    )
    verdict = check(folder, site, {f"profiles/{profile}.toml": text} if text else None)
    assert verdict.snapshot is not None, verdict.mistakes
    return verdict.snapshot.devices["d"].driver


def decoded(resolved: ModbusDevice, read: Read, payload: bytes) -> dict[str, Scalar | None]:
    """The points that lie wholly in the read."""
    items = [item_of(point, resolved.profile) for point in resolved.points]
    inside = [item.point for item in items if read.address <= item.start and item.end <= read.end]
    values: dict[str, Scalar | None] = {}
    Decoder(read, inside, resolved.profile.order).decode(payload, values)
    return values


class Recorded(NamedTuple):
    profile: str
    address: int
    frame: str
    expected: dict[str, Scalar]
    text: str = ""


def own(order: str, function: int, *points: tuple[str, int, str]) -> str:
    """A profile of the site's own."""
    return f'{PROFILE}function = {function}\norder = "{order}"\n' + "".join(
        f'[[points]]\npoint = "{name}"\naddress = {address}\ntype = "{kind}"\nunit = "m3"\n'
        for name, address, kind in points
    )


RECORDED = {
    "V-W02": Recorded(TUF, 32, "01 03 04 80 6B 42 12 12 82", {"water.temperature": 36.6254}),
    "V-W04": Recorded(
        TUF,
        8,
        "01 03 10 04 D2 00 00 00 00 3F 00 FF FD FF FF 00 00 BE 80 97 D8",
        {"water.volume.total": 1234.5, "water.volume.reverse": -3.25},
    ),
    "SM7571": Recorded("fire/sonbest-sm7571", 0, "01 03 02 00 79 79 A6", {"smoke.concentration": 121}),
    "V-W07": Recorded(BOVE, 7, "01 03 04 61 4E 00 BC 84 69", {"water.volume.total": 12345.678}),
    "V-W08": Recorded(
        BOVE,
        1,
        "01 03 4C 30 D4 00 00 00 00 00 00 00 00 00 00 61 4E 00 BC 00 00 00 2A 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
        " 00 00 01 40 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 53 00 00 00 00 56 78 12 34 00 01"
        " 00 00 00 01 00 00 1C 51",
        {
            "water.flow": 0.125,
            "water.volume.total": 12345.678,
            "water.volume.reverse": 0.042,
            "water.pressure": 320,
            "water.empty_pipe": False,
            "battery.low": True,
            "water.temperature": 18.75,
            "meter.serial": "12345678",
        },
    ),
    "V-W10": Recorded(
        "own/float64",
        0,
        "01 04 08 93 75 E4 18 D6 87 41 32 47 B1",
        {"water.volume.total": 1234567.891},
        own("CDAB", 4, ("water.volume.total", 0, "float64")),
    ),
    "V-W11": Recorded(
        "own/float32",
        0,
        "05 03 08 3F A0 00 00 00 00 00 00 63 B9",
        {"water.volume.total": 1.25, "water.volume.net": 0.0},
        own("ABCD", 3, ("water.volume.total", 0, "float32"), ("water.volume.net", 2, "float32")),
    ),
}


@pytest.mark.parametrize("vector", RECORDED)
def test_recorded_bytes_become_points(vector: str, tmp_path: Path) -> None:
    profile, address, frame_text, expected, text = RECORDED[vector]
    frame = bytes.fromhex(frame_text)
    assert intact(frame)
    assert len(frame) == 5 + frame[2]
    values = decoded(device(tmp_path, profile, text), Read(frame[1], address, frame[2] // 2), frame[3:-2])
    assert values == {
        name: pytest.approx(value, abs=5e-5) if isinstance(value, float) else value for name, value in expected.items()
    }


def test_both_halves_of_a_total_add_up_to_the_decimal_on_the_display(tmp_path: Path) -> None:
    payload = struct.pack(">HHHH", 1234, 0, *struct.unpack(">HH", struct.pack(">f", 0.56))[::-1])
    values = decoded(device(tmp_path, TUF), Read(3, 8, 4), payload)
    assert repr(values["water.volume.total"]) == "1234.56"


@pytest.mark.parametrize("vector", ["V-W07", "V-W08"])
def test_whole_numbers_of_the_meter_stay_decimal(vector: str, tmp_path: Path) -> None:
    profile, address, frame_text, expected, _ = RECORDED[vector]
    frame = bytes.fromhex(frame_text)
    values = decoded(device(tmp_path, profile), Read(3, address, frame[2] // 2), frame[3:-2])
    assert repr(values["water.volume.total"]) == "12345.678"
    assert {name: repr(value) for name, value in values.items()} == {
        name: repr(type(values[name])(value)) for name, value in expected.items()
    }


def test_the_totals_of_a_tuf_2000_come_in_one_request(tmp_path: Path) -> None:
    """V-W03, computed from the manual: both parts of both totals, in one read."""
    resolved = device(tmp_path, TUF)
    names = ("water.volume.total", "water.volume.reverse")
    totals = [point for point in resolved.points if point.register.point in names]
    (part,) = plan(totals, resolved.profile)
    assert read_request(1, part.read).adu == bytes.fromhex("01 03 00 08 00 08")


@pytest.mark.parametrize("profile", [name for name in NAMES if name not in POINTS])
def test_a_device_costs_one_transaction(profile: str, tmp_path: Path) -> None:
    resolved = device(tmp_path, profile)
    (part,) = plan(resolved.points, resolved.profile)
    assert part.read.quantity <= resolved.profile.max_registers


@pytest.mark.parametrize("profile", NAMES)
def test_a_profile_says_where_it_comes_from(profile: str) -> None:
    loaded = Library((PRODUCT_PROFILES,), product_catalogue()).load(profile)
    assert loaded is not None
    assert loaded.profile is not None
    assert loaded.profile.source
    assert "PDU" in loaded.file.read_text("utf-8").partition("protocol =")[0]


class Simulated(NamedTuple):
    """A simulator with values set by hand, and what must come of them."""

    build: Callable[[], Device]
    commands: tuple[str, ...]
    expected: dict[str, Scalar]


SIMULATED = {
    TUF: Simulated(
        lambda: Tuf2000(NOW),
        (
            "set flow_m3_per_h 1.5",
            "set energy_flow_gj_per_h 3.6",
            "set velocity_m_per_s 0.75",
            "set sound_m_per_s 1480",
            "set total_m3 1234.5",
            "set negative_m3 -3.25",
            "set net_m3 1231.25",
            "set supply_temperature_c 36.5",
            "set return_temperature_c 35.25",
            "set error_bits 5",
            "set signal_quality 99",
            "set upstream_strength 800",
            "set downstream_strength 801",
            "set time_ratio 1.015625",
            "set reynolds 4096",
        ),
        {
            "water.flow": 1.5,
            "heat.power": 1000,
            "water.velocity": 0.75,
            "water.sound_speed": 1480,
            "water.volume.total": 1234.5,
            "water.volume.reverse": -3.25,
            "water.volume.net": 1231.25,
            "water.temperature": 36.5,
            "water.temperature.return": 35.25,
            "meter.error_code": 5,
            "meter.signal.quality": 99,
            "meter.signal.upstream": 800,
            "meter.signal.downstream": 801,
            "meter.transit_ratio": 1.015625,
            "meter.reynolds": 4096,
        },
    ),
    KAIFENG: Simulated(
        lambda: KaifengXintai(NOW, serial=1234567890123456),
        (
            "set total_m3 1234.5",
            "set reverse_m3 3.25",
            "set flow_m3_per_h 1.5",
            "set pipe 0x55",
            "set prepaid_m3 12.75",
            "set pressure_mpa 0.25",
            "set temperature_c 18.5",
            "set battery_v 3.5",
            "set valve 10",
        ),
        {
            "water.volume.total": 1234.5,
            "water.volume.reverse": 3.25,
            "water.flow": 1.5,
            "water.empty_pipe": True,
            "water.volume.remaining": 12.75,
            "water.pressure": 250,
            "water.temperature": 18.5,
            "meter.serial": "1234567890123456",
            "battery.voltage": 3.5,
            "valve.state": "closed",
            "battery.low": True,
        },
    ),
    BOVE: Simulated(
        lambda: Bove(NOW, serial=12345678),
        (
            "set flow_l_per_h 125",
            "set total_m3 12345.678",
            "set reverse_m3 0.042",
            "set pressure_mpa 0.32",
            "set status_bits 4",
            "set temperature_c 18.75",
        ),
        {
            "water.flow": 0.125,
            "water.volume.total": 12345.678,
            "water.volume.reverse": 0.042,
            "water.pressure": 320,
            "water.empty_pipe": True,
            "battery.low": False,
            "water.temperature": 18.75,
            "meter.serial": "12345678",
        },
    ),
    ULTRAD: Simulated(
        lambda: UltraD(NOW),
        (
            "set flow_l_per_h -125",
            "set total_m3 1234.567891",
            "set negative_m3 0.000042",
            "set run_time_s 86400",
            "set fault_time_s 60",
            "set battery_mv 3600",
            "set error_code 7",
        ),
        {
            "water.flow": -0.125,
            "water.volume.total": 1234.567891,
            "water.volume.reverse": 0.000042,
            "meter.run_time": 86400,
            "meter.fault_time": 60,
            "battery.voltage": 3.6,
            "meter.error_code": 7,
        },
    ),
    "water/pulse-collector": Simulated(
        lambda: PulseCollector(NOW),
        ("counter 1 freeze", "counter 1 4321", "tamper 2"),
        {"water.volume.total": 166.61, "meter.tamper": True},
    ),
    "io/relay-board": Simulated(lambda: RelayBoard(NOW), (), {"relay.1": False, "relay.2": True}),
    "fire/sonbest-sm7571": Simulated(lambda: Sm7571(NOW), ("smoke 640",), {"smoke.concentration": 640}),
    "fire/calectro-ug-3": Simulated(
        lambda: Ug3(NOW),
        ("smoke", "service on", "head off"),
        {"smoke.detected": True, "detector.service": True, "device.tamper": True},
    ),
    "fire/detector": Simulated(lambda: Sm7571(NOW), ("smoke 4",), {"smoke.detected": True}),
}


def test_every_profile_has_its_simulator() -> None:
    assert set(SIMULATED) == set(NAMES)


@pytest.mark.parametrize("profile", NAMES)
def test_every_point_of_the_simulator_arrives_as_it_was_set(profile: str, tmp_path: Path) -> None:
    resolved = device(tmp_path, profile)
    build, commands, expected = SIMULATED[profile]
    simulator = build()
    for command in commands:
        simulator.command([word if word != "0x55" else "85" for word in command.split()], NOW)
    if isinstance(simulator, RelayBoard):
        simulator.write_coil(1, True, NOW)
    values: dict[str, Scalar | None] = {}
    for part in plan(resolved.points, resolved.profile):
        answer = simulator.answer(read_request(1, part.read).adu[1:], NOW)
        assert answer[0] == part.read.function, answer.hex()
        values |= decoded(resolved, part.read, answer[2:])
    assert values == pytest.approx(expected)
    assert set(values) == {point.register.point for point in resolved.points}


@pytest.mark.parametrize("multiplier", ["0.001", "1", "1000"])
def test_the_multiplier_of_the_front_panel_scales_the_totals_alone(multiplier: str, tmp_path: Path) -> None:
    resolved = device(tmp_path, TUF, options=f"multiplier = {multiplier}")
    frame = bytes.fromhex(RECORDED["V-W04"].frame)
    values = decoded(resolved, Read(3, 8, 8), frame[3:-2])
    assert values["water.volume.total"] == pytest.approx(1234.5 * float(multiplier), rel=1e-12)
    others = {point.register.point: point.gain for point in resolved.points if not point.register.scale_option}
    assert others["water.flow"] == 1.0
