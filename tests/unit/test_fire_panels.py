"""What the panels' own codes mean, where a table alone does not say it."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from courtyard.drivers.fire import fs5101, gst24, gst232, gst_printer, jb3208, jbf, ld128
from courtyard.drivers.fire.characters import from_gb18030, from_positions, to_gb18030
from courtyard.drivers.fire.checksums import crc16_modbus, crc16_xmodem
from courtyard.drivers.fire.events import SEVERITY, PanelEvent, PanelTime
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.tables import Code
from tests.fire_vectors import FIRES, FS_FIRE, GST_FIRE, JB_FIRES, JBF_FIRE, PRINTER_FIRE


def one(protocol: str, frame: bytes) -> PanelEvent:
    (event,) = PANELS[protocol].read(frame)
    return event


def jbf_frame(*values: int) -> bytes:
    data = bytes((*values, 26, 11, 22, 14, 30, 15))
    data += bytes((sum(data) & 0xFF,))
    return b"\x82" + bytes(0x30 + nibble for value in data for nibble in (value >> 4, value & 15)) + b"\x83"


@pytest.mark.parametrize(
    ("values", "kind", "begins"),
    [
        ((0x80, 1, 2, 3, 0x15), "fire", True),
        ((0x0A, 1, 2, 3, 0x15), "fire", True),
        ((0x8B, 1, 2, 3, 0x15), "fire_prealarm", True),
        ((0x81, 1, 2, 3, 0x15), "fault", True),
        ((0x82, 1, 2, 3, 0x15), "fault", False),
        ((0x98, 1, 2, 3, 0x15), "isolate", True),
        ((0x97, 1, 2, 3, 0x15), "isolate", False),
        ((0x90, 1, 2, 3, 0x0D), "start", True),
        ((0x91, 1, 2, 3, 0x0D), "start", False),
        ((0x86, 1, 2, 3, 0x0D), "feedback", False),
        ((0x88, 1, 2, 0, 0), "bus_fault", False),
        ((0x71, 1, 0x80, 0, 0), "mains_fault", True),
        ((0x71, 1, 0x90, 0, 0), "mains_fault", False),
        ((0x72, 1, 0x90, 0, 0), "battery_fault", False),
        ((0x01, 1, 0, 0, 0), "reset", True),
        ((0x0B, 1, 0, 0, 0), "silence", True),
        ((0xFA, 1, 0x0B, 5, 0), "start", True),
        ((0xE1, 1, 2, 3, 4), "unknown", True),
    ],
)
def test_a_jbf_command_begins_or_ends_its_condition(values: tuple[int, ...], kind: str, begins: bool) -> None:
    event = one("jbf", jbf_frame(*values))
    assert (event.condition, event.begins) == (kind, begins)
    assert event.time == PanelTime("1A 0B 16 0E 1E 0F", datetime.datetime(2026, 11, 22, 14, 30, 15))


def test_a_quiet_jbf_panel_says_nothing() -> None:
    for command in (0x00, 0x09, 0x69):
        assert PANELS["jbf"].read(jbf_frame(command, 1, 0, 0, 0)) == []


def test_a_multi_line_panel_is_named_by_disc_and_line() -> None:
    assert one("jbf", jbf_frame(0x51, 1, 0xF2, 10, 0)).details["panel"] == 2
    assert one("jbf", jbf_frame(0x51, 1, 0xF2, 10, 0)).details["line"] == 2


def test_a_site_may_bring_its_own_jbf_component_types() -> None:
    own = {3: Code(en="heat detector", zh="感温探测器", detector="heat")}
    (event,) = jbf.events(jbf.parse(JBF_FIRE), own)
    assert event.detector == "heat"
    (unknown,) = jbf.events(jbf.parse(JBF_FIRE))
    assert unknown.device is not None
    assert "0x03" in unknown.device.zh


def test_an_extended_jbf_frame_is_refused_as_unsupported_and_kept_raw() -> None:
    frame = b"\x82" + jbf_frame(0xFC, 1, 2, 3, 0xFF)[1:-1] + b"0" * 10 + b"\x83"
    dissection = jbf.dissect(frame)
    assert dissection.error is not None
    assert "CRC-8" in dissection.error.en


@pytest.mark.parametrize("command", [0x07, 0x08, 0x12, 0x13])
def test_an_ld128_power_event_carries_its_state_in_the_address(command: int) -> None:
    good, bad, odd = (one("ld128", bytes((command, 0x40, state))) for state in (0, 1, 0x81))
    assert (good.kind, good.active, bad.active) == (bad.kind, False, True)
    assert bad.kind in ("mains_fault", "battery_fault")
    assert odd.kind == "unknown"
    assert "0x81" in odd.label.en


def test_everything_from_an_ld128_is_unverified() -> None:
    assert all(not one("ld128", bytes((command, 1, 2))).verified for command in (1, 2, 0x50))
    assert ld128.parse(b"\x7f").loop is None
    assert PANELS["ld128"].read(b"\x20") == []


def jb_frame(information: int, body: bytes) -> bytes:
    inner = bytes((1, information)) + len(body).to_bytes(2, "little") + body
    return b"\xfe" + inner + crc16_modbus(inner).to_bytes(2, "little") + b"\xff"


def jb_record(text: bytes = b"\xff" * 20, stamp: bytes = b"\x26\x11\x22\x14\x30") -> bytes:
    return b"\x01\x02\x03\x04\x01\x00\x01" + stamp + text


def test_a_jb3208_record_says_where_what_and_when() -> None:
    event = one("jb3208", jb_frame(115, b"\x01\x00" + jb_record()))
    assert (event.kind, event.source, event.detector) == ("isolate", "1-2-3", "smoke")
    assert event.details["zone"] == 0x104
    assert event.time is not None
    assert event.time.local == datetime.datetime(2026, 11, 22, 14, 30)


def test_jb3208_text_is_read_as_positions_in_binary_or_bcd() -> None:
    pairs = [(byte >> 8) - 0xA0 << 8 | (byte & 0xFF) - 0xA0 for byte in _words("一层走廊".encode("gb2312"))]
    binary = b"".join(pair.to_bytes(2, "big") for pair in pairs)
    bcd = bytes(byte // 10 << 4 | byte % 10 for byte in binary)
    assert from_positions(binary.ljust(20, b"\xff")) == "一层走廊"
    assert from_positions(bcd.ljust(20, b"\xff")) == "一层走廊"
    assert from_positions(b"\xff" * 20) == from_positions(b"\x00" * 20) == ""
    assert from_positions(b"\x7f\x01") == "\ufffd"


def _words(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def test_a_jb3208_list_that_is_shorter_than_its_count_keeps_what_is_there_and_says_so() -> None:
    frame = jb_frame(110, b"\x02\x00" + jb_record())
    message = jb3208.parse(frame)
    assert len(jb3208.events(message)) == 1
    assert message.flaw is not None
    assert not jb3208.dissect(frame).valid


def test_a_jb3208_fire_without_a_readable_record_is_still_a_fire() -> None:
    assert one("jb3208", jb_frame(110, b"\x01\x00\x07")).kind == "fire"


def test_only_a_jb3208_poll_is_echoed() -> None:
    poll = jb_frame(100, b"\x64")
    assert jb3208.answer(jb3208.parse(poll)) == poll
    assert jb3208.answer(jb3208.parse(JB_FIRES)) is None
    assert jb3208.answer(jb3208.parse(jb_frame(0, b"\x00"))) is None


def fs_frame(function: int, information: int, state: int, text: bytes = b"") -> bytes:
    data = bytes((0xA5, function, information, state, 1, 0x81, 26, 11, 22, 14, 30, 15, 2, 9, 3, 0, 6, 1, 1, 4)) + text
    inner = bytes((0, len(data))) + data
    return b"\xf0" + inner + crc16_xmodem(inner).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("function", "information", "state", "kind", "begins"),
    [
        (0xC3, 1, 0x05, "fire", True),
        (0xC3, 0x77, 0x99, "fire", True),
        (0xC3, 1, 0x0A, "fire", False),
        (0xC3, 1, 0x41, "fire_prealarm", True),
        (0xC2, 1, 0x05, "fire", True),
        (0xC2, 4, 0x09, "mains_fault", True),
        (0xC2, 4, 0x0A, "mains_fault", False),
        (0xC2, 5, 0x99, "battery_fault", True),
        (0xC2, 3, 0x0B, "bus_fault", True),
        (0xC2, 1, 0x13, "fault", True),
        (0xC2, 6, 0x15, "fault", False),
        (0xC1, 2, 0x07, "start", True),
        (0xC1, 2, 0x99, "start", True),
        (0xC1, 8, 0x1B, "start", False),
        (0xC5, 1, 0x28, "isolate", True),
        (0xC5, 1, 0x29, "isolate", False),
        (0xC6, 9, 0x22, "reset", True),
        (0xC6, 9, 0x99, "unknown", True),
        (0x77, 9, 0x99, "unknown", True),
    ],
)
def test_an_fs5101_event_means_what_function_state_and_type_say_together(
    function: int, information: int, state: int, kind: str, begins: bool
) -> None:
    event = one("fs5101", fs_frame(function, information, state))
    assert (event.condition, event.begins) == (kind, begins)
    assert event.source == "129-2-9"
    assert event.details["number"] == 0x101


def test_fs5101_text_time_and_place_are_kept() -> None:
    event = one("fs5101", fs_frame(0xC3, 1, 5, "六层走廊".encode("gb18030").ljust(20, b"\xff")))
    assert event.text == "六层走廊"
    assert event.time is not None
    assert event.time.local == datetime.datetime(2026, 11, 22, 14, 30, 15)
    assert (event.details["building"], event.details["floor"]) == (3, 6)


def test_an_fs5101_event_that_is_cut_off_is_told_raw() -> None:
    inner = b"\x00\x02\xa5\xc3"
    frame = b"\xf0" + inner + crc16_xmodem(inner).to_bytes(2, "big")
    assert one("fs5101", frame).kind == "unknown"
    assert fs5101.parse(frame).flaw is not None


def test_the_answer_of_fs5101_peripheral_1_is_the_published_one() -> None:
    assert fs5101.answer(1) == bytes.fromhex("F0 01 03 A2 00 00 E2 71")


def test_an_unknown_gst24_command_and_type_are_told_with_their_numbers() -> None:
    frame = bytearray(GST_FIRE)
    frame[1], frame[5] = 0x77, 0x99
    frame[23] = sum(frame[:23]) & 0xFF
    event = one("gst24", bytes(frame))
    assert event.kind == "unknown"
    assert "0x77" in event.label.en
    assert event.device is not None
    assert "0x99" in event.device.zh
    assert gst24.parse(bytes(frame)).user_code == "365089"


def test_gst232_follows_its_notes_where_the_capture_does_not_fit() -> None:
    noted = bytes.fromhex("0D DD 00 10 04 01 03 18 BB")
    assert one("gst232", noted).kind == "fire"
    start = bytes.fromhex("0D DD 00 10 04 0B 02 21 BB")
    assert (one("gst232", start).kind, one("gst232", start).detector) == ("start", "manual")
    assert gst232.parse(noted).event == 1


def ticket(*lines: str) -> bytes:
    return "\n".join(lines).encode("gb18030") + b"\n\n"


@pytest.mark.parametrize(
    ("event", "kind", "begins"),
    [
        ("首次火警", "fire", True),
        ("火警后续", "fire", True),
        ("火警撤销", "fire", False),
        ("故障", "fault", True),
        ("故障恢复", "fault", False),
        ("主电故障", "mains_fault", True),
        ("备电恢复", "battery_fault", False),
        ("启动", "start", True),
        ("反馈", "feedback", True),
        ("反馈撤销", "feedback", False),
        ("系统复位", "reset", True),
        ("取消屏蔽", "isolate", False),
    ],
)
def test_the_longest_event_word_of_a_ticket_wins(event: str, kind: str, begins: bool) -> None:
    said = one("gst-printer", ticket("11/22/26  14:30", "  001-017", event, "三号楼六层", "感温探测器"))
    assert (said.condition, said.begins, said.source, said.detector) == (kind, begins, "001-017", "heat")


def test_a_ticket_with_garbage_in_it_is_still_a_fire_but_unverified() -> None:
    garbled = b"\x1b6\xff\x80\x00garbage 99\n\x81\n\x1b9" + "首次火警".encode("gb18030") + b"\n\xfe\xff\n\n"
    event = one("gst-printer", garbled)
    assert (event.kind, event.verified) == ("fire", False)


def test_a_ticket_says_its_time_and_its_place() -> None:
    parsed = gst_printer.parse(PRINTER_FIRE)
    assert (parsed.place, parsed.device_text, parsed.address) == ("裙楼一层上空", "感烟探测器", "004-004")


def test_an_event_becomes_a_signal_with_the_panels_own_time() -> None:
    (event,) = PANELS["jbf"].read(jbf_frame(0x97, 1, 2, 3, 0x15))
    signal = event.signal("panel-1", at_ms=5, mono_ms=6, zone=ZoneInfo("Asia/Shanghai"), prefix="p1/")
    assert (signal.device, signal.kind, signal.active, signal.source) == ("panel-1", "isolate", False, "p1/1-2-3")
    assert (signal.at_ms, signal.mono_ms, signal.severity) == (5, 6, 3)
    assert signal.device_at_ms == 1795329015000
    assert signal.details["panel_kind"] == "release"
    assert signal.details["panel_time"] == "2026-11-22T14:30:15"
    assert signal.raw_hex == event.raw_hex


def test_a_fire_is_severity_1_and_only_a_fire_of_all_kinds() -> None:
    assert [kind for kind, severity in SEVERITY.items() if severity == 1] == ["fire"]
    for protocol, frame in FIRES.items():
        assert PANELS[protocol].read(frame)[0].signal("p", at_ms=0, mono_ms=0).severity == 1


def test_a_panel_clock_that_is_no_date_is_kept_as_sent() -> None:
    event = one("fs5101", _with_month_99())
    assert event.time == PanelTime("11 63 12 0E 0A 03", None)
    assert event.signal("p", at_ms=0, mono_ms=0, zone=datetime.UTC).device_at_ms is None


def _with_month_99() -> bytes:
    inner = bytearray(FS_FIRE[1:-2])
    inner[9] = 99
    return b"\xf0" + bytes(inner) + crc16_xmodem(inner).to_bytes(2, "big")


def test_text_is_cut_at_a_whole_character() -> None:
    assert to_gb18030("走廊走廊", 5) == "走廊".encode("gb18030") + b"\0"
    assert from_gb18030(to_gb18030("3号楼\n", 31)) == "3号楼"
    assert from_gb18030(b"\xff\xff\x00abc") == "��"
