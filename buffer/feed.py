"""One uplink's view of the journal.

Invariants: a record is in at most one block in flight of this feed; a block holds consecutive records of one epoch,
lane and boot; what is released, and what a resend asks for, is served again; a gap is told with the first block of
its epoch and lane at or behind it, or alone when there is none.  All methods are called from the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from courtyard.buffer.chunks import Chunk
from courtyard.buffer.consumer import Consumer, Key
from courtyard.buffer.ledger import Ledger
from courtyard.buffer.memory import Memory
from courtyard.buffer.packed import together
from courtyard.buffer.pulse import Pulse
from courtyard.buffer.ranges import RangeSet
from courtyard.buffer.reading import Reading
from courtyard.buffer.types import Backlog, Block, Gap, Which

READ_AHEAD_BYTES = 512 << 10


class Feed:
    """Blocks for one uplink, and what became of them.  Made by Journal.attach."""

    def __init__(
        self,
        consumer: Consumer,
        ledger: Ledger,
        memory: Memory,
        reading: Reading,
        pulse: Pulse,
        touch: Callable[[], None],
        wall_ms: Callable[[], int],
        patience_s: float,
    ) -> None:
        self._consumer, self._ledger, self._memory, self._reading = consumer, ledger, memory, reading
        self._pulse, self._touch, self._wall_ms, self._patience_s = pulse, touch, wall_ms, patience_s
        self._ahead: dict[tuple[str, Which], Sequence[Chunk]] = {}
        self._reads: dict[tuple[str, Which], asyncio.Task[Sequence[Chunk] | None]] = {}
        self._oldest: dict[str, tuple[Key, int, int]] = {}

    def of(self, consumer: Consumer) -> bool:
        """True when this is the feed of that account."""
        return consumer is self._consumer

    @property
    def uplink(self) -> str:
        return self._consumer.name

    @property
    def lanes(self) -> tuple[str, ...]:
        return self._consumer.lanes

    def mark_live(self) -> None:
        """What is committed from now on is live; what is older and not acknowledged is backlog."""
        self._ledger.mark_live(self._consumer)

    async def next(self, lane: str, *, which: Which, max_bytes: int, max_records: int) -> Block | None:
        """The oldest records of this kind that are not in flight, now in flight; None when there are none now.

        `max_bytes` bounds the sum of the bodies; a single larger record comes alone.  Blocks of the backlog may
        hold gaps alone.  While `max_ranges` ranges are acknowledged, live waits until older holes are filled.
        """
        while True:
            found = self._find(lane, which)
            if found is None:
                return self._gaps_alone(lane) if which == "backlog" else None
            key, first, last = found
            chunks = self._at_hand(key, which, first)
            if chunks is not None:
                return self._block(key, first, last, chunks, max_bytes, max_records)
            read = await self._read(lane, which, key, first, last, max(READ_AHEAD_BYTES, max_bytes))
            if read is None:
                return None
            if read:
                self._ahead[lane, which] = read

    def ack(self, block: Block) -> None:
        """The block has arrived, with its gaps."""
        key = block.epoch, block.lane
        if block.seqs:
            self._consumer.busy(key).remove(block.first, block.last)
            if block.epoch in self._ledger.epochs:
                self._consumer.settle(key, block.first, block.last)
        self._consumer.told(block.gaps)
        self._touch()

    def release(self, block: Block) -> None:
        """The block has not arrived and will be served again; what was evicted meanwhile becomes a gap."""
        key = block.epoch, block.lane
        self._consumer.untell(block.gaps)
        if block.seqs:
            self._consumer.busy(key).remove(block.first, block.last)
            epoch = self._ledger.epochs.get(block.epoch)
            absent = RangeSet([(block.first, block.last)]) if epoch is None else epoch.track(block.lane).absent
            for first, last in absent.within(block.first, block.last):
                self._consumer.lose(key, first, last, (block.oldest_at_ms, block.oldest_at_ms), "quota")
                self._touch()
        self._pulse.beat()

    def set_aside(self, block: Block, reason: str) -> None:
        """The block will never be taken by this platform: its records become a gap, and those behind go on."""
        key = block.epoch, block.lane
        self._consumer.untell(block.gaps)
        if block.seqs:
            self._consumer.busy(key).remove(block.first, block.last)
            self._consumer.lose(key, block.first, block.last, (block.oldest_at_ms, self._wall_ms()), reason)
        self._touch()
        self._pulse.beat()

    async def wait(self, seen: int) -> int:
        """A number other than `seen`, as soon as something new may be had."""
        return await self._pulse.wait(seen)

    def resend(self, epoch: str, lane: str, first: int, last: int) -> int:
        """Serves again what still exists of `first..last`, as backlog; the rest becomes gaps.  How many will come."""
        now_ms = self._wall_ms()
        times = now_ms, now_ms
        holder = self._ledger.epochs.get(epoch)
        first = max(first, 1)
        if holder is None or lane not in self._consumer.lanes:
            if first <= last:
                self._consumer.tell(Gap(epoch, lane, first, last, last - first + 1, *times, "unknown"))
            return self._changed(0)
        track, key = holder.track(lane), (epoch, lane)
        last = min(last, track.last)
        for start, stop in track.absent.within(first, last):
            self._consumer.tell(Gap(epoch, lane, start, stop, stop - start + 1, *times, "quota"))
        present = track.absent.missing(first, last) if first <= last else []
        for start, stop in present:
            self._consumer.unsettle(key, start, stop)
        if present:
            self._consumer.marks[key] = max(self._consumer.marks.get(key, 0), last)
        return self._changed(sum(stop - start + 1 for start, stop in present))

    def backlog(self, lane: str) -> Backlog:
        """What is not acknowledged of this lane; its oldest time is None until it has been read once."""
        ledger = self._ledger
        oldest = None
        for key, _, _ in ledger.wanted(self._consumer, lane):
            seq = self._consumer.done(key).next_missing(1)
            chunk = next(self._memory.since(key, seq), None)
            hint = self._oldest.get(lane)
            if chunk is not None:
                oldest = chunk.ats[seq - chunk.first]
            elif hint is not None and hint[0] == key and hint[1] == seq:
                oldest = hint[2]
            break
        return ledger.backlog(self._consumer, lane, oldest)

    def learn_oldest(self, lane: str, key: Key, seq: int, at_ms: int) -> None:
        """The time of the oldest record that is not acknowledged, read from disk."""
        self._oldest[lane] = key, seq, at_ms

    def _changed(self, count: int) -> int:
        self._touch()
        self._pulse.beat()
        return count

    async def _read(
        self, lane: str, which: Which, key: Key, first: int, last: int, max_bytes: int
    ) -> Sequence[Chunk] | None:
        """What the disk gives within `patience_s`; later it comes with a beat of the pulse, to be asked for again."""
        task = self._reads.pop((lane, which), None)
        if task is None:
            task = asyncio.create_task(self._reading.rows(key, first, last, max_bytes))
        try:
            await asyncio.wait({task}, timeout=self._patience_s)
        finally:
            if not task.done():
                self._reads[lane, which] = task
                task.add_done_callback(lambda _: self._pulse.beat())
        return task.result() if task.done() else None

    def _find(self, lane: str, which: Which) -> tuple[Key, int, int] | None:
        """The first run to serve: epoch and lane, and its bounds."""
        consumer, epochs = self._consumer, self._ledger.epochs
        if lane not in consumer.lanes:
            return None
        for name in epochs:
            key = name, lane
            track = epochs[name].tracks.get(lane)
            if track is None:
                continue
            mark = min(consumer.marks.get(key, 0), track.last)
            low, high = (1, mark) if which == "backlog" else (mark + 1, track.last)
            if low > high:
                continue
            if which == "live" and consumer.crowded(key) and consumer.done(key).missing(1, mark):
                continue
            run = consumer.free(key, low, high)
            if run is not None:
                return key, *run
        return None

    def _at_hand(self, key: Key, which: Which, first: int) -> Iterable[Chunk] | None:
        """Chunks in memory from the one that holds `first` on; None when it has to be read."""
        ahead = self._ahead.get((key[1], which), ())
        for index, chunk in enumerate(ahead):
            if chunk.epoch == key[0] and chunk.first <= first <= chunk.last:
                self._ahead[key[1], which] = ahead[index:]
                return ahead[index:]
        near = self._memory.since(key, first)
        chunk = next(near, None)  # type: ignore[assignment]
        if chunk is None:
            return None
        self._ahead.pop((key[1], which), None)
        return (chunk, *near)

    def _block(
        self, key: Key, first: int, last: int, chunks: Iterable[Chunk], max_bytes: int, max_records: int
    ) -> Block:
        runs: list[Sequence[bytes]] = []
        boot, oldest_at_ms, seq = "", 0, first
        for chunk in chunks:
            if chunk.first > seq or chunk.last < seq or (runs and chunk.boot != boot):
                break
            start = seq - chunk.first
            count = chunk.fitting(seq, last, max_bytes, max_records - (seq - first))
            if not runs:
                boot, oldest_at_ms, count = chunk.boot, chunk.ats[start], max(count, 1)
            if count:
                runs.append(chunk.bodies[start : start + count])
            max_bytes -= chunk.size_of(start, count)
            seq += count
            if not count or seq <= chunk.last or seq > last:
                break
        stop = seq - 1
        self._consumer.busy(key).add(first, stop)
        self._oldest[key[1]] = key, first, oldest_at_ms
        gaps = self._consumer.carry(key, stop)
        return Block(
            key[0],
            boot,
            key[1],
            first,
            stop,
            range(first, stop + 1),
            together(runs),
            gaps,
            oldest_at_ms,
        )

    def _gaps_alone(self, lane: str) -> Block | None:
        gap = min((gap for gap in self._consumer.gaps if gap.lane == lane), key=lambda g: g.since_ms, default=None)
        if gap is None:
            return None
        self._consumer.carry_one(gap)
        return Block(gap.epoch, "", lane, gap.first, gap.last, (), (), (gap,), gap.since_ms)
