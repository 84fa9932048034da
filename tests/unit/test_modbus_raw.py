"""Frames for people: what was on the wire, at a time that stays the same."""

from __future__ import annotations

from courtyard.drivers.modbus.link import Frame
from courtyard.drivers.modbus.raw import RawFrames

FRAMES = [Frame(10.0004, True, b"\x01\x03"), Frame(10.0302, False, b"\x01\x83")]


class Clocks:
    """Wall clock and loop; the wall clock shows whole milliseconds."""

    def __init__(self) -> None:
        self.loop_s, self.set_ms = 11.0, 1_000_000.0

    def wall_ms(self) -> int:
        return int(self.loop_s * 1000 + self.set_ms)

    def mono_ms(self) -> int:
        return int(self.loop_s * 1000)

    def loop(self) -> float:
        return self.loop_s


def test_a_frame_is_told_with_its_direction_bytes_and_wall_time() -> None:
    clocks = Clocks()
    told = RawFrames(clocks, clocks.loop).of(FRAMES)
    assert told == [(1_010_000, "sent", "01 03"), (1_010_030, "received", "01 83")]


def test_the_time_of_a_frame_is_the_same_whenever_it_is_asked_for() -> None:
    clocks = Clocks()
    raw = RawFrames(clocks, clocks.loop)
    first = raw.of(FRAMES)
    for step in range(1, 200):
        clocks.loop_s = 11.0 + step * 0.0137
        assert raw.of(FRAMES) == first


def test_a_clock_that_was_set_moves_the_times_with_it() -> None:
    clocks = Clocks()
    raw = RawFrames(clocks, clocks.loop)
    raw.of(FRAMES)
    clocks.set_ms += 3_600_000
    assert raw.of(FRAMES)[0].at_ms == 4_610_000
