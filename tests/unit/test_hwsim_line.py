"""The simulated line and its stations in virtual time: every byte at its bit-time, silences, collisions, faults."""

from __future__ import annotations

import pytest

from hw_sim import rtu
from tests.wire_rig import CHAR, GAP, Rig


def test_a_byte_takes_eleven_bit_times_and_lateness_does_not_add_up() -> None:
    rig = Rig()
    began = rig.time.now
    rig.say(bytes(range(200)))
    rig.time.advance(1.0, late_s=0.0004)
    assert rig.b.data == bytes(range(200))
    _, end, handed = rig.b.chunks[-1]
    assert end == pytest.approx(began + 200 * CHAR)
    assert handed == pytest.approx(end + 0.0004), "as late as one ring, not as two hundred"


def test_bursts_of_one_side_queue() -> None:
    rig = Rig()
    rig.say(b"first")
    rig.say(b"second")
    rig.time.advance(0.001)
    rig.say(b"third")
    rig.time.advance(1.0)
    assert rig.b.data == b"firstsecondthird"
    assert rig.b.chunks[-1][1] == pytest.approx(100.0 + 16 * CHAR)
    assert rig.line.collisions == 0


def test_slaves_answer_after_the_legal_silence() -> None:
    rig = Rig(1)
    rig.ask(1)
    rig.time.advance(1.0)
    assert rtu.intact(rig.a.data)
    start, end, _ = rig.a.chunks[-1]
    assert start == pytest.approx(100.0 + 8 * CHAR + GAP)
    assert end == pytest.approx(start + 13 * CHAR)
    assert rig.line.shortest_silence_s("b") == pytest.approx(GAP)


def test_the_shortest_silence_of_the_master_is_told() -> None:
    rig = Rig(1)
    for pause in (0.02, 0.0045, 0.03):
        rig.ask(1)
        rig.time.advance(8 * CHAR + GAP + 13 * CHAR + pause)
    rig.ask(1)
    assert rig.line.shortest_silence_s() == pytest.approx(0.0045)
    rig.line.forget()
    assert rig.line.shortest_silence_s() is None


def test_a_pause_inside_a_frame_is_no_silence() -> None:
    rig = Rig(1)
    request = rtu.frame(1, bytes([3, 0, 0, 0, 4]))
    rig.say(request[:3])
    rig.time.advance(3 * CHAR + CHAR)
    rig.say(request[3:])
    rig.time.advance(1.0)
    assert rtu.intact(rig.a.data), "a short pause does not break a frame"
    assert rig.line.shortest_silence_s() is None


def test_a_hurried_request_is_dropped_and_the_slave_recovers() -> None:
    rig = Rig(1)
    rig.ask(1)
    rig.time.advance(8 * CHAR + GAP + 13 * CHAR + 0.5 * GAP)
    answered = len(rig.a.data)
    rig.ask(1)
    rig.time.advance(0.5)
    assert len(rig.a.data) == answered
    assert rig.station.hurried == 1
    rig.ask(1)
    rig.time.advance(0.5)
    assert len(rig.a.data) == 2 * answered


def test_a_lenient_slave_takes_hurried_requests() -> None:
    rig = Rig(1, strict=False)
    rig.ask(1)
    rig.time.advance(8 * CHAR + GAP + 13 * CHAR + 0.5 * GAP)
    rig.ask(1)
    rig.time.advance(0.5)
    assert len(rig.a.data) == 26


def test_half_a_frame_and_noise_are_forgotten_after_silence() -> None:
    rig = Rig(1)
    for junk in (b"\x01\x03\x00", b"\xff" * 40, rtu.frame(1, b"\x03\x00\x00\x00\x04", wrong_check=True)):
        rig.say(junk)
        rig.time.advance(1.0)
    assert not rig.a.data
    rig.ask(1)
    rig.time.advance(1.0)
    assert rtu.intact(rig.a.data)
    assert rig.station.bad_frames == 3


def test_a_slow_unit_gives_up_when_the_line_moves_on() -> None:
    rig = Rig(2)
    rig.devices[0].faults.set("slow", 300)
    rig.ask(1)
    rig.time.advance(0.2)
    rig.ask(2)
    rig.time.advance(1.0)
    assert (rig.a.data[0], len(rig.a.data)) == (2, 13)
    assert [answer.state for answer in rig.served.log("m1")] == ["lost"]
    rig.ask(1)
    rig.time.advance(1.0)
    assert (rig.a.data[13], len(rig.a.data)) == (1, 26)


def test_a_late_unit_answers_after_the_next_one() -> None:
    rig = Rig(2)
    rig.devices[0].faults.set("late", 400)
    rig.ask(1)
    rig.time.advance(0.2)
    rig.ask(2)
    rig.time.advance(1.0)
    assert [rig.a.data[0], rig.a.data[13], len(rig.a.data)] == [2, 1, 26]
    assert rtu.intact(rig.a.data[13:]), "a whole answer to a request long given up"


def test_two_at_once_destroy_each_other() -> None:
    rig = Rig(1)
    rig.devices[0].faults.set("late", 100)
    rig.devices[0].faults.heal()
    rig.ask(1)
    rig.time.advance(8 * CHAR + GAP + 2.5 * CHAR)
    rig.ask(1)
    rig.time.advance(1.0)
    assert rig.line.collisions == 1
    assert len(rig.a.data) == 13
    assert not rtu.intact(rig.a.data)
    assert [answer.state for answer in rig.served.log("m1")] == ["line"]


def test_echo_noise_drop_and_pauses() -> None:
    rig = Rig()
    rig.line.faults.echo = True
    rig.say(b"hello")
    rig.time.advance(0.1)
    assert (rig.a.data, rig.b.data) == (b"hello", b"hello")
    rig.line.faults.echo = False
    rig.line.faults.noise = 1.0
    rig.say(bytes(50))
    rig.time.advance(0.1)
    assert all(byte.bit_count() == 1 for byte in rig.b.data[5:])
    rig.line.faults.noise = 0.0
    rig.line.faults.drop = 0.5
    rig.b.data.clear()
    rig.say(bytes(range(200)))
    rig.time.advance(1.0)
    assert 60 < len(rig.b.data) < 140
    assert sorted(rig.b.data) == list(rig.b.data)
    rig.line.faults.drop = 0.0
    rig.line.faults.late_s, rig.line.faults.late_share = 0.05, 1.0
    began = rig.time.now
    rig.say(b"abc")
    rig.time.advance(1.0)
    assert rig.b.data[-3:] == b"abc"
    assert rig.b.chunks[-1][1] == pytest.approx(began + 3 * CHAR + 2 * 0.05)


def test_damage_by_the_line_takes_the_answer_out_of_the_list() -> None:
    rig = Rig(1)
    rig.line.faults.noise = 0.5
    rig.station.bus.request(1, bytes([3, 0, 0, 0, 4]))
    for _ in range(3):
        rig.line.faults.noise = 0.0
        rig.ask(1)
        rig.time.advance(8 * CHAR + GAP)
        rig.line.faults.noise = 0.5
        rig.time.advance(1.0)
    assert [answer.state for answer in rig.served.log("m1")] == ["clean", "line", "line", "line"]


def test_above_19200_baud_the_silence_is_fixed() -> None:
    assert rtu.silence_s(11 / 9600) == pytest.approx(0.0040104, rel=1e-4)
    assert rtu.silence_s(11 / 19200) == pytest.approx(0.0020052, rel=1e-4)
    assert rtu.silence_s(11 / 115200) == 0.00175


@pytest.mark.parametrize(
    ("head", "length"),
    [
        ("0103", 8),
        ("01", None),
        ("010F 0000 000A", None),
        ("010F 0000 000A 02", 11),
        ("0110 0000 0002 04", 13),
        ("0163", -1),
    ],
)
def test_request_lengths(head: str, length: int | None) -> None:
    assert rtu.request_length(bytes.fromhex(head)) == length
