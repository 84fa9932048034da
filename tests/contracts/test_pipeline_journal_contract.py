"""What producers rely on holds for the real journal and for the fake that their tests use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from courtyard.agent.recorder import Journal as Producers
from courtyard.buffer import Entry, JournalBusy, JournalClosed, Options
from courtyard.buffer.journal import Journal
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, virtual

Open = Callable[[], Journal | FakeJournal]
MAX_PENDING_BYTES = 10_000
LONG = '{"x":"' + "y" * 1000 + '"}'


@pytest.fixture(params=["fake", "real"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the journal, for the first time or again after it was closed."""
    fakes = [FakeJournal(max_pending_bytes=MAX_PENDING_BYTES)]

    def fake() -> FakeJournal:
        fakes.append(fakes[-1].crash())
        return fakes[-1]

    def real() -> Journal:
        options = Options(quota_bytes=50_000_000, max_pending_bytes=MAX_PENDING_BYTES, threads=False)
        return Journal.open(tmp_path / "journal", options, boot="1f0c2b7e", wall_ms=lambda: START_MS)

    return fake if request.param == "fake" else real


def entry(lane: str, text: str = "{}") -> Entry:
    return Entry(lane, START_MS, text.encode())


def test_records_are_numbered_in_the_order_of_submission_within_their_lane(reopen: Open) -> None:
    async def main() -> None:
        journal = reopen()
        futures = [journal.submit([entry(lane)]) for lane in ("event", "alarm", "event", "reading", "event")]
        last = await journal.append([entry("event"), entry("alarm")])
        numbers = [(await future).seqs for future in futures]
        assert numbers == [(1,), (1,), (2,), (1,), (3,)]
        assert last.seqs == (4, 2)
        assert last.durable
        assert last.epoch == journal.epoch
        assert dict(journal.heads) == {"alarm": 2, "event": 4, "reading": 1}
        await journal.close()

    virtual(main)


def test_state_counts_when_it_is_committed_and_none_deletes_it(reopen: Open) -> None:
    async def main() -> None:
        journal = reopen()
        written = journal.submit([entry("alarm")], {"alarm/a": b"1", "alarm/b": b"2", "other": b"3"})
        assert journal.state() == {}
        await written
        assert journal.state("alarm/") == {"alarm/a": b"1", "alarm/b": b"2"}
        await journal.append((), {"alarm/a": None, "alarm/b": b"4"})
        assert journal.state() == {"alarm/b": b"4", "other": b"3"}
        await journal.close()

    virtual(main)


def test_a_restart_finds_what_was_committed_and_goes_on_counting(reopen: Open) -> None:
    async def main() -> None:
        journal = reopen()
        before = await journal.append([entry("event")], {"key": b"value"})
        await journal.close()
        again = reopen()
        assert again.state() == {"key": b"value"}
        after = await again.append([entry("event")])
        assert (after.epoch, after.seqs) == (before.epoch, (2,))
        await again.close()

    virtual(main)


def test_a_busy_journal_refuses_all_but_alarms_until_there_is_room(reopen: Open) -> None:
    async def main() -> None:
        journal = reopen()
        waiting = [journal.submit([entry("reading", LONG)]) for _ in range(MAX_PENDING_BYTES // len(LONG) - 1)]
        with pytest.raises(JournalBusy):
            journal.submit([entry("event", LONG)] * 2)
        waiting.append(journal.submit([entry("alarm")]))
        with pytest.raises(JournalBusy):
            journal.submit([entry("event", LONG)] * 2)
        for future in waiting:
            assert (await future).durable
        assert (await journal.append([entry("event", LONG)] * 2)).seqs == (1, 2)
        await journal.close()

    virtual(main)


def test_a_closed_journal_takes_nothing(reopen: Open) -> None:
    async def main() -> None:
        journal = reopen()
        await journal.close()
        with pytest.raises(JournalClosed):
            journal.submit([entry("alarm")])

    virtual(main)


def test_both_are_what_producers_ask_for(reopen: Open) -> None:
    async def main() -> None:
        journal: Producers = reopen()
        assert journal.durable
        assert journal.state("nothing") == {}

    virtual(main)
