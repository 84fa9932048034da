"""Conditions become alarms: idempotent, numbered, kept with their state, never ended by inference at severity 1."""

from __future__ import annotations

import pytest

from courtyard.agent.alarms.alarm import FLAP_LIMIT, QUIET_MS
from courtyard.agent.alarms.engine import DRILL_MS, LONGEST_SHELF_MS
from courtyard.agent.alarms.numbering import BEGIN_S
from courtyard.agent.records import MAX_STATUS_ALARMS
from courtyard.buffer import JournalClosed
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, elapse, gateway, settle, virtual

FIRST = START_MS // 1000 - BEGIN_S + 1


def life(journal: FakeJournal, alarm_id: str = "wm-1:leak:a") -> list[tuple[int, int, str, str]]:
    """Occurrence (counted from the first), change, action and state of the alarm's records."""
    return [
        (record["occurrence"] - FIRST, record["change"], record["action"], record["state"])
        for record in journal.records("alarm")
        if record["alarm_id"] == alarm_id
    ]


def test_raising_is_idempotent_per_occurrence() -> None:
    async def main() -> None:
        gw, journal = gateway()
        for _ in range(3):
            gw.engine.apply(gw.condition())
        gw.engine.apply(gw.condition(False))
        gw.engine.apply(gw.condition(False))
        gw.engine.apply(gw.condition())
        await settle()
        assert life(journal) == [
            (0, 1, "raise", "raised"),
            (0, 2, "return", "returned"),
            (1, 1, "raise", "raised"),
        ]
        assert gw.engine.apply(gw.condition(False, source="never raised")) is None

    virtual(main)


def test_a_record_tells_everything_of_the_alarm() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=1))
        await settle()
        (record,) = journal.records("alarm")
        assert record == {
            "alarm_id": "wm-1:leak:a",
            "occurrence": FIRST,
            "change": 1,
            "action": "raise",
            "state": "raised",
            "severity": 1,
            "class": "leak",
            "source": "a",
            "device": "wm-1",
            "place": "370213/005/012/0007/b03/u02",
            "at": "2026-11-22T06:30:15.000Z",
            "raised_at": "2026-11-22T06:30:15.000Z",
            "mono_ms": 120_000,
            "clock": "synced",
            "text_en": "It leaks.",
            "text_zh": "漏水。",
        }

    virtual(main)


def test_state_and_record_are_one_append_and_a_crash_continues_the_count() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition())
        await settle()
        journal.hold()
        gw.engine.apply(gw.condition(False))
        gw, journal = gateway(journal.crash())
        alarm = gw.book.get("wm-1:leak:a")
        assert alarm is not None
        assert (alarm.state, alarm.record.change) == ("raised", 1)
        gw.acts.acknowledge("wm-1:leak:a", "li", "on my way")
        gw.engine.apply(gw.condition(False))
        gw.engine.apply(gw.condition())
        await settle()
        assert life(journal)[1:] == [
            (0, 2, "acknowledge", "acknowledged"),
            (0, 3, "return", "cleared"),
            (1, 1, "raise", "raised"),
        ]

    virtual(main)


def test_occurrences_grow_over_a_lost_disk() -> None:
    async def main() -> None:
        gw, journal = gateway()
        for _ in range(3):
            gw.engine.apply(gw.condition())
            gw.engine.apply(gw.condition(False))
        await settle()
        last = journal.records("alarm")[-1]["occurrence"]
        await elapse(60)
        gw, journal = gateway(FakeJournal())
        gw.engine.apply(gw.condition())
        await settle()
        assert journal.records("alarm")[0]["occurrence"] > last

    virtual(main)


def test_a_restored_backup_numbers_later_occurrences_beyond_what_was_seen() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition())
        await settle()
        backup = journal.crash()
        await elapse(3600)
        gw, journal = gateway(backup)
        gw.book.renumber()
        gw.engine.apply(gw.condition(False))
        gw.engine.apply(gw.condition())
        await settle()
        assert journal.records("alarm")[-1]["occurrence"] == FIRST + 3600

    virtual(main)


@pytest.mark.parametrize("flags", [{"severity": 1}, {"severity": 3, "needs_evidence": True}])
def test_life_safety_does_not_end_by_inference(flags: dict[str, object]) -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(**flags))  # type: ignore[arg-type]
        gw.engine.apply(gw.condition(False, evidence=False))
        alarm = gw.book.get("wm-1:leak:a")
        assert alarm is not None
        gw.engine.lapse(alarm)
        await settle()
        gw, journal = gateway(journal.crash(), devices=[])
        assert [alarm.state for alarm in gw.book] == ["raised"]
        gw.engine.apply(gw.condition(False))
        await settle()
        assert [alarm.state for alarm in gw.book] == ["returned"]

    virtual(main)


def test_other_alarms_end_when_nothing_watches_them_any_more() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition())
        await settle()
        gw, journal = gateway(journal, devices=[])
        await settle()
        assert life(journal)[-1] == (0, 2, "return", "returned")

    virtual(main)


def test_a_rise_in_severity_calls_again_and_a_fall_changes_nothing() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=3))
        gw.acts.acknowledge("wm-1:leak:a", "li", "seen")
        gw.engine.apply(gw.condition(severity=1))
        gw.engine.apply(gw.condition(severity=2))
        gw.engine.apply(gw.condition(False, evidence=False))
        await settle()
        assert life(journal)[1:] == [(0, 2, "acknowledge", "acknowledged"), (0, 3, "escalate", "raised")]
        assert journal.records("alarm")[-1]["severity"] == 1

    virtual(main)


def test_flapping_is_bounded_and_stays_visible() -> None:
    async def main() -> None:
        gw, journal = gateway()
        for _ in range(1000):
            gw.engine.apply(gw.condition())
            await elapse(0.2)
            gw.engine.apply(gw.condition(False))
            await elapse(0.2)
            gw.engine.tick()
        await settle()
        records = journal.records("alarm")
        assert len(records) == 2 * FLAP_LIMIT - 1
        assert (records[-1]["state"], records[-1]["flapping"]) == ("raised", True)
        await elapse(QUIET_MS / 1000)
        gw.engine.tick()
        await settle()
        last = journal.records("alarm")[-1]
        assert (last["state"], last["action"], "flapping" in last) == ("returned", "return", False)

    virtual(main)


def test_flapping_at_severity_1_calls_again_after_an_acknowledgement() -> None:
    async def main() -> None:
        gw, journal = gateway()
        for _ in range(FLAP_LIMIT):
            gw.engine.apply(gw.condition(False))
            gw.engine.apply(gw.condition(severity=1))
        gw.acts.acknowledge("wm-1:leak:a", "li", "on my way")
        gw.engine.apply(gw.condition(False))
        alarm = gw.book.get("wm-1:leak:a")
        assert alarm is not None
        assert not alarm.calls
        gw.engine.apply(gw.condition(severity=1))
        assert alarm.calls
        await settle()
        assert life(journal)[-1] == (FLAP_LIMIT, 1, "raise", "raised")

    virtual(main)


def test_what_only_memory_has_says_so_and_is_written_again_when_the_disk_is_back() -> None:
    async def main() -> None:
        gw, journal = gateway()
        journal.durable = False
        first = gw.engine.apply(gw.condition())
        assert first is not None
        assert not (await first).durable
        assert gw.engine.apply(gw.condition()) is first
        journal.durable = True
        again = gw.engine.apply(gw.condition())
        assert again is not None
        assert (await again).durable
        assert [record.get("durable", True) for record in journal.records("alarm")] == [False, True]
        assert life(journal) == [(0, 1, "raise", "raised"), (0, 2, "repeat", "raised")]
        assert gw.engine.apply(gw.condition()) is again

    virtual(main)


def test_when_nothing_can_be_kept_nothing_has_changed() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(source="known"))
        await journal.close()
        with pytest.raises(JournalClosed):
            gw.engine.apply(gw.condition())
        with pytest.raises(JournalClosed):
            gw.engine.apply(gw.condition(False, source="known"))
        assert [(alarm.record.source, alarm.state, alarm.record.change) for alarm in gw.book] == [
            ("known", "raised", 1)
        ]

    virtual(main)


def test_an_alarm_overtakes_everything_that_waits_for_the_disk() -> None:
    async def main() -> None:
        gw, journal = gateway(FakeJournal(max_pending_bytes=1))
        journal.hold()
        for number in range(3):
            gw.recorder.event("test", {"number": number})
        gw.engine.apply(gw.condition())
        journal.release()
        await elapse(1)
        assert [lane for lane, _, _ in journal.committed] == ["event", "alarm", "event", "event"]

    virtual(main)


def test_drills_have_an_id_of_their_own_and_end_by_themselves() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=1, test=True))
        alarm = gw.book.get("wm-1:leak:a:test")
        assert alarm is not None
        assert alarm.record.test
        assert not alarm.calls
        gw.engine.apply(gw.condition(severity=1))
        await elapse(DRILL_MS / 1000)
        gw.engine.tick()
        await settle()
        assert alarm.state == "cleared"
        assert life(journal)[-1] == (0, 1, "raise", "raised")

    virtual(main)


def test_what_is_known_is_bounded_and_numbers_outlive_what_is_forgotten() -> None:
    async def main() -> None:
        gw, journal = gateway(capacity=10)
        gw.engine.apply(gw.condition(source="first"))
        gw.acts.clear("wm-1:leak:first", "li", "tested")
        for number in range(50):
            gw.engine.apply(gw.condition(source=str(number)))
            gw.acts.clear(f"wm-1:leak:{number}", "li", "tested")
        await settle()
        assert len(journal.state("alarm/")) == len(list(gw.book)) == 10
        before = max(occurrence for occurrence, _, _, _ in life(journal, "wm-1:leak:first"))
        gw, journal = gateway(journal.crash(), capacity=10)
        gw.engine.apply(gw.condition(source="first"))
        await settle()
        assert life(journal, "wm-1:leak:first")[-1][0] > before

    virtual(main)


def test_more_active_alarms_than_can_be_known_become_one_that_says_so_at_their_severity() -> None:
    async def main() -> None:
        gw, journal = gateway(capacity=10)
        for number in range(30):
            gw.engine.apply(gw.condition(source=str(number), severity=2))
        overflow = gw.book.get("gw-0007:overflow:alarms")
        assert overflow is not None
        assert overflow.brief().severity == 2
        for number in range(100, 130):
            gw.engine.apply(gw.condition(source=str(number), severity=1))
        assert overflow.brief().severity == 1
        assert gw.book.get("wm-1:leak:100") is not None
        assert len(list(gw.book)) <= 21
        await settle()
        assert "wm-1:leak:10" in journal.records("alarm")[10]["text_en"]

    virtual(main)


def test_sync_sends_all_that_is_not_cleared_again_as_it_stands() -> None:
    async def main() -> None:
        gw, journal = gateway()
        for number in range(250):
            gw.engine.apply(gw.condition(source=str(number), severity=1 if number == 200 else 3))
        gw.acts.clear("wm-1:leak:0", "li", "tested")
        await settle()
        sent = len(journal.records("alarm"))
        assert await gw.engine.sync() == 249
        again = journal.records("alarm")[sent:]
        assert again[0]["alarm_id"] == "wm-1:leak:200"
        assert {record["alarm_id"] for record in again} == {f"wm-1:leak:{number}" for number in range(1, 250)}
        assert all(record in journal.records("alarm")[:sent] for record in again)

    virtual(main)


def test_the_status_counts_all_urgent_alarms_and_lists_the_worst() -> None:
    async def main() -> None:
        gw, _ = gateway()
        for number in range(150):
            gw.engine.apply(gw.condition(source=str(number), severity=2))
        gw.engine.apply(gw.condition(source="mild", severity=3))
        gw.engine.apply(gw.condition(source="fire", severity=1))
        urgent = gw.book.urgent()
        assert urgent.count == 151
        assert len(urgent.listed) == MAX_STATUS_ALARMS
        assert urgent.listed[0].alarm_id == "wm-1:leak:fire"

    virtual(main)


def test_listeners_hear_of_what_stands_and_of_every_change_and_receipt() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition())
        await settle()
        gw, journal = gateway(journal.crash())
        heard: list[tuple[str, tuple[str, ...]]] = []
        gw.book.listen(lambda alarm: heard.append((alarm.state, tuple(alarm.received))))
        await settle()
        gw.acts.received("community", "wm-1:leak:a", FIRST)
        await settle()
        gw.engine.apply(gw.condition(False))
        await settle()
        assert heard == [("raised", ()), ("raised", ("community",)), ("returned", ("community",))]

    virtual(main)


def test_a_damaged_state_value_is_named_and_the_others_live_on() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(source="good"))
        await settle()
        await journal.append((), {"alarm/wm-1:leak:bad": b"{not json", "alarm-floor": b"?"})
        gw, journal = gateway(journal.crash())
        await settle()
        assert [alarm.record.source for alarm in gw.book] == ["good"]
        assert journal.events("alarm.state.unreadable") == [{"alarm_id": "wm-1:leak:bad"}]

    virtual(main)


def test_shelves_end_with_their_time_and_when_the_clock_cannot_be_right() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition())
        alarm = gw.book.get("wm-1:leak:a")
        assert alarm is not None
        gw.acts.shelve("wm-1:leak:a", "li", "works until noon", gw.clock.wall_ms() + 3_600_000)
        assert not alarm.calls
        await elapse(3599)
        gw.engine.tick()
        assert not alarm.calls
        await elapse(1)
        gw.engine.tick()
        assert alarm.calls
        gw.acts.shelve("wm-1:leak:a", "li", "works", gw.clock.wall_ms() + 3_600_000)
        gw.clock.step_ms = -LONGEST_SHELF_MS
        gw.engine.tick()
        assert alarm.calls
        await settle()
        assert [record["action"] for record in journal.records("alarm")] == ["raise", *["shelve", "unshelve"] * 2]

    virtual(main)


def test_a_shelf_survives_occurrences_but_not_at_severity_1() -> None:
    async def main() -> None:
        gw, _ = gateway()
        for source, severity in (("mild", 3), ("fire", 1)):
            gw.engine.apply(gw.condition(source=source, severity=severity))  # type: ignore[arg-type]
            gw.acts.shelve(f"wm-1:leak:{source}", "li", "works", gw.clock.wall_ms() + 1_800_000)
            gw.engine.apply(gw.condition(False, source=source))
            gw.engine.apply(gw.condition(source=source, severity=severity))  # type: ignore[arg-type]
        mild, fire = gw.book.get("wm-1:leak:mild"), gw.book.get("wm-1:leak:fire")
        assert mild is not None
        assert fire is not None
        assert not mild.calls
        assert fire.calls

    virtual(main)
