"""What waits for the disk, in the order in which it was submitted, and what may wait at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from courtyard.buffer.chunks import ENTRY_OVERHEAD_BYTES
from courtyard.buffer.database import Budget
from courtyard.buffer.refuge import Append
from courtyard.buffer.types import Entry, EntryTooLarge, JournalBusy, Options, UnknownLane


class Waiting:
    """A queue of appends with a bound in bytes; `size_bytes` is what waits now."""

    def __init__(self, options: Options, budget: Budget) -> None:
        self._ranks = {lane: rank for rank, lane in enumerate(options.lanes)}
        self._most_bytes = options.max_pending_bytes
        self._entry_bytes, self._append_bytes = budget.entry_bytes, budget.append_bytes
        self._group_bytes = budget.group_bytes
        self._appends: deque[Append] = deque()
        self.size_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._appends)

    @property
    def is_half_full(self) -> bool:
        return self.size_bytes * 2 > self._most_bytes

    def weigh(self, entries: Sequence[Entry], state: Mapping[str, bytes | None]) -> tuple[int, int]:
        """Bytes of an append, and the rank of its highest lane (the last one's without entries).

        Raises UnknownLane, EntryTooLarge, and JournalBusy for appends without an alarm when too much waits.
        """
        ranks, entry_bytes = self._ranks, self._entry_bytes
        size, highest = 0, len(ranks) - 1
        for lane, _, body, _ in entries:
            length, rank = len(body), ranks.get(lane)
            if rank is None:
                raise UnknownLane(lane)
            if length > entry_bytes:
                raise EntryTooLarge(f"{length} bytes, at most {entry_bytes}")
            size += length + ENTRY_OVERHEAD_BYTES
            if rank < highest:
                highest = rank
        if state:
            size += sum(len(value or b"") for value in state.values())
        if size > self._append_bytes:
            raise EntryTooLarge(f"{size} bytes at once, at most {self._append_bytes}")
        if self.size_bytes + size > self._most_bytes and self._appends and highest:
            raise JournalBusy(f"{self.size_bytes} bytes wait for the disk")
        return size, highest

    def put(self, append: Append) -> None:
        self._appends.append(append)
        self.size_bytes += append.size

    def take_group(self) -> list[Append]:
        """The oldest appends, as many as one transaction takes and at least one."""
        group: list[Append] = []
        appends, size = self._appends, 0
        while appends and (not group or size + appends[0].size <= self._group_bytes):
            append = appends.popleft()
            group.append(append)
            size += append.size
        self.size_bytes -= size
        return group

    def remove(self, append: Append) -> None:
        """Takes this one out, if it is still here."""
        if append in self._appends:
            self._appends.remove(append)
            self.size_bytes -= append.size

    def take_all(self) -> list[Append]:
        taken = list(self._appends)
        self._appends.clear()
        self.size_bytes = 0
        return taken
