"""Any order of conditions, acts, crashes and passing time leaves lives that a consumer can trust."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.alarms.acts import ActRefused
from courtyard.agent.alarms.table import ACTIVE, TABLE
from courtyard.agent.records import instant
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import Gateway, elapse, examples, gateway, settle, virtual

OPERATIONS = (
    "raise",
    "return",
    "lapse",
    "acknowledge",
    "clear",
    "shelve",
    "unshelve",
    "time",
    "disk",
    "stuck",
    "crash",
)
step_of_life = st.tuples(st.sampled_from(OPERATIONS), st.sampled_from("ab"), st.sampled_from((1, 2, 3)))


def act(gw: Gateway, operation: str, source: str, severity: Any) -> None:
    alarm_id = f"wm-1:leak:{source}"
    with suppress(ActRefused):
        match operation:
            case "raise":
                gw.engine.apply(gw.condition(source=source, severity=severity))
            case "return" | "lapse":
                gw.engine.apply(gw.condition(False, source=source, evidence=operation == "return"))
            case "acknowledge":
                gw.acts.acknowledge(alarm_id, "li", "seen")
            case "clear":
                gw.acts.clear(alarm_id, "li", "well")
            case "shelve":
                gw.acts.shelve(alarm_id, "li", "works", gw.clock.wall_ms() + 1_000_000)
            case "unshelve":
                gw.acts.unshelve(alarm_id, "over")
            case _:
                raise AssertionError(operation)


async def live(steps: list[tuple[str, str, int]]) -> tuple[Gateway, FakeJournal]:
    gw, journal = gateway()
    for operation, source, severity in steps:
        match operation:
            case "time":
                await elapse(700)
                gw.engine.tick()
            case "disk":
                journal.release()
            case "stuck":
                journal.hold()
            case "crash":
                gw, journal = gateway(journal.crash())
            case _:
                act(gw, operation, source, severity)
                await settle(1)
    journal.release()
    await settle()
    return gw, journal


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(step_of_life, max_size=40))
def test_every_recorded_life_follows_the_table_and_a_start_finds_where_it_stands(
    steps: list[tuple[str, str, int]],
) -> None:
    async def main() -> None:
        gw, journal = await live(steps)
        for source in "ab":
            lives = [record for record in journal.records("alarm") if record["source"] == source]
            for before, after in pairwise(lives):
                assert (after["occurrence"], after["change"]) > (before["occurrence"], before["change"])
                following = TABLE[before["state"], after["action"]]
                assert following.state == after["state"]
                assert following.opens == (after["change"] == 1)
            for record in lives:
                assert (record["state"] == "cleared") == ("cleared_at" in record)
                assert record["at"] <= instant(gw.clock.wall_ms())
            restored = gateway(journal.crash())[0].book.get(f"wm-1:leak:{source}")
            assert (restored is None) == (not lives)
            if restored:
                assert (restored.state, restored.record.change) == (lives[-1]["state"], lives[-1]["change"])

    virtual(main)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(step_of_life.filter(lambda step: step[0] not in ("return", "clear")), max_size=40))
def test_without_evidence_and_operator_nothing_at_severity_1_ever_ends(steps: list[tuple[str, str, int]]) -> None:
    async def main() -> None:
        _, journal = await live(steps)
        reached_1: set[tuple[str, int]] = set()
        for record in journal.records("alarm"):
            life = (record["alarm_id"], record["occurrence"])
            if record["severity"] == 1:
                reached_1.add(life)
            if life in reached_1:
                assert record["state"] in ACTIVE

    virtual(main)
