"""The note of a damaged journal: kept over restarts, ended by a person or by time; the worse damage stays."""

from __future__ import annotations

import pytest

from courtyard.agent.journal_health import DAMAGE, DISK, KEY, NOTE_MS, JournalHealth
from courtyard.agent.recorder import Recorder
from courtyard.buffer import Finding
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, VirtualClock, settle, virtual

DAMAGED = Finding("db.damaged", START_MS, {"detail": "page 9", "kept": "damaged.db", "records": 23, "lost": 1})
CORRUPT = Finding("rows.corrupt", START_MS + 1, {"epoch": "1", "lane": "event", "first": 1, "last": 2})


def _health(journal: FakeJournal) -> JournalHealth:
    recorder = Recorder(journal, VirtualClock(), lambda device: device)  # type: ignore[arg-type]
    return JournalHealth("gw", recorder, lambda condition: None)


def test_a_note_outlives_a_restart_and_ends_when_somebody_has_seen_it() -> None:
    async def main() -> None:
        journal = FakeJournal()
        assert not _health(journal).found(DAMAGED)
        await settle()
        again = journal.crash()
        health = _health(again)
        assert health.faults[DAMAGE].code == "journal.db.damaged"
        assert health.since == {DAMAGE: START_MS}
        assert health.clear("operator:li")
        assert not health.clear("operator:li")
        await settle()
        assert again.events("journal.note_cleared")[0]["by"] == "operator:li"
        assert not _health(again.crash()).faults

    virtual(main)


def test_lesser_damage_does_not_hide_the_greater() -> None:
    async def main() -> None:
        health = _health(FakeJournal())
        for finding in (CORRUPT, DAMAGED, CORRUPT):
            health.found(finding)
        assert health.faults[DAMAGE].code == "journal.db.damaged"

    virtual(main)


@pytest.mark.parametrize(("old_ms", "shown"), [(NOTE_MS, True), (NOTE_MS + 1, False)])
def test_a_note_ends_by_itself(old_ms: int, shown: bool) -> None:
    async def main() -> None:
        health = _health(FakeJournal())
        health.found(Finding("db.damaged", START_MS - old_ms, {}))
        assert (DAMAGE in health.faults) is shown

    virtual(main)


def test_a_disk_that_fails_cannot_be_cleared_and_says_since_when() -> None:
    async def main() -> None:
        health = _health(FakeJournal())
        assert health.found(Finding("disk.full", START_MS, {"detail": "no space"}))
        assert health.found(Finding("disk.io", START_MS + 5, {"detail": "bad sector"}))
        assert (health.faults[DISK].code, health.since[DISK]) == ("journal.disk.io", START_MS)
        assert not health.clear("operator:li")
        assert DISK in health.faults
        health.found(Finding("disk.ok", START_MS + 9, {"after": "disk.io"}))
        assert not health.faults
        assert not health.since

    virtual(main)


@pytest.mark.parametrize("kept", [b"", b"{}", b'{"code":"of another version","at_ms":1}'])
def test_a_note_that_cannot_be_read_is_none(kept: bytes) -> None:
    async def main() -> None:
        journal = FakeJournal()
        await journal.append([], {KEY: kept})
        assert not _health(journal).faults

    virtual(main)
