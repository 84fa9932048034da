"""When the splitter gives a frame: at once, behind damage, or after silence, and never later."""

from __future__ import annotations

import pytest

from courtyard.drivers.fire import espa, gb26875, jb3208, jbf, ld128
from courtyard.drivers.fire.framing import Damage, Frame, Splitter
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.repeats import Repeats
from tests.fire_vectors import ESPA_FIRE, FIRES, GB_CONFIRM, GB_FIRE, GST_FIRE, JB_FIRES, JBF_FIRE, PRINTER_FIRE

FALSE_STARTS = {
    "gb26875": GB_FIRE[:24] + b"\x00\x04\x02",  # claims 1024 bytes that never come
    "jbf": JBF_FIRE[:9],
    "gst24": GST_FIRE[:10],
    "gst232": b"\x0d\xdd\x00\x10",
    "gst-printer": PRINTER_FIRE[:20],
    "jb3208": b"\xfe\x01\x6e\x42\x00",
    "fs5101": b"\xf0\x01\x28\xa5",
    "espa": b"\x011\x021\x1f101",
}


def frames(found: list[Frame | Damage]) -> list[bytes]:
    return [item.data for item in found if isinstance(item, Frame)]


@pytest.mark.parametrize("protocol", sorted(FALSE_STARTS))
def test_a_good_frame_behind_a_truncated_one_is_given_within_150_ms_of_silence(protocol: str) -> None:
    good = FIRES[protocol]
    splitter = Splitter(PANELS[protocol].shape)
    at_once = frames(splitter.feed(FALSE_STARTS[protocol] + good, 1000))
    before = frames(splitter.idle(1149))
    after = frames(splitter.idle(1150))
    assert at_once + before + after == [good]
    assert splitter.pending == 0


def test_an_unfinished_frame_waits_for_its_rest_through_a_pause_of_the_network() -> None:
    splitter = Splitter(gb26875.SHAPE)
    assert splitter.feed(GB_FIRE[:40], 0) == []
    assert splitter.idle(400) == []
    assert splitter.feed(GB_FIRE[40:], 1900) == [Frame(GB_FIRE, 1900)]


def test_an_unfinished_frame_is_given_up_in_the_end_and_told() -> None:
    splitter = Splitter(gb26875.SHAPE)
    assert splitter.feed(GB_FIRE[:40], 0) == []
    assert splitter.idle(1999) == []
    (damage,) = splitter.idle(2000)
    assert isinstance(damage, Damage)
    assert (damage.flaw.code, damage.data) == ("truncated", GB_FIRE[:40])
    assert splitter.idle(9000) == []


def test_silence_is_noticed_by_the_next_bytes_where_nobody_called_idle() -> None:
    splitter = Splitter(ld128.SHAPE)
    assert splitter.feed(b"\x01\x03", 0) == []
    found = splitter.feed(b"\x01\x03\x02", 500)
    assert [type(item) for item in found] == [Damage, Frame]
    assert frames(found) == [b"\x01\x03\x02"]


def test_a_packet_inside_the_text_of_a_packet_is_not_a_packet() -> None:
    head = GB_FIRE[2:24] + len(GB_CONFIRM).to_bytes(2, "little") + b"\x80" + GB_CONFIRM
    outer = b"@@" + head + bytes((sum(head) & 0xFF,)) + b"##"
    splitter = Splitter(gb26875.SHAPE)
    assert frames(splitter.feed(outer + GB_FIRE, 0)) == [outer, GB_FIRE]


def test_noise_and_damage_are_told_apart_and_in_order() -> None:
    bad = GB_CONFIRM[:27] + b"\x2b##"
    found = Splitter(gb26875.SHAPE).feed(b"\x00\xff" + bad + b"zz" + GB_FIRE, 5)
    told = [(item.flaw.code if isinstance(item, Damage) else "frame", item.data) for item in found]
    assert told == [("noise", b"\x00\xff"), ("checksum", bad), ("noise", b"zz"), ("frame", GB_FIRE)]


def test_one_damaged_frame_is_one_damage_though_starts_stand_inside() -> None:
    bad = bytearray(JB_FIRES)
    bad[10:12] = b"\xfe\xfe"
    splitter = Splitter(jb3208.SHAPE)
    found = splitter.feed(bytes(bad) + JB_FIRES, 0) + splitter.idle(150)
    assert [item.flaw.code for item in found if isinstance(item, Damage)] == ["checksum"]
    assert frames(found) == [JB_FIRES]


def test_the_splitter_never_holds_more_than_the_longest_frame() -> None:
    for panel in PANELS.values():
        splitter = Splitter(panel.shape)
        for start in (b"@@\0\0", b"\x82000", b"\xaa\x15", b"\x0d\xdd", b"\xfe\0\0\0\0", b"\xf0\0\xff", b"\x011\x02"):
            splitter.feed(start + b"\x01" * 5000, 0)
            assert splitter.pending <= panel.shape.longest


def test_a_truncated_frame_directly_before_a_good_one_does_not_hide_it() -> None:
    assert frames(Splitter(jbf.SHAPE).feed(JBF_FIRE[:9] + JBF_FIRE, 0)) == [JBF_FIRE]
    assert frames(Splitter(espa.SHAPE).feed(ESPA_FIRE[:9] + ESPA_FIRE, 0)) == [ESPA_FIRE]


def test_an_unknown_ld128_event_is_believed_only_when_three_bytes_came_alone() -> None:
    splitter = Splitter(ld128.SHAPE)
    assert splitter.feed(b"\x99\x01\x02", 0) == []
    assert frames(splitter.idle(150)) == [b"\x99\x01\x02"]
    assert frames(splitter.feed(b"\x99\x01\x03\x02", 1000)) == [b"\x01\x03\x02"]


def test_a_ticket_without_an_empty_line_ends_by_silence_or_with_the_next_ticket() -> None:
    open_ticket = PRINTER_FIRE[:-2]
    splitter = Splitter(PANELS["gst-printer"].shape)
    assert splitter.feed(open_ticket, 0) == []
    assert frames(splitter.idle(150)) == [open_ticket]
    assert frames(splitter.feed(open_ticket + b"\n" + PRINTER_FIRE, 200)) == [open_ticket + b"\n", PRINTER_FIRE]


def test_a_ticket_that_pauses_before_its_event_line_stays_whole() -> None:
    event_at = PRINTER_FIRE.index(b"\x1b9")
    splitter = Splitter(PANELS["gst-printer"].shape)
    assert splitter.feed(PRINTER_FIRE[:event_at], 0) == []
    assert splitter.idle(600) == []
    assert frames(splitter.feed(PRINTER_FIRE[event_at:], 700)) == [PRINTER_FIRE]


def test_what_a_panel_says_three_times_is_fresh_once() -> None:
    repeats = Repeats(PANELS["gst24"].repeats_ms)
    assert [repeats.fresh(GST_FIRE, at) for at in (0, 120, 240)] == [True, False, False]
    assert repeats.fresh(GST_FIRE, 2000)
    assert not repeats.fresh(GST_FIRE, 3999)


def test_repeats_forget_the_oldest_when_there_are_too_many() -> None:
    repeats = Repeats(1000)
    assert all(repeats.fresh(number.to_bytes(2, "big"), 0) for number in range(257))
    assert repeats.fresh(b"\x00\x00", 1)
    assert not repeats.fresh(b"\x01\x00", 1)
