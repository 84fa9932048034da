"""Puts transactions together from what waits, and books in the accounts what they have done.

Invariants:

- numbers are given here and count only when `book` is called after the commit, so a lane has no holes and the
  order of numbers is the order of `submit`;
- the transaction gets copies of the accounts; what it marked as written is marked as unwritten again if it failed;
- a value of producer state never overwrites one that was submitted after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from courtyard.buffer.chunks import Chunk
from courtyard.buffer.ledger import Epoch, Eviction, Ledger, announcement
from courtyard.buffer.memory import Memory
from courtyard.buffer.refuge import Append, Refuge, set_state
from courtyard.buffer.transaction import Job, Receipt
from courtyard.buffer.types import Appended, Options


class Composed(NamedTuple):
    """One transaction: what the writer gets, and what is needed to book it."""

    job: Job
    group: Sequence[Append]
    chunks: Sequence[Chunk]
    rescued: Sequence[Chunk]
    rescued_state: Mapping[str, tuple[int, bytes | None]]
    epoch: str


class Composer:
    """Runs in the event loop; see the invariants above."""

    def __init__(
        self,
        ledger: Ledger,
        memory: Memory,
        refuge: Refuge,
        options: Options,
        boot: str,
        found: Callable[[str, Mapping[str, str | int | None]], None],
    ) -> None:
        self._ledger, self._memory, self._refuge = ledger, memory, refuge
        self._options, self._boot, self._found = options, boot, found
        self._forgotten: list[str] = []
        self._bad_rows: list[Eviction] = []

    def forget(self, uplink: str) -> None:
        """The uplink's rows are to go with the next transaction."""
        self._ledger.consumers.pop(uplink, None)
        self._forgotten.append(uplink)

    def remove(self, bad_row: Eviction) -> None:
        """This row is damaged and goes with the next transaction."""
        self._bad_rows.append(bad_row)

    @property
    def dirty(self) -> bool:
        """True when there is progress that the disk does not have."""
        consumers = self._ledger.consumers.values()
        return bool(self._forgotten or self._bad_rows) or any(c.dirty or c.losses_dirty for c in consumers)

    def compose(self, group: Sequence[Append], renewal: Epoch | None = None) -> Composed:
        """A transaction with these appends, all progress and what memory holds; or one that begins an epoch."""
        epoch = self._ledger.current
        chunks = self._number(group)
        rescued, epochs, state = self._refuge.begin_storing() if renewal is None else ((), (), {})
        values = {name: value for name, (_, value) in state.items()}
        for append in group:
            for name, value in append.state.items() if append.state else ():
                if not self._refuge.superseded(name, append.index):
                    values[name] = value
        job = Job(
            consumers={name: c.copy() for name, c in self._ledger.consumers.items()},
            chunks=[*rescued, *chunks],
            state=values,
            epochs=epochs if renewal is None else [renewal],
            current=None if renewal is None else renewal.name,
            forgotten=self._forgotten,
            bad_rows=self._bad_rows,
            drop_epochs=self._ledger.dead_epochs(self._refuge.name) if len(self._ledger.epochs) > 1 else (),
            clear_epochs=self._ledger.surplus_epochs(self._options.max_epochs, self._refuge.name),
        )
        self._forgotten, self._bad_rows = [], []
        for consumer in self._ledger.consumers.values():
            consumer.clean()
        return Composed(job, group, chunks, rescued, state, epoch)

    def book(self, composed: Composed, receipt: Receipt) -> None:
        """The transaction has committed: its records count, and its appends are answered."""
        ledger, job = self._ledger, composed.job
        for epoch in job.epochs:
            if epoch.name not in ledger.epochs:
                ledger.begin(epoch)
        if job.current is not None:
            self._found("epoch.new", announcement(ledger.epochs[job.current], ledger.epochs.get(ledger.current)))
            ledger.current = job.current
        for chunk in job.chunks:
            ledger.committed(chunk.epoch, chunk.lane, chunk.last, 0)
        for chunk in composed.rescued:
            ledger.committed(chunk.epoch, chunk.lane, chunk.last, -chunk.size)
        for (name, lane), size in receipt.stored.items():
            ledger.committed(name, lane, 0, size)
        for chunk in composed.chunks:
            self._memory.remember(chunk)
        ledger.evicted(receipt.evictions)
        ledger.drop_epochs(job.drop_epochs)
        for name in receipt.evidence:
            self._found("evidence.dropped", {"file": name})
        self._refuge.end_storing(job.epochs, composed.rescued_state)
        epoch_name, appended = composed.epoch, Appended._make
        for append in composed.group:
            if append.state:
                for name, value in append.state.items():
                    if not self._refuge.superseded(name, append.index):
                        set_state(ledger, name, value)
            if append.handed:
                self.settle_unserved(epoch_name, [append], None)
            elif append.timer is not None or append.future.done():
                append.answer(appended((epoch_name, append.seqs, True)))
            else:
                append.future.set_result(appended((epoch_name, append.seqs, True)))

    def unbook(self, composed: Composed) -> None:
        """The transaction has failed: nothing of it counts."""
        self._memory.end_storing(stored=False)
        self._forgotten = [*composed.job.forgotten, *self._forgotten]
        self._bad_rows = [*composed.job.bad_rows, *self._bad_rows]
        for consumer in self._ledger.consumers.values():
            consumer.soil()

    def settle_unserved(self, epoch: str, group: Sequence[Append], heads: Mapping[str, int] | None) -> None:
        """Settles what a late transaction stored of appends that memory had taken over; `heads`: only up to these."""
        for append in group:
            if append.handed and append.seqs:
                for entry, seq in zip(append.entries, append.seqs, strict=True):
                    for consumer in self._ledger.consumers.values():
                        if entry.lane in consumer.lanes and (heads is None or seq <= heads.get(entry.lane, 0)):
                            consumer.settle((epoch, entry.lane), seq, seq)

    def _number(self, group: Sequence[Append]) -> list[Chunk]:
        if not group:
            return []
        epoch, lanes, stamp = self._ledger.epochs[self._ledger.current], self._options.lanes, self._options.stamp
        entries = [entry for append in group for entry in append.entries]
        numbers = {lane: count(epoch.track(lane).last + 1) for lane in lanes}
        for append in group:
            if len(append.entries) == 1:
                append.seqs = (next(numbers[append.entries[0][0]]),)
            else:
                append.seqs = tuple([next(numbers[entry[0]]) for entry in append.entries])
        chunks = []
        for lane in lanes:
            if mine := [entry for entry in entries if entry[0] == lane]:
                first, ats = epoch.track(lane).last + 1, [entry[1] for entry in mine]
                bodies = [stamp(seq, entry[2]) for seq, entry in enumerate(mine, first)]
                chunks.append(Chunk(epoch.name, lane, self._boot, first, bodies, ats))
        return chunks
