"""The alarm's life as a table: the published vectors, and what must never happen in any order of events."""

from __future__ import annotations

from typing import get_args

import pytest

from courtyard.agent.alarms.table import ACTIVE, TABLE, Event, step
from courtyard.agent.records import AlarmAction, AlarmState

STATES: tuple[AlarmState, ...] = get_args(AlarmState)
EVENTS: tuple[Event, ...] = (*get_args(AlarmAction), "lapse")
IN_THE_VECTORS: dict[str, AlarmAction] = {"raise": "raise", "ack": "acknowledge", "clear": "return"}
"""The vectors (normalised telemetry pack, V-T08 to V-T10) call the end of the condition `clear`."""
NAMES: dict[AlarmState, str] = {
    "raised": "active,unacked",
    "acknowledged": "active,acked",
    "returned": "inactive,unacked",
    "cleared": "inactive,acked",
}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("raise ack clear", "inactive,acked"),  # V-T08
        ("raise clear", "inactive,unacked"),  # V-T09
        ("raise raise clear ack", "inactive,acked"),  # V-T10
    ],
)
def test_published_vectors(events: str, expected: str) -> None:
    state: AlarmState = "cleared"
    for event in events.split():
        following = step(state, IN_THE_VECTORS[event])
        state = following.state if following else state
    assert NAMES[state] == expected


def test_every_state_and_action_is_reachable() -> None:
    assert {state for state, _ in TABLE} == set(STATES)
    assert {following.state for following in TABLE.values()} == set(STATES)
    assert {action for _, action in TABLE} == set(get_args(AlarmAction))


def test_only_a_raise_makes_an_alarm_active_and_only_a_raise_opens_an_occurrence() -> None:
    for (state, action), following in TABLE.items():
        if following.state in ACTIVE and state not in ACTIVE:
            assert action == "raise"
        assert following.opens == (action == "raise")


def test_an_acknowledgement_never_ends_a_condition_and_an_end_never_acknowledges() -> None:
    assert step("raised", "acknowledge") == ("acknowledged", False)
    assert step("raised", "return") == ("returned", False)
    assert step("raised", "lapse") == ("returned", False)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_what_needs_evidence_ends_only_by_the_device_or_an_operator(state: AlarmState, event: Event) -> None:
    following = step(state, event, needs_evidence=True)
    if following and state in ACTIVE and following.state not in ACTIVE:
        assert event in ("return", "clear")
