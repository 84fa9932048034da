"""A platform as its engineer would write it: subscribes, keeps ranges, drops repeats, and knows what is missing.

It reads native format v1 from its documents alone and shares no code with the gateway.

    identity of a record   (epoch, lane, seq)
    seen                   a seq in a message's from..to that the message carries, declares as a gap, or filters out
    missing                a seq between the first and the last seen of (epoch, lane) that was never seen
    conflict               one identity that arrived with two different contents
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

Key = tuple[str, str]


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


class Platform:
    """What one platform knows of one gateway.  Feed it every message of courtyard/v1/{gateway}/..."""

    def __init__(self, *, keep: bool = True, on_record: Callable[[str, dict[str, Any]], None] | None = None) -> None:
        self.seen: dict[Key, Ranges] = {}
        self.records: dict[str, list[dict[str, Any]]] = {"alarm": [], "event": [], "reading": []}
        self.counts: Counter[str] = Counter()
        self.repeats = 0
        self.declared_gaps: list[dict[str, Any]] = []
        self.conflicts: list[tuple[str, str, int]] = []
        self.status: dict[str, Any] | None = None
        self.inventory: dict[str, dict[str, Any]] = {}
        self.outcomes: list[dict[str, Any]] = []
        self._digests: dict[tuple[str, str, int], int] = {}
        self._keep, self._on_record = keep, on_record

    def message(self, topic: str, payload: bytes) -> None:
        """Takes one MQTT message.  Raises ValueError for what the wire contract does not allow."""
        kind, *rest = topic.split("/")[3:]
        if kind == "status":
            self.status = json.loads(payload) if payload else None
        elif kind == "inventory":
            if payload:
                self.inventory[rest[0]] = json.loads(payload)
            else:
                self.inventory.pop(rest[0], None)
        elif kind == "outcome":
            self.outcomes.append(json.loads(payload))
        elif kind in self.records:
            self._batch(kind, json.loads(payload))

    def _batch(self, lane: str, batch: dict[str, Any]) -> None:
        if batch["v"] != 1 or batch["lane"] != lane:
            raise ValueError(f"not a v1 {lane} batch")
        epoch, first, last = batch["epoch"], batch["from"], batch["to"]
        seen = self.seen.setdefault((epoch, lane), Ranges())
        numbers = [record["seq"] for record in batch["records"]]
        if numbers != sorted(set(numbers)) or (numbers and not first <= numbers[0] <= numbers[-1] <= last):
            raise ValueError(f"sequence numbers of {lane} {first}..{last} are not ascending within the range")
        self.declared_gaps += batch["gaps"]
        for record in batch["records"]:
            self._record(epoch, lane, record, seen)
        if first <= last:
            seen.add(first, last)

    def _record(self, epoch: str, lane: str, record: dict[str, Any], seen: Ranges) -> None:
        identity = (epoch, lane, record["seq"])
        if self._keep:
            digest = zlib.crc32(json.dumps(record, sort_keys=True).encode())
            if self._digests.setdefault(identity, digest) != digest:
                self.conflicts.append(identity)
        if record["seq"] in seen:
            self.repeats += 1
            return
        self.counts[lane] += 1
        if self._keep:
            self.records[lane].append(record)
        if self._on_record is not None:
            self._on_record(lane, record)

    def missing(self) -> dict[Key, list[tuple[int, int]]]:
        """Per (epoch, lane): ranges that were neither received nor declared; empty when nothing is missing."""
        holes = {key: self._undeclared(key) for key in self.seen}
        return {key: ranges for key, ranges in holes.items() if ranges}

    def behind(self) -> dict[Key, int]:
        """Per lane of the gateway's own status: how many records its head is ahead of what has been seen."""
        lanes = (self.status or {}).get("lanes", {})
        answer: dict[Key, int] = {}
        for lane, state in lanes.items():
            last = self.seen.get((state["epoch"], lane), Ranges()).last or 0
            if state["head"] > last:
                answer[(state["epoch"], lane)] = state["head"] - last
        return answer

    def _undeclared(self, key: Key) -> list[tuple[int, int]]:
        covered = Ranges()
        for first, last in self.seen[key]:
            covered.add(first, last)
        for gap in self.declared_gaps:
            if (gap.get("epoch", key[0]), gap.get("lane", key[1])) == key:
                covered.add(gap["from"], gap["to"])
        return covered.holes()
