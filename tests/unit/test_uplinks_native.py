"""Blocks as messages, filters, and the numbering that the platform knows."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from courtyard.agent.records import LaneStatus, Status, encode, stamp
from courtyard.agent.uplinks.native import ENVELOPE_BYTES, GAP_BYTES, SPLICE_BYTES, Format, Topics
from courtyard.agent.uplinks.numbering import MAX_EPOCHS, Known
from courtyard.buffer.types import Block, Gap
from courtyard.config.uplink import Filter


def reading(device: str, **values: float) -> bytes:
    return msgspec.json.encode({"device": device, "values": values, "quality": {}})


def block(given: list[bytes], first: int = 1, lane: str = "reading", gaps: tuple[Gap, ...] = ()) -> Block:
    seqs = range(first, first + len(given))
    bodies = [stamp(seq, body) for seq, body in zip(seqs, given, strict=True)]
    return Block("0a1b2c3d", "boot", lane, first, first + len(bodies) - 1, seqs, bodies, gaps, 0)


def built(format: Format, source: Block, limit: int = 65536) -> list[dict[str, Any]]:
    messages = format.messages(source, format.choose(source), limit)
    assert all(len(message) <= limit for message in messages)
    return [msgspec.json.decode(message) for message in messages]


def gap(first: int, last: int, epoch: str = "0a1b2c3d") -> Gap:
    return Gap(epoch, "reading", first, last, last - first + 1, 0, 1000, "quota")


def test_topics_are_those_of_the_contract() -> None:
    topics = Topics("gw-0007")
    assert topics.lane("alarm") == "courtyard/v1/gw-0007/alarm"
    assert topics.inventory("wm-1") == "courtyard/v1/gw-0007/inventory/wm-1"
    assert topics.device(topics.inventory("wm-1")) == "wm-1"
    assert topics.device(topics.status) is None


def test_records_keep_every_byte_but_get_their_number() -> None:
    bodies = [reading("a", x=1.5), b'{"device":"b","values":{"y":1e5},"text":"\xe6\xb0\xb4"}']
    source = block(bodies, first=4710)
    (payload,) = Format("gw", Filter()).messages(source, None, 65536)
    assert b'{"seq":4710,' + bodies[0][1:] in payload
    assert b'{"seq":4711,' + bodies[1][1:] in payload
    batch = msgspec.json.decode(payload)
    assert (batch["from"], batch["to"], batch["lane"], batch["epoch"]) == (4710, 4711, "reading", "0a1b2c3d")


def test_without_a_filter_a_record_is_never_decoded() -> None:
    rubbish = block([b"{not json"])
    assert Format("gw", Filter()).choose(rubbish) is None
    with pytest.raises(msgspec.DecodeError):
        Format("gw", Filter(devices=("a",))).choose(rubbish)


def test_a_device_filter_drops_records_and_the_range_still_advances() -> None:
    source = block([reading("wm-1", x=1), reading("em-1", x=2), b'{"event":"clock.synced"}', reading("wm-2", x=3)])
    (batch,) = built(Format("gw", Filter(devices=("wm-*",))), source)
    assert [record["seq"] for record in batch["records"]] == [1, 3, 4]
    assert (batch["from"], batch["to"]) == (1, 4)


def test_a_point_filter_narrows_readings_and_drops_those_with_nothing_left() -> None:
    body = b'{"device":"a","values":{"water.flow":1.0,"battery":3.6},"quality":{"battery":"uncertain:stale"},"n":1}'
    source = block([body, reading("b", battery=3.0), reading("c", **{"water.flow": 2.0})])
    (batch,) = built(Format("gw", Filter(points=("water.*",))), source)
    first, second = batch["records"]
    assert first == {"seq": 1, "device": "a", "values": {"water.flow": 1.0}, "n": 1}
    assert second["seq"] == 3
    events = block([b'{"event":"x"}'], lane="event")
    assert Format("gw", Filter(points=("water.*",))).choose(events) is None


def test_a_block_asked_for_with_fitting_always_fits() -> None:
    for size, guess in itertools.product((2048, 8192, 65536), (48, 256, 4000)):
        most_bytes, most_records = Format.fitting(size, guess)
        for record in (20, 200, most_bytes):
            count = max(1, min(most_records, most_bytes // record))
            source = block([b"{" + b" " * (record - 2) + b"}"] * count, first=10**15)
            (payload,) = Format("g" * 64, Filter()).messages(source, None, size)
            assert len(payload) <= size


def test_the_sizes_reckoned_with_are_upper_bounds() -> None:
    longest = Format("g" * 64, Filter())
    empty = block([], first=10**15)._replace(epoch="f" * 8, boot="b" * 36)
    assert len(longest.messages(empty, None, 65536)[0]) < ENVELOPE_BYTES
    first = 10**15
    widest = Gap("f" * 8, "reading", first, first + 1, 10**15, 253402300799999, 253402300799999, "r" * 32)
    with_gap = longest.messages(empty._replace(gaps=(widest,)), None, 65536)[0]
    assert len(with_gap) - len(longest.messages(empty, None, 65536)[0]) < GAP_BYTES
    record = longest.messages(block([b"{}"], first=10**15), None, 65536)[0]
    assert len(record) - len(longest.messages(block([], first=10**15), None, 65536)[0]) < SPLICE_BYTES


def test_gaps_are_told_in_front_in_messages_of_their_own_when_they_do_not_fit() -> None:
    gaps = tuple(gap(number, number) for number in range(1, 128, 2))
    source = block([reading("a", x=1)] * 4, first=200, gaps=gaps)
    assert len(built(Format("gw", Filter()), source)) == 1
    batches = built(Format("gw", Filter()), source, limit=2048)
    assert len(batches) > 3
    assert [told["from"] for batch in batches for told in batch["gaps"]] == [one.first for one in gaps]
    assert [batch["to"] - batch["from"] for batch in batches[:-1]] == [-1] * (len(batches) - 1)
    assert [record["seq"] for record in batches[-1]["records"]] == [200, 201, 202, 203]


def test_a_gap_of_another_epoch_says_so() -> None:
    source = block([reading("a", x=1)], gaps=(gap(1, 2, epoch="ffffffff"), gap(3, 4)))
    (batch,) = built(Format("gw", Filter()), source)
    assert [told["epoch"] for told in batch["gaps"]] == ["ffffffff", None]


def test_a_journal_behind_what_the_platform_has_seen_is_noticed() -> None:
    told = Known()
    told.note("e1", {"alarm": 5, "reading": 1000})
    known = Known()
    known.learn(told.message("gw", 0))
    assert known.ahead("e1", {"alarm": 5, "reading": 999})
    assert known.ahead("e1", {})
    assert not known.ahead("e1", {"alarm": 5, "reading": 1000})
    assert not known.ahead("e2", {})


def test_a_status_counts_too_and_a_last_will_says_nothing() -> None:
    known = Known()
    known.learn(encode(Status(v=1, gateway="gw", online=False)))
    known.learn(encode(Status(v=1, gateway="gw", online=True, lanes={"alarm": LaneStatus("e1", 7)})))
    assert known.ahead("e1", {"alarm": 6})
    assert not known.ahead("e1", {"alarm": 7})


def test_numbers_of_an_epoch_survive_an_epoch_in_between() -> None:
    known = Known()
    assert known.note("e1", {"alarm": 9})
    assert known.note("e2", {"alarm": 1})
    assert not known.note("e2", {"alarm": 1})
    assert known.ahead("e1", {"alarm": 8})
    for number in range(MAX_EPOCHS):
        known.note(f"later{number}", {"alarm": 1})
    assert not known.ahead("e1", {"alarm": 8})


@pytest.mark.parametrize(
    "payload", [b"", b"hello", b"{}", b'{"epochs":[]}', b'{"epochs":{"e":{"alarm":"x"}}}', b"\xff"]
)
def test_a_retained_message_that_is_not_ours_is_an_error_of_one_kind(payload: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        Known().learn(payload)
