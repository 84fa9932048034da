"""The simulator answers published and computed reference frames byte for byte."""

from __future__ import annotations

import math
import struct

import pytest

from hw_sim import rtu
from hw_sim.boards import Bank, LoadMeter, PulseCollector, RelayBoard
from hw_sim.clock import ManualClock
from hw_sim.device import Device
from hw_sim.encoding import Bcd, Codec, Order, Pair, arrange, float32, float64, int32, uint16, uint32
from hw_sim.meters import Bove, KaifengXintai, Tuf2000, UltraD
from hw_sim.served import Served
from hw_sim.slave import Bus, Unit

NOW = 1_795_305_600.0


def ask(bus: Bus, frame: str) -> str | None:
    """One RTU request in hex, the answer in hex; None is silence."""
    request = bytes.fromhex(frame)
    assert rtu.intact(request)
    assert rtu.request_length(request) == len(request)
    sending = bus.request(request[0], request[1:-2])
    if sending is None:
        return None
    reply = sending.reply
    frame_out = rtu.frame(reply.unit, reply.pdu, wrong_check=reply.wrong_check)
    return sending.device.faults.mangle(frame_out, reply).hex(" ").upper()


def bus_of(device: Device, address: int = 1) -> Bus:
    return Bus([Unit(address, "device", device)], Served(), ManualClock(NOW))


def read(function: int, address: int, count: int, unit: int = 1) -> str:
    return rtu.frame(unit, struct.pack(">BHH", function, address, count)).hex()


def test_requests_of_public_sources() -> None:
    assert (
        rtu.frame(1, bytes.fromhex("03 00 00 00 0A")).hex(" ").upper() == "01 03 00 00 00 0A C5 CD"
    )  # TUF-2000 manual
    assert rtu.frame(1, bytes.fromhex("03 00 01 00 26")).hex(" ").upper() == "01 03 00 01 00 26 95 D0"  # BOVE firmware
    assert not rtu.intact(bytes.fromhex("01 03 04 80 6B 42 12 12 83"))


def test_tuf_temperature_published_in_the_manual() -> None:
    meter = Tuf2000(NOW)
    meter.values["supply_temperature_c"] = struct.unpack(">f", bytes.fromhex("42 12 80 6B"))[0]  # 36.6254 Cel
    assert ask(bus_of(meter), read(3, 32, 2)) == "01 03 04 80 6B 42 12 12 82"


def test_tuf_totals_are_integer_and_fraction() -> None:
    meter = Tuf2000(NOW)
    meter.values |= {"total_m3": 1234.5, "negative_m3": -3.25}
    answer = ask(bus_of(meter), "01 03 00 08 00 08 C5 CE")
    assert answer == "01 03 10 04 D2 00 00 00 00 3F 00 FF FD FF FF 00 00 BE 80 97 D8"


def test_bove_block() -> None:
    meter = Bove(NOW, serial=12345678)
    meter.values |= {
        "flow_l_per_h": 125.00, "total_m3": 12345.678, "reverse_m3": 0.042,
        "pressure_mpa": 0.320, "status_bits": 0x20, "temperature_c": 18.75,
    }  # fmt: skip
    assert ask(bus_of(meter), "01 03 00 01 00 26 95 D0") == (
        "01 03 4C 30 D4 00 00 00 00 00 00 00 00 00 00 61 4E 00 BC 00 00 00 2A 00 00 00 00 00 00 00 00 00 "
        "00 00 00 00 00 00 00 01 40 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 53 00 "
        "00 00 00 56 78 12 34 00 01 00 00 00 01 00 00 1C 51"
    )
    assert ask(bus_of(meter), read(3, 7, 2)) == "01 03 04 61 4E 00 BC 84 69"


def test_generic_registers() -> None:
    octave = Bank(words=4)
    octave.poke(0, float64("CDAB").pack(1234567.891))
    assert ask(bus_of(octave), read(4, 0, 4)) == "01 04 08 93 75 E4 18 D6 87 41 32 47 B1"
    bank = Bank(words=4)
    bank.poke(0, float32().pack(1.25) + float32().pack(0.0))
    assert ask(bus_of(bank, 5), read(3, 0, 4, 5)) == "05 03 08 3F A0 00 00 00 00 00 00 63 B9"


def test_exceptions() -> None:
    assert ask(bus_of(Tuf2000(NOW)), read(3, 99, 2)) == "01 83 02 C0 F1"
    meter = KaifengXintai(NOW)
    meter.faults.set("exception", 6)
    assert ask(bus_of(meter, 30), read(3, 1, 2, 30)) == "1E 83 06 F0 F4"
    assert ask(bus_of(Tuf2000(NOW)), read(4, 0, 2)) == rtu.frame(1, bytes([0x84, 1])).hex(" ").upper()
    assert ask(bus_of(UltraD(NOW)), read(3, 0, 23)) == rtu.frame(1, bytes([0x83, 3])).hex(" ").upper()


def test_foreign_units_are_silent() -> None:
    bus = bus_of(Tuf2000(NOW))
    assert ask(bus, read(3, 0, 2, 2)) is None
    assert bus.foreign == 1


def test_valve_moves_and_stops_the_water() -> None:
    meter = KaifengXintai(NOW, people=0, address=30)
    clock = ManualClock(NOW)
    meter.leak.change(NOW, 3600.0)
    bus = Bus([Unit(30, "device", meter)], Served(), clock)
    assert ask(bus, "1E 06 00 1C 00 02 CB A2") == "1E 06 00 1C 00 02 CB A2"
    meter.refresh(NOW)
    assert meter.get("valve") == KaifengXintai.OPEN, "a motor takes seconds"
    clock.now += meter.valve_travel_s
    meter.refresh(clock.now)
    assert (meter.get("valve"), meter.get("flow_m3_per_h")) == (KaifengXintai.CLOSED, 0.0)
    closed_at = meter.get("total_m3")
    clock.now += 3600
    assert ask(bus, "1E 06 00 1C 00 01 8B A3") == "1E 06 00 1C 00 01 8B A3"
    clock.now += meter.valve_travel_s + 10
    meter.refresh(clock.now)
    assert meter.get("total_m3") == pytest.approx(closed_at + 0.010, abs=1e-5)
    assert [write.values for write in meter.writes] == [(2,), (1,)]


def test_broadcast_write_is_executed_and_never_answered() -> None:
    meter = KaifengXintai(NOW)
    assert ask(bus_of(meter), "00 06 00 0E 00 05 29 DB") is None
    meter.refresh(NOW)
    assert meter.get("address") == 5


def test_ultrad_total_is_cubic_metres_and_millilitres() -> None:
    meter = UltraD(NOW, people=0, start_m3=7.25)
    answer = bytes.fromhex(ask(bus_of(meter), read(3, 2, 4)) or "")
    assert struct.unpack(">ii", answer[3:11]) == (7, 250_000)


def test_pulse_counts_and_rollover() -> None:
    collector = PulseCollector(NOW, people=0, litres_per_pulse=10.0)
    collector.command(["counter", "3", "4294967295"], NOW)
    bus = bus_of(collector)
    assert bytes.fromhex(ask(bus, read(3, 6, 2)) or "")[3:7] == b"\xff\xff\xff\xff"
    collector.command(["counter", "3", "4294967296"], NOW)
    assert bytes.fromhex(ask(bus, read(3, 6, 2)) or "")[3:7] == bytes(4)


def test_relay_board_coils_registers_and_who_is_held() -> None:
    board = RelayBoard(NOW)
    bus = bus_of(board, 10)
    on = rtu.frame(10, bytes.fromhex("05 00 03 FF 00")).hex()
    assert bytes.fromhex(ask(bus, on) or "") == bytes.fromhex(on)
    assert board.held(NOW + 2) == {3: 2.0}
    assert ask(bus, read(1, 0, 16, 10)) == rtu.frame(10, bytes.fromhex("01 02 08 00")).hex(" ").upper()
    several = rtu.frame(10, bytes.fromhex("0F 00 00 00 0A 02 01 02")).hex()
    assert ask(bus, several) == rtu.frame(10, bytes.fromhex("0F 00 00 00 0A")).hex(" ").upper()
    assert set(board.held(NOW)) == {0, 9}
    registers = rtu.frame(10, bytes.fromhex("10 00 01 00 02 04 00 07 00 08")).hex()
    assert ask(bus, registers) == rtu.frame(10, bytes.fromhex("10 00 01 00 02")).hex(" ").upper()
    assert ask(bus, read(3, 0, 3, 10)) == rtu.frame(10, bytes.fromhex("03 06 00 00 00 07 00 08")).hex(" ").upper()
    assert ask(bus, rtu.frame(10, bytes.fromhex("05 00 10 FF 00")).hex()) == rtu.frame(10, b"\x85\x02").hex(" ").upper()


def test_load_meter_numbers_its_answers() -> None:
    bus = bus_of(LoadMeter(NOW, words=200))
    numbers = []
    for _ in range(3):
        numbers.append(struct.unpack_from(">I", bytes.fromhex(ask(bus, read(3, 0, 100)) or ""), 3)[0])
        ask(bus, read(3, 100, 100))
    assert numbers == [1, 2, 3]


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "BADC", "DCBA"])
def test_orders_of_the_same_number(order: Order) -> None:
    wire = {"ABCD": "44 9A 50 00", "CDAB": "50 00 44 9A", "BADC": "9A 44 00 50", "DCBA": "00 50 9A 44"}[order]
    assert float32(order).pack(1234.5).hex(" ").upper() == wire
    assert float32(order).unpack(bytes.fromhex(wire)) == 1234.5
    assert arrange(arrange(b"\x01\x02\x03\x04", order), order) == b"\x01\x02\x03\x04"


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        (uint16(0.01), 655.35),
        (int32("CDAB"), -7),
        (uint32("DCBA", 0.001), 4_294_967.295),
        (Bcd(4), 12_345_678_901_234),
        (Bcd(2, "CDAB"), 87_654_321),
        (Pair(int32("CDAB"), float32("CDAB")), -12.75),
        (Pair(int32(), int32(), 1e-6), 99_999.999999),
        (float64("BADC"), 1e-9),
    ],
)
def test_codecs_return_what_they_packed(codec: Codec, value: float) -> None:
    packed = codec.pack(value)
    assert len(packed) == 2 * codec.words
    assert codec.unpack(packed) == pytest.approx(value, rel=1e-12)


def test_a_remainder_never_reaches_a_whole() -> None:
    assert Pair(int32(), int32(), 1e-6).pack(6.9999999) == struct.pack(">ii", 7, 0)


def test_no_value() -> None:
    assert uint32().pack(math.nan) == b"\xff\xff\xff\xff"
    assert Bcd(1).pack(math.nan) == b"\xff\xff"
    assert math.isnan(float32().unpack(float32().pack(math.nan)))
