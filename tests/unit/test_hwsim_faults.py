"""Every fault of a unit does what its name says, for as long as it was asked."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from hw_sim import rtu
from hw_sim.boards import Bank, LoadMeter
from hw_sim.clock import ManualClock
from hw_sim.device import Field
from hw_sim.encoding import uint32
from hw_sim.faults import KINDS, Faults, Reply
from hw_sim.meters import Bove, Tuf2000
from hw_sim.served import Served
from hw_sim.slave import Bus, Sending, Unit

NOW = 1_795_305_600.0
READ = bytes.fromhex("03 00 00 00 04")


def bus(served: Served | None = None) -> tuple[Bus, LoadMeter]:
    device = LoadMeter(NOW, words=20)
    return Bus([Unit(1, "load", device)], served or Served(), ManualClock(NOW)), device


def frame(sending: Sending | None) -> bytes:
    assert sending is not None
    reply = sending.reply
    return sending.device.faults.mangle(rtu.frame(reply.unit, reply.pdu, wrong_check=reply.wrong_check), reply)


def test_dead_for_two_answers() -> None:
    units, device = bus()
    device.faults.set("dead", times=2)
    assert [units.request(1, READ) is None for _ in range(3)] == [True, True, False]


def test_slow_and_late_wait_but_only_late_is_stubborn() -> None:
    for kind, stubborn in (("slow", False), ("late", True)):
        units, device = bus()
        device.faults.set(kind, 700)
        sending = units.request(1, READ)
        assert sending is not None
        assert (sending.reply.delay_s, sending.reply.stubborn) == (0.7, stubborn)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("wrong-unit", 9, lambda f: f[0] == 9 and rtu.intact(f)),
        ("exception", 4, lambda f: f[1:3] == b"\x83\x04" and rtu.intact(f)),
        ("empty", None, lambda f: f[1:3] == b"\x03\x00" and len(f) == 5 and rtu.intact(f)),
        ("short", 1, lambda f: f[2] == 6 and len(f) == 11 and rtu.intact(f)),
        ("truncated", 7, lambda f: len(f) == 7),
        ("wrong-crc", None, lambda f: len(f) == 13 and not rtu.intact(f)),
        ("noise", 1.0, lambda f: len(f) == 13 and not rtu.intact(f)),
    ],
)
def test_spoilt_frames(kind: str, value: float | None, expected: object) -> None:
    served = Served()
    units, device = bus(served)
    device.faults.set(kind, value)
    assert callable(expected)
    assert expected(frame(units.request(1, READ)))
    assert [answer.state for answer in served.log("load")] == ["fault"]
    device.faults.heal()
    good = frame(units.request(1, READ))
    assert rtu.intact(good)
    assert len(good) == 13


def test_stuck_registers_and_no_values() -> None:
    clock = ManualClock(NOW)
    meter = Tuf2000(NOW, people=0)
    meter.leak.change(NOW, 1000.0)
    units = Bus([Unit(1, "m", meter)], Served(), clock)
    total = bytes.fromhex("03 00 08 00 04")

    def reading() -> float:
        units.request(1, total)
        return meter.get("total_m3")

    meter.faults.set("stuck")
    first = reading()
    clock.now += 3600
    assert reading() == first
    meter.faults.heal("stuck")
    assert reading() == pytest.approx(1.0)
    meter.faults.set("nan")
    assert math.isnan(reading())
    meter.faults.heal()
    assert reading() == pytest.approx(1.0)


def test_no_value_of_an_integer_is_all_ones() -> None:
    meter = Bove(NOW)
    meter.faults.set("nan")
    sending = Bus([Unit(1, "m", meter)], Served(), ManualClock(NOW)).request(1, bytes.fromhex("03 00 07 00 02"))
    assert sending is not None
    assert sending.reply.pdu[2:] == b"\xff\xff\xff\xff"


def test_unknown_faults_are_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match="wrong-crc"):
        Faults().set("explode")
    faults = Faults()
    for kind in KINDS:
        faults.set(kind)
        assert kind in faults
    assert faults.spoil(Reply(1, READ)) is None, "dead wins"


def test_holes_in_the_map_are_illegal_addresses() -> None:
    bank = Bank(words=30, holes=((10, 5),))
    answers = {first: bank.answer(bytes([3, 0, first, 0, 4]), NOW)[0] for first in (0, 6, 7, 12, 15, 26, 27)}
    assert answers == {0: 3, 6: 3, 7: 0x83, 12: 0x83, 15: 3, 26: 3, 27: 0x83}


@pytest.mark.parametrize(
    "pdu",
    ["03", "03 00 00", "03 00 00 00 00", "03 00 00 00 7E", "10 00 00 00 02 03 00 00 00", "06 00", "10 00 00 00 00 00"],
)
def test_malformed_requests_get_illegal_value(pdu: str) -> None:
    request = bytes.fromhex(pdu)
    assert Bank(words=200).answer(request, NOW) == bytes([request[0] | 0x80, 3])


class TestServed:
    def test_answers_are_numbered_and_values_come_in_order(self, tmp_path: Path) -> None:
        path = tmp_path / "served.jsonl"
        served = Served(path, wall=ManualClock(5.0))
        units, device = bus(served)
        units.request(1, READ)
        device.faults.set("wrong-crc", times=1)
        units.request(1, READ)
        lost = units.request(1, READ)
        assert lost is not None
        lost.lost("line")
        lost.lost("line")
        units.request(1, bytes.fromhex("03 00 02 00 02"))
        units.request(1, READ)
        log = served.log("load")
        assert [(a.number, a.state) for a in log] == [
            (1, "clean"),
            (2, "fault"),
            (3, "line"),
            (4, "clean"),
            (5, "clean"),
        ]
        assert log.values(Field(0, uint32())) == [1, 4]
        assert (log.count, log.clean) == (5, 3)
        served.close()
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert [row["number"] for row in rows] == [1, 2, 3, 3, 4, 5]
        assert rows[0]["payload"] == next(iter(log)).payload.hex()
        assert rows[3] == {"device": "load", "number": 3, "state": "line"}

    def test_beyond_its_bound_it_only_counts_and_says_so(self) -> None:
        served = Served(limit_bytes=100)
        units, _ = bus(served)
        for _ in range(10):
            units.request(1, READ)
        assert (served.complete, served.counts(), served.log("load").kept) == (False, {"load": 10}, 3)
        sending = units.request(1, READ)
        assert sending is not None
        sending.lost("line")
        assert served.log("load").clean == 10
