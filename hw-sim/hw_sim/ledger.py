"""The books that any consumer of native format v1 keeps, from its documents alone: nothing lost, nothing twice.

identity of a record   (epoch, lane, seq)
accounted for          a seq in a message's from..to, which carries it or filtered it out, or in a gap that was told
missing                a seq between the first and the last of (epoch, lane) that nothing accounts for
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Key = tuple[str, str]
"""Epoch and lane."""


class Ranges:
    """A set of integers as sorted, disjoint, non-adjacent inclusive ranges."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self._firsts, number) - 1
        return index >= 0 and number <= self._lasts[index]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def add(self, first: int, last: int) -> None:
        """Joins first..last (inclusive) to the set."""
        low = bisect_right(self._lasts, first - 2)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def holes(self) -> list[tuple[int, int]]:
        """The ranges between the first and the last member that are not in the set."""
        pairs = zip(self._lasts, self._firsts[1:], strict=False)
        return [(last + 1, first - 1) for last, first in pairs]

    @property
    def first(self) -> int | None:
        """The smallest member."""
        return self._firsts[0] if self._firsts else None

    @property
    def last(self) -> int | None:
        """The greatest member."""
        return self._lasts[-1] if self._lasts else None


class Seen(NamedTuple):
    """One record that was not seen before."""

    epoch: str
    lane: str
    seq: int
    record: dict[str, Any]


class Ledger:
    """Takes batches, gives back what is new in them, and knows what is missing.

    covered  per (epoch, lane), every number that is accounted for
    seqs     per (epoch, lane), every record received
    gaps     every gap told, as it was told, with its epoch
    repeats  records dropped because they had been seen
    disorder records that came after a greater number of their (epoch, lane)
    """

    def __init__(self) -> None:
        self.covered: defaultdict[Key, Ranges] = defaultdict(Ranges)
        self.seqs: defaultdict[Key, Ranges] = defaultdict(Ranges)
        self.gaps: list[tuple[str, dict[str, Any]]] = []
        self.records = self.repeats = self.disorder = self.batches = 0

    def take(self, payload: bytes) -> list[Seen]:
        """Books one message.  Raises ValueError or KeyError for what breaks the contract."""
        return self.book(json.loads(payload))

    def book(self, batch: Mapping[str, Any]) -> list[Seen]:
        """Books one decoded message, as `take` does."""
        if batch["v"] != 1:
            raise ValueError(f"version {batch['v']}")
        epoch, lane, first, last = batch["epoch"], batch["lane"], batch["from"], batch["to"]
        numbers = [record["seq"] for record in batch["records"]]
        if numbers != sorted(set(numbers)) or (numbers and not first <= numbers[0] <= numbers[-1] <= last):
            raise ValueError(f"sequence numbers of {lane} {first}..{last} are not ascending within the range")
        seqs = self.seqs[epoch, lane]
        fresh = []
        for seq, record in zip(numbers, batch["records"], strict=True):
            if seq in seqs:
                continue
            self.disorder += seq < (seqs.last or 0)
            seqs.add(seq, seq)
            fresh.append(Seen(epoch, lane, seq, record))
        for gap in batch["gaps"]:
            of = gap.get("epoch") or epoch  # named only where it is not the batch's own
            self.gaps.append((of, gap))
            self.covered[of, gap["lane"]].add(gap["from"], gap["to"])
        if first <= last:
            self.covered[epoch, lane].add(first, last)
        self.batches += 1
        self.records += len(fresh)
        self.repeats += len(numbers) - len(fresh)
        return fresh

    def missing(self) -> dict[Key, list[tuple[int, int]]]:
        """Ranges that nothing accounts for, per (epoch, lane); empty when the books balance."""
        return {key: holes for key, ranges in self.covered.items() if (holes := ranges.holes())}
