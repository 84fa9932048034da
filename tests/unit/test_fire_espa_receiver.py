"""The called ESPA station: what it answers, and that it acknowledges only what was selected and good."""

from __future__ import annotations

import pytest

from courtyard.drivers.fire import espa
from courtyard.drivers.fire.espa_receiver import ACK, EOT, NAK, Call, Receiver, Reply
from courtyard.drivers.fire.framing import Damage
from courtyard.drivers.fire.protocols import PANELS
from tests.fire_vectors import ESPA_FIRE


def block(*records: tuple[str, str], header: str = "1") -> bytes:
    body = header.encode() + b"\x02" + b"\x1e".join(f"{key}\x1f{value}".encode("gb18030") for key, value in records)
    body += b"\x03"
    parity = 0
    for byte in body:
        parity ^= byte
    return b"\x01" + body + bytes((parity,))


def test_a_selected_station_acknowledges_a_good_block_after_its_events() -> None:
    receiver = Receiver()
    assert receiver.feed(b"1\x05", 0) == []
    assert receiver.feed(b"2\x05", 10) == [Reply(ACK)]
    (call,) = receiver.feed(ESPA_FIRE, 20)
    assert isinstance(call, Call)
    assert call.reply == ACK
    assert espa.events(call.message)[0].kind == "fire"
    assert receiver.feed(b"\x04", 30) == []


def test_a_polled_station_has_nothing_to_send() -> None:
    receiver = Receiver()
    assert receiver.feed(b"\x042\x05", 0) == [Reply(EOT)]
    assert Receiver(select_alone=True).feed(b"2\x05", 0) == [Reply(ACK)]


def test_a_bad_block_is_refused_and_its_repetition_accepted() -> None:
    receiver = Receiver()
    receiver.feed(b"1\x052\x05", 0)
    damage, reply = receiver.feed(ESPA_FIRE[:-1] + b"\x00", 10)
    assert isinstance(damage, Damage)
    assert reply == Reply(NAK)
    (call,) = receiver.feed(ESPA_FIRE, 20)
    assert isinstance(call, Call)
    assert call.reply == ACK


def test_what_is_said_to_other_stations_is_heard_but_not_answered() -> None:
    receiver = Receiver("5")
    steps = receiver.feed(b"1\x052\x05" + ESPA_FIRE + b"\x04", 0)
    assert [type(step) for step in steps] == [Call]
    assert isinstance(steps[0], Call)
    assert steps[0].reply is None
    assert receiver.feed(ESPA_FIRE[:-1] + b"\x00", 10)[1:] == []


def test_a_transaction_is_over_after_its_end_and_after_long_silence() -> None:
    receiver = Receiver()
    receiver.feed(b"1\x052\x05\x04", 0)
    assert receiver.feed(b"2\x05", 100) == [Reply(EOT)]
    receiver.feed(b"1\x052\x05", 200)
    assert receiver.feed(b"2\x05", 10_200) == [Reply(EOT)]


def test_a_selection_repeated_because_its_answer_was_lost_is_answered_again() -> None:
    receiver = Receiver()
    receiver.feed(b"1\x052\x05", 0)
    assert receiver.feed(b"2\x05", 900) == [Reply(ACK)]


def test_a_block_behind_a_torn_one_is_given_after_silence() -> None:
    receiver = Receiver()
    receiver.feed(b"1\x052\x05", 0)
    receiver.feed(b"A", 5)
    assert receiver.pending == 1
    assert receiver.idle(10) == []
    (call,) = [step for step in receiver.feed(ESPA_FIRE, 20) if isinstance(step, Call)]
    assert call.reply == ACK


@pytest.mark.parametrize(
    ("text", "priority", "call_type", "kind", "active"),
    [
        ("FIRE B3 U2 F6", "1", "3", "fire", True),
        ("Fire zone 4", "3", "3", "fire", True),
        ("ZONE 4 LOOP 1", "1", "3", "fire", True),
        ("FIRE DETECTOR FAULT", "3", "3", "fault", True),
        ("FIRE DETECTOR FAULT", "1", "3", "fire", True),
        ("LOOP FAULT", "1", "3", "fault", True),
        ("PREALARM ZONE 1", "2", "3", "fire_prealarm", True),
        ("火警 三号楼", "3", "3", "fire", True),
        ("DOOR CALL", "3", "3", "other", True),
        ("FIRE B3 U2 F6", "3", "1", "fire", False),
        ("", "3", "1", "fire", False),
        ("LOOP FAULT", "3", "1", "fault", False),
    ],
)
def test_words_and_priority_say_what_a_call_is(
    text: str, priority: str, call_type: str, kind: str, active: bool
) -> None:
    frame = block(("1", "101"), ("2", text), ("4", call_type), ("6", priority))
    (event,) = PANELS["espa"].read(frame)
    assert (event.kind, event.active, event.source, event.text) == (kind, active, "101", text)


def test_status_blocks_say_nothing_and_unknown_headers_are_told() -> None:
    assert PANELS["espa"].read(block(("7", "1"), header="2")) == []
    (event,) = PANELS["espa"].read(block(("1", "9"), header="7"))
    assert event.kind == "unknown"


def test_unknown_records_and_padded_identifiers_are_kept() -> None:
    message = espa.parse(block((" 1", "7"), ("9", "x")))
    assert message.records == (("1", "7"), ("9", "x"))
    assert espa.dissect(message.raw).data()["fields"]["record_9"] == "x"
