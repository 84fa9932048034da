"""GB/T 26875.3: who owes which reply, how often a packet is sent, what its states mean."""

from __future__ import annotations

import datetime

import pytest

from courtyard.drivers.fire.framing import Damage, Splitter
from courtyard.drivers.fire.gb26875 import SHAPE, Link, centre, device, events, parse
from courtyard.drivers.fire.gb26875.events import ADDRESS_STYLES
from courtyard.drivers.fire.gb26875.exchange import Exchanges, Settled
from courtyard.drivers.fire.gb26875.objects import (
    ComponentState,
    DeviceQuery,
    DeviceState,
    SystemOperation,
    SystemState,
)
from courtyard.drivers.fire.gb26875.wire import TimeTag
from tests.fire_vectors import GB_CONFIRM, GB_FIRE, VECTORS

NOW = TimeTag.of(datetime.datetime(2026, 11, 22, 14, 30, 15))
UITD, CENTRE = 0x11223344, 1
TO_CENTRE, TO_DEVICE = Link(UITD, CENTRE), Link(CENTRE, UITD)
FRAMES = {vector.name: vector.frame for vector in VECTORS if vector.protocol == "gb26875"}


def report(*objects: object, kind: int = 2, serial: int = 1) -> bytes:
    return device.report(TO_CENTRE, kind, objects, serial, NOW)  # type: ignore[arg-type]


def component(status: int, **more: int) -> ComponentState:
    address = more.get("address", 0x0002_000A)
    return ComponentState(more.get("system", 1), 1, more.get("kind", 42), address, status, "走廊", NOW)


def said(frame: bytes) -> list[tuple[str, bool]]:
    return [(event.kind, event.active) for event in events(parse(frame))]


def test_the_confirmation_of_a_fire_is_the_published_one() -> None:
    assert centre.reply(parse(GB_FIRE), NOW) == GB_CONFIRM


def test_our_own_fire_report_is_the_published_one() -> None:
    fire = ComponentState(1, 1, 42, 0x0006_000C, 2, "3号楼2单元6层走廊", NOW)
    assert device.report(TO_CENTRE, 2, [fire], 259, NOW) == GB_FIRE


def test_heartbeat_state_request_clock_and_patrol_check_are_the_published_ones() -> None:
    at = TimeTag.of(datetime.datetime(2012, 9, 26, 9, 58, 2))
    stamp = at._replace(raw=b"\x20" + at.raw[1:])
    down = Link(0x15B38, 0x379)
    assert device.heartbeat(TO_CENTRE, 258, NOW) == FRAMES["gb heartbeat"]
    assert centre.ask(down, 81, [DeviceQuery()], 1, stamp) == FRAMES["gb state request"]
    assert centre.synchronise_clock(down, at, 1, stamp) == FRAMES["gb clock synchronisation"]
    assert centre.check_patrol(down, 10, 1, stamp) == FRAMES["gb patrol check"]


@pytest.mark.parametrize("name", ["gb confirmation", "gb denial", "gb device time answered"])
def test_what_ends_an_exchange_is_not_answered_by_either_side(name: str) -> None:
    assert centre.reply(parse(FRAMES[name]), NOW) is None
    assert device.reply(parse(FRAMES[name]), NOW) is None


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("gb clock synchronisation", 3),
        ("gb patrol check", 3),
        ("gb initialisation, decoded only", 6),
        ("gb state request", 6),
    ],
)
def test_a_device_confirms_clock_and_patrol_check_and_denies_initialisation(name: str, command: int) -> None:
    asked = parse(FRAMES[name])
    reply = device.reply(asked, NOW)
    assert reply is not None
    back = parse(reply)
    assert (back.command, back.serial) == (command, asked.serial)
    assert (back.source, back.destination) == (asked.destination, asked.source)


def test_the_settings_of_a_good_control_command_are_given_and_of_nothing_else() -> None:
    clock, patrol = parse(FRAMES["gb clock synchronisation"]), parse(FRAMES["gb patrol check"])
    assert device.setting(clock) == TimeTag.of(datetime.datetime(2012, 9, 26, 9, 58, 2))
    assert device.patrol_minutes(patrol) == 10
    assert device.setting(patrol) is None
    assert device.patrol_minutes(clock) is None
    assert device.patrol_minutes(parse(FRAMES["gb initialisation, decoded only"])) is None


def test_a_request_is_answered_with_the_type_that_it_asks_for() -> None:
    request = parse(FRAMES["gb state request"])
    answer = parse(device.answer(request, 21, [DeviceState(1, NOW)], NOW))
    assert (answer.command, answer.serial) == (5, request.serial)
    with pytest.raises(ValueError, match="does not answer"):
        device.answer(request, 1, [SystemState(1, 1, 1, NOW)], NOW)


def test_a_wrong_checksum_is_denied_with_the_serial_number_of_the_packet() -> None:
    bad = GB_FIRE[:-3] + bytes((GB_FIRE[-3] ^ 1,)) + GB_FIRE[-2:]
    (damage,) = Splitter(SHAPE).feed(bad, 0)
    assert isinstance(damage, Damage)
    reply = centre.deny(damage, NOW)
    assert reply is not None
    assert (parse(reply).command, parse(reply).serial, parse(reply).destination) == (6, 259, UITD)


def test_noise_and_cut_off_packets_are_not_denied() -> None:
    splitter = Splitter(SHAPE)
    for damage in splitter.feed(b"noise" + GB_FIRE[:60], 0) + splitter.idle(5000):
        assert isinstance(damage, Damage)
        assert centre.deny(damage, NOW) is None


def test_a_good_packet_with_a_damaged_data_unit_is_read_as_far_as_it_goes_and_denied() -> None:
    frame = bytearray(report(component(2), component(4)))
    frame[28] = 3  # claims one object more
    frame[-3] = sum(frame[2:-3]) & 0xFF
    message = parse(bytes(frame))
    assert message.flaw is not None
    assert [event.kind for event in events(message) if event.active] == ["fire", "fault"]
    reply = centre.reply(message, NOW)
    assert reply is not None
    assert parse(reply).command == 6


def test_clear_bits_end_their_conditions_and_set_bits_begin_them() -> None:
    assert [kind for kind, active in said(report(component(0b0110))) if active] == ["fire", "fault"]
    ended = {kind for kind, active in said(report(component(0b0110))) if not active}
    assert ended == {"isolate", "supervisory", "start", "feedback", "mains_fault"}
    assert not any(active for _, active in said(report(component(1))))


def test_the_test_bit_never_makes_less_of_a_fire() -> None:
    for status in (0b0010, 0b0011):
        assert ("fire", True) in said(report(component(status)))
        assert ("test", True) not in said(report(component(status)))
    assert ("test", True) in said(report(component(0)))


def test_one_of_two_faults_of_a_device_going_away_ends_nothing() -> None:
    assert ("fault", False) not in said(report(DeviceState(1 << 5, NOW), kind=21))
    assert ("fault", False) in said(report(DeviceState(1, NOW), kind=21))


def test_reserved_bits_and_unknown_types_are_told_with_their_number() -> None:
    (unknown,) = [event for event in events(parse(report(component(1 | 1 << 12)))) if event.active]
    assert unknown.kind == "unknown"
    assert "0x0C" in unknown.label.en
    assert "0x0C" in unknown.label.zh
    (fire, *_) = events(parse(report(component(2, kind=200, system=130))))
    assert fire.kind == "fire"
    assert fire.device is not None
    assert "0xC8" in fire.device.en


def test_a_user_defined_data_unit_is_told_raw() -> None:
    frame = bytearray(report(component(2)))
    frame[27] = 200
    frame[-3] = sum(frame[2:-3]) & 0xFF
    (event,) = events(parse(bytes(frame)))
    assert (event.kind, event.raw_hex) == ("unknown", bytes(frame).hex())
    assert "0xC8" in event.label.en


def test_a_pressed_manual_alarm_is_a_fire_and_a_reset_clears_nothing() -> None:
    pressed = report(SystemOperation(1, 1, 0b0000_0101, 7, NOW), kind=4)
    assert said(pressed) == [("reset", True), ("fire", True)]
    assert events(parse(pressed))[1].detector == "manual"


def test_systems_that_share_addresses_have_sources_of_their_own() -> None:
    sources = {events(parse(report(component(2, system=system))))[0].source for system in (1, 10, 12)}
    assert sources == {"1-2-10", "t10-1-2-10", "t12-1-2-10"}


@pytest.mark.parametrize(
    ("style", "source"),
    [("loop-point", "1-2-10"), ("point-loop", "1-10-2"), ("bytes", "1-0-2-0-10"), ("number", "1-131082")],
)
def test_a_site_chooses_how_component_addresses_are_read(style: str, source: str) -> None:
    assert events(parse(report(component(2))), ADDRESS_STYLES[style])[0].source == source


def test_a_component_query_without_component_type_is_read() -> None:
    control = GB_FIRE[2:24] + b"\x08\x00\x04\x3e\x01\x01\x01\x0a\x00\x02\x00"
    frame = b"@@" + control + bytes((sum(control) & 0xFF,)) + b"##"
    message = parse(frame)
    assert message.flaw is None
    assert message.unit is not None
    assert message.unit.objects[0].component_address == 0x2000A  # type: ignore[attr-defined]


def exchanges() -> Exchanges:
    opened = Exchanges()
    opened.begin("fire", lambda serial: report(component(2), serial=serial), 0)
    return opened


def confirm(frame: bytes) -> bytes:
    reply = centre.reply(parse(frame), NOW)
    assert reply is not None
    return reply


def test_an_unconfirmed_packet_is_sent_three_times_unchanged_10_s_apart_then_the_link_failed() -> None:
    opened = exchanges()
    (first,), failed = opened.due(0)
    assert failed == []
    assert opened.due(9_999) == ([], [])
    assert opened.due(10_000) == ([first], [])
    assert opened.due(20_000) == ([first], [])
    assert opened.next_due_ms() == 30_000
    assert opened.due(30_000) == ([], [Settled("fire", None)])
    assert opened.next_due_ms() is None


def test_a_confirmation_settles_and_the_next_exchange_has_the_next_serial_number() -> None:
    opened = exchanges()
    ((packet,), _) = opened.due(0)
    settled = opened.accept(parse(confirm(packet)), 50)
    assert settled is not None
    assert settled.key == "fire"
    assert opened.accept(parse(confirm(packet)), 60) is None
    opened.begin("next", lambda serial: report(component(4), serial=serial), 70)
    ((following,), _) = opened.due(70)
    assert (parse(packet).serial, parse(following).serial) == (0, 1)


def test_a_denial_brings_the_next_transmission_forward_and_counts() -> None:
    opened = exchanges()
    for _ in range(3):
        ((packet,), _) = opened.due(0)
        denial = Link(CENTRE, UITD).packet(6, None, parse(packet).serial, NOW)
        assert opened.accept(parse(denial), 0) is None
    assert opened.due(0) == ([], [Settled("fire", None, denied=True)])


def test_replies_of_strangers_and_of_the_wrong_kind_settle_nothing() -> None:
    opened = exchanges()
    ((packet,), _) = opened.due(0)
    serial = parse(packet).serial
    assert opened.accept(parse(Link(99, UITD).packet(3, None, serial, NOW)), 1) is None
    assert opened.accept(parse(TO_DEVICE.packet(3, None, serial + 1, NOW)), 1) is None
    assert opened.accept(parse(TO_DEVICE.packet(5, parse(packet).unit, serial, NOW)), 1) is None
    assert opened.accept(parse(TO_DEVICE.packet(3, None, serial, NOW)), 1) is not None


def test_serial_numbers_wrap_and_skip_those_still_open() -> None:
    opened = Exchanges(window=2, first_serial=65_535)
    drawn: list[int] = []

    def build(serial: int) -> bytes:
        drawn.append(serial)
        return device.heartbeat(TO_CENTRE, serial, NOW)

    opened.begin("a", build, 0)
    opened.begin("b", build, 0)
    with pytest.raises(RuntimeError):
        opened.begin("c", build, 0)
    (_, second), _ = opened.due(0)
    assert opened.accept(parse(confirm(second)), 0) is not None
    for key in ("c", "d", "e"):
        opened.begin(key, build, 0)
        (packet,), _ = opened.due(0)
        assert opened.accept(parse(confirm(packet)), 0) is not None
    assert drawn == [65_535, 0, 1, 2, 3]
    assert [settled.key for settled in opened.abandon()] == ["a"]
    assert opened.free == 2


def test_an_open_serial_number_is_never_drawn_again() -> None:
    opened = Exchanges(window=2, first_serial=5)
    drawn: list[int] = []

    def build(serial: int) -> bytes:
        drawn.append(serial)
        return device.heartbeat(TO_CENTRE, serial, NOW)

    opened.begin("held", build, 0)
    opened.due(0)
    for _ in range(65_536):
        opened.begin("x", build, 0)
        packets, _ = opened.due(0)
        assert opened.accept(parse(TO_DEVICE.packet(3, None, drawn[-1], NOW)), 0) is not None
        assert len(packets) == 1
    assert drawn.count(5) == 1
