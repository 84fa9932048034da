"""The books that a platform keeps: they judge everything else, so they are judged first."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.consumer import Ledger, Ranges


def batch(first: int, last: int, seqs: list[int], gaps: list[dict[str, Any]] | None = None, epoch: str = "e") -> bytes:
    records = [{"seq": seq} for seq in seqs]
    members = {"v": 1, "epoch": epoch, "lane": "reading", "from": first, "to": last, "gaps": gaps or []}
    return msgspec.json.encode({**members, "records": records})


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8))))
def test_ranges_are_the_set_of_what_was_added(pieces: list[tuple[int, int]]) -> None:
    ranges, model = Ranges(), set[int]()
    for first, length in pieces:
        ranges.add(first, first + length)
        model.update(range(first, first + length + 1))
    assert {number for first, last in ranges for number in range(first, last + 1)} == model
    assert [number in ranges for number in range(80)] == [number in model for number in range(80)]
    listed = list(ranges)
    assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(listed))
    absent = {number for first, last in ranges.holes() for number in range(first, last + 1)}
    assert absent == (set(range(min(model), max(model))) - model if model else set())


def test_a_hole_between_batches_is_missing_and_a_filtered_number_is_not() -> None:
    ledger = Ledger()
    ledger.take(batch(1, 5, [1, 3]))
    ledger.take(batch(8, 9, [8, 9]))
    assert ledger.missing() == {("e", "reading"): [(6, 7)]}
    ledger.take(batch(6, 7, []))
    assert ledger.missing() == {}


def test_a_told_gap_accounts_for_its_numbers() -> None:
    ledger = Ledger()
    ledger.take(batch(1, 2, [1, 2]))
    ledger.take(batch(6, 6, [6], [{"lane": "reading", "from": 3, "to": 5, "count": 3, "reason": "quota"}]))
    assert ledger.missing() == {}
    assert len(ledger.gaps) == 1


def test_repeats_are_dropped_and_counted_in_their_epoch_only() -> None:
    ledger = Ledger()
    assert [seen.seq for seen in ledger.take(batch(1, 3, [1, 2, 3]))] == [1, 2, 3]
    assert [seen.seq for seen in ledger.take(batch(2, 4, [2, 3, 4]))] == [4]
    assert len(ledger.take(batch(1, 2, [1, 2], epoch="f"))) == 2
    assert (ledger.repeats, ledger.records, ledger.disorder) == (2, 6, 0)


def test_what_breaks_the_contract_raises() -> None:
    with pytest.raises(ValueError, match="out of place"):
        Ledger().take(batch(1, 3, [1, 3, 2]))
    with pytest.raises(ValueError, match="out of place"):
        Ledger().take(batch(1, 3, [4]))
