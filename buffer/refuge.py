"""The memory epoch: where appends go while the disk does not answer.

Invariants:

- its name is random and drawn once per process; its numbers go on until the process ends, whatever the disk does
  in between, so no number of it is ever given twice;
- what it holds is served at once, with the bodies made for that (`volatile`), and is written to disk later under
  the same epoch and numbers, bodies and producer state included;
- it is bounded: what has to go is counted, reason `memory`, lowest lane first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from courtyard.buffer.chunks import Chunk
from courtyard.buffer.ledger import Epoch, Ledger
from courtyard.buffer.memory import Memory
from courtyard.buffer.opening import begin_epoch
from courtyard.buffer.types import Appended, Entry, Finding


class Append(msgspec.Struct, gc=False, eq=False):
    """One call of `submit`.  `index` orders calls; `seqs` are set when a transaction takes it; `handed`: to memory."""

    entries: Sequence[Entry]
    state: Mapping[str, bytes | None]
    future: asyncio.Future[Appended]
    index: int
    size: int
    seqs: tuple[int, ...] = ()
    handed: bool = False
    timer: asyncio.TimerHandle | None = None

    def answer(self, appended: Appended) -> None:
        """Tells the caller, unless it has been told or has gone away."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if not self.future.done():
            self.future.set_result(appended)

    def refuse(self, error: Exception) -> None:
        """Tells the caller that there will be no answer."""
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            self.future.set_exception(error)


class Refuge:
    """Takes appends into memory and gives them to the next transactions when there are any."""

    def __init__(
        self,
        ledger: Ledger,
        memory: Memory,
        boot: str,
        wall_ms: Callable[[], int],
        report: Callable[[Finding], None],
        storing_bytes: int,
        stamp: Callable[[int, bytes], bytes],
    ) -> None:
        self._ledger, self._memory, self._boot, self._wall_ms = ledger, memory, boot, wall_ms
        self._report, self._storing_bytes, self._stamp = report, storing_bytes, stamp
        self._epoch: Epoch | None = None
        self._state: dict[str, tuple[int, bytes | None]] = {}
        self._newest: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The memory epoch, or nothing while none was needed."""
        return "" if self._epoch is None else self._epoch.name

    @property
    def waiting(self) -> bool:
        """True while something is here that the disk is to be given."""
        return self._memory.holds or bool(self._state)

    def epoch(self) -> Epoch:
        """The memory epoch, drawn when it is first needed."""
        if self._epoch is None:
            self._report(begin_epoch(self._ledger, "memory", self._wall_ms(), volatile=True))
            self._epoch = next(reversed(self._ledger.epochs.values()))
        return self._epoch

    def take(self, append: Append) -> None:
        """Numbers the records of this append here, answers it, and makes its state the present one."""
        epoch = self.epoch()
        append.handed = True
        seqs: dict[int, int] = {}
        for lane in dict.fromkeys(entry.lane for entry in append.entries):
            mine = [(index, entry) for index, entry in enumerate(append.entries) if entry.lane == lane]
            first = epoch.track(lane).last + 1
            given = [entry.body if entry.volatile is None else entry.volatile for _, entry in mine]
            bodies = [self._stamp(seq, body) for seq, body in enumerate(given, first)]
            chunk = Chunk(epoch.name, lane, self._boot, first, bodies, [entry.at_ms for _, entry in mine])
            self._ledger.committed(epoch.name, lane, chunk.last, chunk.size)
            self._ledger.evicted(self._memory.hold(chunk))
            seqs.update({index: first + offset for offset, (index, _) in enumerate(mine)})
        for name, value in append.state.items():
            if append.index >= self._newest.get(name, 0):
                self._newest[name] = append.index
                self._state[name] = append.index, value
                set_state(self._ledger, name, value)
        append.answer(Appended(epoch.name, tuple(seqs[index] for index in range(len(append.entries))), False))

    def superseded(self, name: str, index: int) -> bool:
        """True when memory has taken a newer value of this state than the append with this index has."""
        return self._newest.get(name, -1) > index

    def begin_storing(self) -> tuple[Sequence[Chunk], Sequence[Epoch], dict[str, tuple[int, bytes | None]]]:
        """Records, their epoch if the disk does not know it, and state, for the transaction that begins."""
        chunks = self._memory.begin_storing(self._storing_bytes)
        if self._epoch is None or not (chunks or self._state):
            return (), (), {}
        if self._epoch.volatile:
            for consumer in self._ledger.consumers.values():
                consumer.dirty.update(key for key in consumer.settled if key[0] == self._epoch.name)
        return chunks, [self._epoch] if self._epoch.volatile else (), dict(self._state)

    def end_storing(self, epochs: Sequence[Epoch], state: Mapping[str, tuple[int, bytes | None]]) -> None:
        """The transaction has committed what `begin_storing` gave it."""
        self._memory.end_storing(stored=True)
        for epoch in epochs:
            epoch.volatile = False
        for name, (index, _) in state.items():
            if name in self._state and self._state[name][0] <= index:
                del self._state[name]

    def found_on_disk(self, heads: Mapping[str, int]) -> None:
        """The disk was opened again and has taken these many records of the memory epoch, whatever it had said."""
        for lane, last in heads.items():
            self._memory.stored_up_to((self.name, lane), last)

    def state_kept(self) -> Mapping[str, object]:
        """Names of the state that only memory has."""
        return self._state


def set_state(ledger: Ledger, name: str, value: bytes | None) -> None:
    """Makes this value of producer state the present one; None is no value."""
    if value is None:
        ledger.state.pop(name, None)
    else:
        ledger.state[name] = value
