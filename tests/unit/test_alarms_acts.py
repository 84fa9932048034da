"""People acknowledge, clear and shelve; platforms confirm receipt: what is allowed, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from courtyard.agent.alarms.acts import ActRefused, Acts
from courtyard.agent.recorder import Also
from courtyard.buffer import Entry
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, elapse, gateway, settle, virtual

ALARM = "wm-1:leak:a"
HOUR_MS = 3_600_000


def test_an_operator_may_clear_what_never_returns_by_itself() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=1))
        gw.acts.clear(ALARM, "li", "resident is well")
        await settle()
        last = journal.records("alarm")[-1]
        assert (last["state"], last["cleared_by"], last["reason"]) == ("cleared", "li", "resident is well")
        assert last["cleared_at"] == last["at"]

    virtual(main)


def test_a_receipt_is_no_acknowledgement() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=1))
        alarm = gw.book.get(ALARM)
        assert alarm is not None
        gw.acts.received("community", ALARM, alarm.record.occurrence)
        gw.acts.received("community", ALARM, alarm.record.occurrence)
        await settle()
        assert alarm.state == "raised"
        assert alarm.calls
        assert len(journal.records("alarm")) == 1
        assert journal.events("alarm.received")[0]["by"] == "community"
        gw, journal = gateway(journal.crash())
        alarm = gw.book.get(ALARM)
        assert alarm is not None
        assert alarm.received == {"community": "2026-11-22T06:30:15.000Z"}
        gw.engine.apply(gw.condition(False))
        gw.engine.apply(gw.condition(severity=1))
        assert gw.book.get(ALARM) is alarm
        assert not alarm.received

    virtual(main)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda acts: acts.acknowledge("nothing", "li", "why"), "alarm.unknown"),
        (lambda acts: acts.acknowledge(ALARM, "li", "why", occurrence=1), "alarm.occurrence"),
        (lambda acts: acts.received("community", ALARM, 1), "alarm.occurrence"),
        (
            lambda acts: (acts.acknowledge(ALARM, "li", "why"), acts.acknowledge(ALARM, "wang", "why")),
            "alarm.acknowledged",
        ),
        (lambda acts: (acts.clear(ALARM, "li", "why"), acts.clear(ALARM, "li", "why")), "alarm.cleared"),
        (lambda acts: acts.unshelve(ALARM, "why"), "alarm.not_shelved"),
        (lambda acts: acts.shelve(ALARM, "li", "why", START_MS), "shelf.length"),
        (lambda acts: acts.shelve(ALARM, "li", "why", START_MS + HOUR_MS + 1), "shelf.length"),
    ],
)
def test_refusals_are_named_in_both_languages_and_change_nothing(act: Callable[[Acts], object], code: str) -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=1))
        with pytest.raises(ActRefused) as refused:
            act(gw.acts)
        assert refused.value.code == code
        assert refused.value.text.en
        assert refused.value.text.zh
        await settle()
        assert len(journal.records("alarm")) <= 2

    virtual(main)


def test_a_receipt_that_waited_for_the_disk_does_not_undo_a_change_that_overtook_it() -> None:
    async def main() -> None:
        gw, journal = gateway(FakeJournal(max_pending_bytes=1))
        gw.engine.apply(gw.condition(severity=1))
        alarm = gw.book.get(ALARM)
        assert alarm is not None
        await settle()
        journal.hold()
        gw.recorder.event("test", {})
        gw.acts.received("community", ALARM, alarm.record.occurrence)
        gw.engine.apply(gw.condition(False))
        journal.release()
        await elapse(1)
        assert [record["state"] for record in journal.records("alarm")] == ["raised", "returned"]
        restored = gateway(journal.crash())[0].book.get(ALARM)
        assert restored is not None
        assert (restored.state, list(restored.received)) == ("returned", ["community"])

    virtual(main)


def test_what_belongs_to_an_act_is_kept_with_it_or_not_at_all() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition())
        await settle()
        journal.hold()
        also = Also((Entry("event", 0, b'{"event":"outcome"}'),), {"command/1": b"done"})
        gw.acts.acknowledge(ALARM, "li", "why", also=also)
        assert journal.crash().state("command/") == {}
        gw, journal = gateway(journal.crash())
        gw.acts.acknowledge(ALARM, "li", "why", also=also)
        await settle()
        assert journal.state("command/") == {"command/1": b"done"}
        assert journal.records("event") == [{"event": "outcome"}]

    virtual(main)
