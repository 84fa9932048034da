"""A platform as its engineer would write it: subscribes, keeps books, and knows what is missing.

It reads native format v1 from its documents alone and shares no code with the gateway.  A conflict is one identity
that arrived with two different contents.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from hw_sim.ledger import Key, Ledger, Ranges


class Platform:
    """What one platform knows of one gateway.  Feed it every message of courtyard/v1/{gateway}/..."""

    def __init__(self, *, keep: bool = True, on_record: Callable[[str, dict[str, Any]], None] | None = None) -> None:
        self.ledger = Ledger()
        self.records: dict[str, list[dict[str, Any]]] = {"alarm": [], "event": [], "reading": []}
        self.counts: Counter[str] = Counter()
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

    @property
    def repeats(self) -> int:
        """Records dropped because they had been seen."""
        return self.ledger.repeats

    @property
    def seen(self) -> dict[Key, Ranges]:
        """Per (epoch, lane): the numbers that are accounted for."""
        return self.ledger.covered

    def missing(self) -> dict[Key, list[tuple[int, int]]]:
        """Per (epoch, lane): ranges that were neither received nor declared; empty when nothing is missing."""
        return self.ledger.missing()

    def behind(self) -> dict[Key, int]:
        """Per lane of the gateway's own status: how many records its head is ahead of what has been seen."""
        lanes = (self.status or {}).get("lanes", {})
        answer: dict[Key, int] = {}
        for lane, state in lanes.items():
            last = self.seen.get((state["epoch"], lane), Ranges()).last or 0
            if state["head"] > last:
                answer[(state["epoch"], lane)] = state["head"] - last
        return answer

    def _batch(self, lane: str, batch: dict[str, Any]) -> None:
        if batch["lane"] != lane:
            raise ValueError(f"a batch of lane {batch['lane']} on the topic of {lane}")
        fresh = self.ledger.book(batch)
        if self._keep:
            self._compare(lane, batch)
            self.records[lane] += [seen.record for seen in fresh]
        self.counts[lane] += len(fresh)
        if self._on_record is not None:
            for seen in fresh:
                self._on_record(lane, seen.record)

    def _compare(self, lane: str, batch: dict[str, Any]) -> None:
        for record in batch["records"]:
            identity = (batch["epoch"], lane, record["seq"])
            digest = zlib.crc32(json.dumps(record, sort_keys=True).encode())
            if self._digests.setdefault(identity, digest) != digest:
                self.conflicts.append(identity)
