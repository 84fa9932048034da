"""The journal as producers see it, in memory: honest about order, commit, room and crashes.

Passes the same suite as the real one (test_pipeline_journal_contract.py).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from courtyard.buffer import Appended, Entry, JournalBusy, JournalClosed

State = Mapping[str, bytes | None]


class FakeJournal:
    """Commits what was submitted at the next turn of the loop, unless `hold` says that the disk is stuck."""

    def __init__(self, *, max_pending_bytes: int = 8 << 20, epoch: str = "00000001") -> None:
        self.epoch = epoch
        self.durable = True
        self.closed = False
        self.committed: list[tuple[str, int, bytes]] = []
        self._state: dict[str, bytes] = {}
        self._heads: defaultdict[str, int] = defaultdict(int)
        self._pending: list[tuple[tuple[Entry, ...], dict[str, bytes | None], asyncio.Future[Appended]]] = []
        self._pending_bytes = 0
        self._max_pending_bytes = max_pending_bytes
        self._held = False

    @property
    def heads(self) -> Mapping[str, int]:
        return dict(self._heads)

    def submit(self, entries: Sequence[Entry], state: State = {}) -> asyncio.Future[Appended]:  # noqa: B006
        if self.closed:
            raise JournalClosed
        size = sum(len(entry.body) for entry in entries) + sum(len(value or b"") for value in state.values())
        alarm = any(entry.lane == "alarm" for entry in entries)
        if not alarm and self._pending and self._pending_bytes + size > self._max_pending_bytes:
            raise JournalBusy
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Appended] = loop.create_future()
        self._pending.append((tuple(entries), dict(state), future))
        self._pending_bytes += size
        if not self._held:
            loop.call_soon(self._commit)
        return future

    async def append(self, entries: Sequence[Entry], state: State = {}) -> Appended:  # noqa: B006
        return await asyncio.shield(self.submit(entries, state))

    def state(self, prefix: str = "") -> dict[str, bytes]:
        return {key: value for key, value in self._state.items() if key.startswith(prefix)}

    async def close(self) -> None:
        self._commit()
        self.closed = True

    def hold(self) -> None:
        """From now on nothing is committed."""
        self._held = True

    def release(self) -> None:
        """Commits what waits, and again everything that comes."""
        self._held = False
        self._commit()

    def crash(self) -> FakeJournal:
        """What a start after a kill finds: the committed records and state, nothing else."""
        after = FakeJournal(max_pending_bytes=self._max_pending_bytes, epoch=self.epoch)
        after.committed = list(self.committed)
        after._state = dict(self._state)
        after._heads.update(self._heads)
        self.closed = True
        return after

    def records(self, lane: str) -> list[dict[str, Any]]:
        """The committed records of a lane, in order, decoded."""
        return [msgspec.json.decode(body) for each, _, body in self.committed if each == lane]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The details of the committed events of this name."""
        return [record.get("details", {}) for record in self.records("event") if record["event"] == name]

    def _commit(self) -> None:
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        for entries, state, future in pending:
            seqs = []
            for entry in entries:
                self._heads[entry.lane] += 1
                seqs.append(self._heads[entry.lane])
                body = entry.body if self.durable or entry.volatile is None else entry.volatile
                self.committed.append((entry.lane, seqs[-1], body))
            for key, value in state.items():
                if value is None:
                    self._state.pop(key, None)
                else:
                    self._state[key] = value
            if not future.done():
                future.set_result(Appended(self.epoch, tuple(seqs), self.durable))
