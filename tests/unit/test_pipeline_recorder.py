"""Everything goes into the journal in order, waits when it is busy, and never without a bound."""

from __future__ import annotations

import asyncio

import pytest

from courtyard.agent.recorder import Recorder
from courtyard.buffer import Entry, JournalBusy, JournalClosed
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, elapse, settle, virtual


def recorder(*, max_waiting: int = 100) -> tuple[Recorder, FakeJournal]:
    journal = FakeJournal(max_pending_bytes=1)
    return Recorder(journal, VirtualClock(), lambda device: "here", max_waiting=max_waiting), journal


def entry(number: int) -> Entry:
    return Entry("event", 0, b'{"event":"test","number":%d}' % number)


def numbers(journal: FakeJournal) -> list[int]:
    return [record["number"] for record in journal.records("event")]


def test_what_waits_is_submitted_in_order_and_offers_never_overtake_it() -> None:
    async def main() -> None:
        record, journal = recorder()
        journal.hold()
        futures = [record.put([entry(number)], {"latest": b"%d" % number}) for number in range(20)]
        with pytest.raises(JournalBusy):
            record.offer([entry(99)])
        journal.release()
        assert [(await future).seqs for future in futures] == [(number + 1,) for number in range(20)]
        assert numbers(journal) == list(range(20))
        assert journal.state() == {"latest": b"19"}
        await record.offer([entry(20)])
        assert numbers(journal)[-1] == 20

    virtual(main)


def test_what_waits_is_bounded_and_an_event_that_finds_no_place_is_counted() -> None:
    async def main() -> None:
        record, journal = recorder(max_waiting=3)
        journal.hold()
        for number in range(4):
            record.put([entry(number)])
        with pytest.raises(JournalBusy):
            record.put([entry(9)])
        assert record.event("test", {"number": 9}) is None
        assert record.events_dropped == 1
        journal.release()
        await record.drained()
        await settle()
        assert numbers(journal) == [0, 1, 2, 3]

    virtual(main)


def test_who_waits_for_room_is_called_once_when_there_is_some() -> None:
    async def main() -> None:
        record, journal = recorder()
        journal.hold()
        record.put([entry(0)])
        calls: list[float] = []
        record.when_room(lambda: calls.append(asyncio.get_running_loop().time()))
        await elapse(5)
        assert calls == []
        journal.release()
        await elapse(5)
        assert len(calls) == 1

    virtual(main)


def test_a_journal_that_closes_tells_everyone_who_waits() -> None:
    async def main() -> None:
        record, journal = recorder()
        journal.hold()
        futures = [record.put([entry(number)]) for number in range(3)]
        await journal.close()
        await record.drained()
        results = await asyncio.gather(*futures, return_exceptions=True)
        assert [isinstance(result, JournalClosed) for result in results] == [False, True, True]
        assert record.event("test", {}) is None

    virtual(main)


def test_cancelling_one_who_waits_harms_nobody_else() -> None:
    async def main() -> None:
        record, journal = recorder()
        journal.hold()
        futures = [record.put([entry(number)]) for number in range(3)]
        futures[1].cancel()
        journal.release()
        await futures[2]
        assert numbers(journal) == [0, 1, 2]

    virtual(main)
