"""The closed loop of a lift on the real outputs: a detection warns and holds, and everything else lets go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest

from courtyard.agent.condition import Condition
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.agent.vision.guard import Guard, Lift
from courtyard.agent.vision.keeper import FRESH_S, RENEW_S, RETRY_S, TTL_S, Keeper
from courtyard.agent.vision.messages import Stages
from courtyard.agent.vision.regions import Box, Region
from courtyard.agent.vision.tracker import Detection
from courtyard.agent.vision.votes import Policy
from courtyard.config.output import Output
from courtyard.drivers.base import DriverError, Fault, Scalar, Text
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, elapse, settle, virtual

LAMP = Output(name="lamp", device="relays", target="lamp", cap_s=600.0)
DOOR = Output(name="door", device="relays", target="door", cap_s=60.0)
LOOK_S = 0.2
EVERYWHERE = Region(())
EBIKE = Detection("ebike", 0.9, Box(0.3, 0.3, 0.7, 0.9))
PERSON = Detection("person", 0.99, Box(0.3, 0.3, 0.7, 0.9))
DEAD = Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "请检查接线。"))


class Loop:
    """A lift's guard, outputs and relays on one virtual clock."""

    def __init__(self, policy: Policy, region: Region, door: Output = DOOR) -> None:
        self.relays: dict[str, Scalar] = {}
        self.writes: list[tuple[float, str, Scalar]] = []
        self.dead = self.hangs = False
        self.said: list[Condition] = []
        clock = VirtualClock()
        self.outputs = Outputs(
            (LAMP, door), Recorder(FakeJournal(), clock, lambda device: "here"), self.write, lambda condition: None
        )
        lift = Lift("lift-1", region, policy, warn=("lamp",), hold="door")
        self.guard = Guard(lift, self.outputs, self.said.append, clock)

    async def write(self, device: str, target: str, value: Scalar, /) -> None:
        self.writes.append((asyncio.get_running_loop().time(), target, value))
        if self.hangs and value:
            await asyncio.get_running_loop().create_future()
        if self.dead:
            raise DriverError(DEAD, device)
        self.relays[target] = value

    async def watch(self, seconds: float, *seen: Detection) -> None:
        """Looks five times a second."""
        for _ in range(round(seconds / LOOK_S)):
            self.guard.look(seen, model="5e884898", stages=Stages(5.0, 1.0, 20.0, 28.0))
            await elapse(LOOK_S)

    @property
    def lamp(self) -> bool:
        return bool(self.relays["lamp"])

    @property
    def door(self) -> bool:
        return bool(self.relays["door"])

    def door_was_held(self) -> bool:
        return any(value and target == "door" for _, target, value in self.writes)


@asynccontextmanager
async def running(loop: Loop) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop.outputs.run()), asyncio.create_task(loop.guard.run())]
    await settle()
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert not any(loop.relays.values())


def play(
    work: Callable[[Loop], Awaitable[None]], region: Region = EVERYWHERE, door: Output = DOOR, **policy: object
) -> None:
    async def main() -> None:
        loop = Loop(Policy(**({"commissioned": True, "calibrated": True} | policy)), region, door)  # type: ignore[arg-type]
        async with running(loop):
            await work(loop)

    virtual(main)


def test_an_ebike_warns_then_holds_the_door_and_both_end_when_it_is_gone() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(0.4, EBIKE)
        assert (loop.lamp, loop.door) == (True, False)
        await loop.watch(0.2, EBIKE)
        await settle()
        assert (loop.lamp, loop.door) == (True, True)
        assert [condition.active for condition in loop.said] == [True, True]
        assert loop.said[-1].severity == 1
        assert loop.said[-1].details | {
            "track": 1,
            "score": 0.9,
            "model": "5e884898",
            "inference_ms": 28.0,
            "held": True,
        } == (loop.said[-1].details)
        await loop.watch(20, EBIKE)
        assert loop.door
        await loop.watch(3.4)
        assert (loop.lamp, loop.door) == (False, False)
        assert loop.said[-1].active is False
        assert loop.said[-1].evidence

    play(work)


def test_people_and_an_ebike_outside_the_region_do_nothing() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(3, PERSON)
        await loop.watch(3, EBIKE._replace(box=Box(0.0, 0.0, 0.2, 0.2)))
        assert not loop.said
        assert not any(value for _, _, value in loop.writes)

    play(work, Region(((0, 0.5), (1, 0.5), (1, 1), (0, 1))))


@pytest.mark.parametrize(("policy", "warns"), [({"commissioned": False}, True), ({"shadow": True}, False)])
def test_until_commissioned_and_in_shadow_no_door_is_ever_held(policy: dict[str, bool], warns: bool) -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(10, EBIKE)
        assert loop.lamp == warns
        assert not loop.door_was_held()

    play(work, **policy)


def test_fire_releases_the_door_at_once_and_keeps_it_released() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(2, EBIKE)
        assert loop.door
        loop.guard.block("panel", "fire")
        await settle()
        assert not loop.door
        await loop.watch(5, EBIKE)
        assert (loop.lamp, loop.door) == (True, False)
        loop.guard.unblock("panel")
        await loop.watch(1, EBIKE)
        assert loop.door

    play(work)


def test_a_block_of_the_output_itself_is_obeyed_too() -> None:
    async def work(loop: Loop) -> None:
        loop.outputs.block("door", "panel", "fire")
        await loop.watch(5, EBIKE)
        assert not loop.door_was_held()
        loop.outputs.unblock("door", "panel")
        await loop.watch(RETRY_S + 1, EBIKE)
        assert loop.door

    play(work)


def test_a_camera_that_is_lost_or_goes_silent_releases_the_door_and_the_alarm_is_not_taken_for_over() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(2, EBIKE)
        loop.guard.lose()
        await settle()
        assert not loop.door
        assert (loop.said[-1].active, loop.said[-1].evidence) == (False, False)
        await loop.watch(2, EBIKE)
        assert loop.door
        await elapse(2.3)  # no look any more
        assert not loop.door

    play(work)


def test_an_alarm_that_lost_its_picture_ends_when_a_live_one_stays_empty() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(2, EBIKE)
        loop.guard.lose()
        await elapse(5.0)
        assert (loop.said[-1].active, loop.said[-1].evidence) == (False, False)
        said = len(loop.said)
        await loop.watch(2.6, PERSON)
        assert len(loop.said) == said
        await loop.watch(1, PERSON)
        assert (loop.said[-1].active, loop.said[-1].evidence) == (False, True)
        await loop.watch(10, PERSON)
        assert len(loop.said) == said + 1

    play(work)


def test_an_alarm_from_before_a_restart_ends_the_same_way() -> None:
    async def work(loop: Loop) -> None:
        loop.guard.reopen()
        await loop.watch(4)
        assert [(each.active, each.evidence) for each in loop.said] == [(False, True)]

    play(work)


def test_when_nobody_judges_any_more_the_door_is_let_go() -> None:
    async def main() -> None:
        loop = Loop(Policy(commissioned=True, calibrated=True), Region(()))
        keeper = Keeper(loop.outputs, "door", "vision:lift-1")
        tasks = [asyncio.create_task(loop.outputs.run()), asyncio.create_task(keeper.run())]
        await settle()
        keeper.want(True)
        await elapse(0.1)
        assert loop.door
        await elapse(FRESH_S + RENEW_S)
        assert not loop.door
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    virtual(main)


def test_a_keeper_that_dies_without_a_word_leaves_a_lease_that_ends_by_itself() -> None:
    async def main() -> None:
        loop = Loop(Policy(), Region(()))
        task = asyncio.create_task(loop.outputs.run())
        await settle()
        await loop.outputs.hold("door", "vision:lift-1", TTL_S)
        assert loop.door
        await elapse(TTL_S + 0.1)
        assert not loop.door
        task.cancel()
        await asyncio.wait([task])

    virtual(main)


def test_the_cap_of_the_policy_ends_a_hold_and_the_door_rests() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(12, EBIKE)
        assert not loop.door
        await loop.watch(28, EBIKE)
        assert not loop.door
        await loop.watch(4, EBIKE)
        assert loop.door

    play(work, cap_s=10.0)


def test_the_cap_of_the_output_holds_whatever_the_policy_says() -> None:
    async def work(loop: Loop) -> None:
        await loop.watch(30, EBIKE)
        times = [(at_s, value) for at_s, target, value in loop.writes if target == "door"]
        longest_s = max(after[0] - before[0] for before, after in pairwise(times) if before[1] and not after[1])
        assert 4 <= longest_s <= 5.1

    play(work, door=Output(name="door", device="relays", target="door", cap_s=5.0))


def test_a_closed_door_is_not_held() -> None:
    async def work(loop: Loop) -> None:
        loop.guard.door("closed")
        await loop.watch(5, EBIKE)
        assert (loop.lamp, loop.door_was_held()) == (True, False)
        loop.guard.door("open")
        await loop.watch(0.4, EBIKE)
        assert loop.door

    play(work)


def test_a_relay_that_hangs_does_not_delay_the_release() -> None:
    async def work(loop: Loop) -> None:
        loop.hangs = True
        await loop.watch(3, EBIKE)
        loop.hangs = False
        loop.guard.block("panel", "fire")
        await elapse(0.1)
        assert loop.relays["door"] is False
        assert not any(status.holders for status in loop.outputs.status() if status.name == "door")

    play(work)
