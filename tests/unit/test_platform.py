"""The books that judge everything else: they see every loss, drop every repeat, and refuse what breaks the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.ledger import Ledger, Ranges
from hw_sim.platform import Platform


def batch(first: int, last: int, *seqs: int, lane: str = "reading", epoch: str = "e1", gaps: Any = ()) -> bytes:
    records = [{"seq": seq, "device": "d", "values": {"x": seq}} for seq in seqs]
    head = {"v": 1, "gateway": "g", "epoch": epoch, "boot": "b", "lane": lane, "from": first, "to": last}
    return json.dumps({**head, "gaps": list(gaps), "records": records}).encode()


TOPIC = "courtyard/v1/g/reading"


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 6)), max_size=30))
def test_ranges_agree_with_a_plain_set(spans: list[tuple[int, int]]) -> None:
    ranges, plain = Ranges(), set[int]()
    for first, extra in spans:
        ranges.add(first, first + extra)
        plain |= set(range(first, first + extra + 1))
    assert {number for first, last in ranges for number in range(first, last + 1)} == plain
    assert all(a[1] + 1 < b[0] for a, b in zip(list(ranges), list(ranges)[1:], strict=False))
    assert all((number in ranges) == (number in plain) for number in range(70))
    whole = set(range(min(plain), max(plain) + 1)) if plain else set()
    assert {n for first, last in ranges.holes() for n in range(first, last + 1)} == whole - plain


def test_a_hole_is_missing_until_it_comes_or_is_declared() -> None:
    platform = Platform()
    platform.message(TOPIC, batch(1, 3, 1, 2, 3))
    platform.message(TOPIC, batch(7, 8, 7, 8))
    assert platform.missing() == {("e1", "reading"): [(4, 6)]}
    gap = {"epoch": "e1", "lane": "reading", "from": 4, "to": 5, "count": 2, "reason": "quota"}
    platform.message(TOPIC, batch(6, 6, 6, gaps=[gap]))
    assert platform.missing() == {}
    assert platform.counts["reading"] == 6


def test_filtered_records_are_not_missing_and_empty_batches_advance() -> None:
    platform = Platform()
    platform.message(TOPIC, batch(1, 5, 2))
    platform.message(TOPIC, batch(6, 9))
    platform.message(TOPIC, batch(10, 10, 10))
    assert platform.missing() == {}
    assert platform.counts["reading"] == 2


def test_repeats_are_dropped_and_conflicts_are_seen() -> None:
    platform = Platform()
    platform.message(TOPIC, batch(1, 2, 1, 2))
    platform.message(TOPIC, batch(1, 2, 1, 2))
    assert (platform.counts["reading"], platform.repeats, platform.conflicts) == (2, 2, [])
    changed = json.loads(batch(2, 2, 2))
    changed["records"][0]["values"]["x"] = 99
    platform.message(TOPIC, json.dumps(changed).encode())
    assert platform.conflicts == [("e1", "reading", 2)]


def test_epochs_are_separate() -> None:
    platform = Platform()
    platform.message(TOPIC, batch(1, 2, 1, 2))
    platform.message(TOPIC, batch(1, 1, 1, epoch="e2"))
    assert platform.counts["reading"] == 3


@pytest.mark.parametrize(
    "payload", [batch(1, 2, 2, 1), batch(1, 2, 3), batch(1, 2, 1, 1), batch(1, 1, 1, lane="event")]
)
def test_what_the_contract_does_not_allow_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"sequence numbers|on the topic of"):
        Platform().message(TOPIC, payload)


def test_behind_compares_with_the_status() -> None:
    platform = Platform()
    platform.message(TOPIC, batch(1, 2, 1, 2))
    status = {"lanes": {"reading": {"epoch": "e1", "head": 5}, "alarm": {"epoch": "e1", "head": 0}}}
    platform.message("courtyard/v1/g/status", json.dumps(status).encode())
    assert platform.behind() == {("e1", "reading"): 3}


def test_repeats_are_counted_in_their_epoch_and_disorder_in_its_lane() -> None:
    ledger = Ledger()
    assert [seen.seq for seen in ledger.take(batch(3, 4, 3, 4))] == [3, 4]
    assert [seen.seq for seen in ledger.take(batch(1, 3, 1, 2, 3))] == [1, 2]
    assert len(ledger.take(batch(1, 2, 1, 2, epoch="e2"))) == 2
    assert (ledger.repeats, ledger.records, ledger.disorder, ledger.batches) == (1, 6, 2, 3)


def test_a_record_that_was_filtered_out_before_is_new_when_it_comes() -> None:
    ledger = Ledger()
    ledger.take(batch(1, 5, 2))
    assert [seen.seq for seen in ledger.take(batch(1, 5, 1, 2))] == [1]


def test_a_told_gap_is_kept_as_it_was_told() -> None:
    ledger = Ledger()
    gap = {"lane": "alarm", "from": 3, "to": 5, "count": 3, "reason": "quota", "epoch": None}
    elsewhere = {**gap, "epoch": "e0"}
    ledger.take(batch(6, 6, 6, gaps=[gap, elsewhere]))
    assert ledger.gaps == [("e1", gap), ("e0", elsewhere)]
    assert list(ledger.covered["e1", "alarm"]) == list(ledger.covered["e0", "alarm"]) == [(3, 5)]
