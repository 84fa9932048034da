"""An e-bike that stays in the door, at the lengths that a site has by default."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from courtyard.agent.lift_words import WHY
from courtyard.agent.vision.votes import Policy
from tests.unit.test_vision_guard import DOOR, EBIKE, Loop, play


def test_it_is_held_again_after_every_rest_without_limit_until_the_maintainers_key_and_the_alarm_stands() -> None:
    cap_s, rest_s, rounds = DOOR.cap_s, Policy().cool_down_s, 5

    async def work(loop: Loop) -> None:
        await loop.watch(rounds * (cap_s + rest_s), EBIKE)
        told = [(at_s, value) for at_s, target, value in loop.writes if target == "door"]
        changes = [told[0], *(after for before, after in pairwise(told) if before[1] != after[1])]
        holds = [(began_s, ended_s) for (began_s, on), (ended_s, _) in pairwise(changes) if on]
        assert len(holds) == rounds
        assert all(cap_s - 1 <= ended_s - began_s <= cap_s for began_s, ended_s in holds)
        assert all(rest_s <= after[0] - before[1] <= rest_s + 1 for before, after in pairwise(holds))
        assert all(condition.active for condition in loop.said)
        await loop.watch(rest_s, EBIKE)
        assert loop.door
        turned_s = asyncio.get_running_loop().time()
        loop.guard.block("key", "fire_return")
        await loop.watch(2 * (cap_s + rest_s), EBIKE)
        assert not loop.door
        assert not any(value for at_s, target, value in loop.writes if target == "door" and at_s > turned_s)

    play(work)


def test_the_page_says_during_a_rest_that_the_door_is_held_again() -> None:
    assert "held again" in WHY["cooling"].en
    assert "再次保持" in WHY["cooling"].zh
