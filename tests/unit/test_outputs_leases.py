"""Outputs are on only under a lease, and off whenever there is doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from courtyard.agent.condition import Condition
from courtyard.agent.outputs.actuator import ALARM_AFTER_S, JOURNAL_S, REST_S, STOP_S, WRITE_S
from courtyard.agent.outputs.demands import RETRY_S, TTL_S, Demands
from courtyard.agent.outputs.lease import OutputRefused
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.config.output import Output
from courtyard.drivers.base import DriverError, Fault, Scalar, Text
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, elapse, settle, virtual

SIREN = Output(name="siren", device="relay-1", target="coil1", cap_s=60.0)
LIFT = Output(name="lift", device="relay-1", target="coil2", cap_s=30.0, active=False)
DEAD = Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "请检查接线。"))


class Relays:
    """What the outputs write to: obeys, is dead, hangs, or obeys without saying so."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], Scalar] = {}
        self.log: list[tuple[float, str, Scalar]] = []
        self.mood = "obeys"

    async def write(self, device: str, target: str, value: Scalar, /) -> None:
        self.log.append((asyncio.get_running_loop().time(), target, value))
        if self.mood == "dead":
            raise DriverError(DEAD, device)
        if self.mood == "defect":
            raise KeyError(target)
        if self.mood == "hangs":
            await asyncio.get_running_loop().create_future()
        self.values[device, target] = value
        if self.mood == "mute":
            raise DriverError(DEAD, device)

    def on(self, output: Output = SIREN) -> bool:
        return self.values.get((output.device, output.target)) == output.active


class Rig:
    def __init__(self, journal: FakeJournal, relays: Relays, *outputs: Output) -> None:
        self.journal, self.relays = journal, relays
        self.said: list[Condition] = []
        self.recorder = Recorder(journal, VirtualClock(), lambda device: "here")
        self.outputs = Outputs(outputs, self.recorder, relays.write, self.said.append)

    def ends(self) -> list[object]:
        return [details["reason"] for details in self.journal.events("output.ended")]


@asynccontextmanager
async def running(
    *outputs: Output, journal: FakeJournal | None = None, relays: Relays | None = None
) -> AsyncIterator[Rig]:
    rig = Rig(journal or FakeJournal(), relays or Relays(), *(outputs or (SIREN,)))
    task = asyncio.create_task(rig.outputs.run())
    await settle()
    try:
        yield rig
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def refusal(rig: Rig, output: str = "siren", ttl_s: float = 10.0) -> str:
    with pytest.raises(OutputRefused) as refused:
        await rig.outputs.acquire(output, "test", ttl_s)
    assert refused.value.text.en
    assert refused.value.text.zh
    return refused.value.code


def test_a_lease_is_on_when_confirmed_and_ends_by_itself() -> None:
    async def main() -> None:
        async with running() as rig:
            lease = await rig.outputs.acquire("siren", "test", 10)
            assert rig.relays.on()
            await elapse(9.9)
            assert rig.relays.on()
            await elapse(0.2)
            assert not rig.relays.on()
            assert lease.ended.result() == "expired"
            assert rig.ends() == ["expired"]

    virtual(main)


def test_renewing_prolongs_and_the_cap_ends_every_hold_and_then_rests() -> None:
    async def main() -> None:
        async with running() as rig:
            lease = await rig.outputs.acquire("siren", "test", 10)
            for _ in range(11):
                await elapse(5)
                rig.outputs.renew(lease, 10)
            assert rig.relays.on()
            await elapse(5.1)
            assert not rig.relays.on()
            assert lease.ended.result() == "cap"
            with pytest.raises(OutputRefused, match="over"):
                rig.outputs.renew(lease, 10)
            assert await refusal(rig) == "output.resting"
            await elapse(REST_S)
            await rig.outputs.acquire("siren", "test", 10)
            assert rig.relays.on()

    virtual(main)


def test_a_relay_that_lets_go_by_itself_is_told_again_while_it_is_held_and_no_longer() -> None:
    async def main() -> None:
        async with running(Output(name="siren", device="relay-1", target="coil1", cap_s=60.0, repeat_s=2.0)) as rig:
            lease = await rig.outputs.acquire("siren", "test", 9)
            await elapse(8.9)
            began = rig.relays.log[1][0]
            assert [(at - began, value) for at, _, value in rig.relays.log[1:]] == [(n * 2.0, True) for n in range(5)]
            assert len(rig.journal.events("output.on")) == 1, "that it still is on is no news"
            assert lease.stands
            await elapse(10)
            assert [value for *_, value in rig.relays.log[6:]] == [False]

    virtual(main)


def test_a_repetition_that_is_not_confirmed_ends_the_hold() -> None:
    async def main() -> None:
        async with running(Output(name="siren", device="relay-1", target="coil1", cap_s=60.0, repeat_s=2.0)) as rig:
            lease = await rig.outputs.acquire("siren", "test", 30)
            rig.relays.mood = "dead"
            await elapse(2.1)
            assert lease.ended.result() == "write_failed"
            rig.relays.mood = "obeys"
            await elapse(1)
            assert not rig.relays.on()

    virtual(main)


def test_a_repetition_that_hangs_ends_with_the_lease() -> None:
    async def main() -> None:
        async with running(Output(name="siren", device="relay-1", target="coil1", cap_s=60.0, repeat_s=2.0)) as rig:
            lease = await rig.outputs.acquire("siren", "test", 5)
            rig.relays.mood = "hangs"
            await elapse(2.1)
            assert lease.stands
            await elapse(3)
            assert lease.ended.result() == "expired"

    virtual(main)


def test_one_holder_takes_over_from_another_without_interrupting_the_cap() -> None:
    async def main() -> None:
        async with running() as rig:
            for _ in range(7):
                lease = await rig.outputs.acquire("siren", "test", 15)
                await elapse(9)
                assert rig.relays.on() == (asyncio.get_running_loop().time() < 60)
                if lease.ended.done():
                    break
            assert rig.ends()[-1] == "cap"

    virtual(main)


def test_it_stays_on_until_the_last_holder_lets_go() -> None:
    async def main() -> None:
        async with running() as rig:
            first = await rig.outputs.acquire("siren", "first", 30)
            await rig.outputs.acquire("siren", "second", 30)
            rig.outputs.release(first)
            rig.outputs.release(first)
            await settle()
            assert rig.relays.on()
            rig.outputs.lose("second")
            await settle()
            assert not rig.relays.on()
            assert rig.ends() == ["released", "holder_lost"]

    virtual(main)


def test_an_interlock_releases_and_blocks_until_its_source_lets_go() -> None:
    async def main() -> None:
        async with running() as rig:
            lease = await rig.outputs.acquire("siren", "test", 30)
            rig.outputs.block("siren", "fire", "fire return")
            rig.outputs.block("siren", "fireman", "firefighter mode")
            await settle()
            assert not rig.relays.on()
            assert lease.ended.result() == "blocked"
            rig.outputs.unblock("siren", "fire")
            assert await refusal(rig) == "output.blocked"
            rig.outputs.unblock("siren", "fireman")
            assert not rig.relays.on()
            await rig.outputs.acquire("siren", "test", 30)
            assert rig.relays.on()

    virtual(main)


@pytest.mark.parametrize(
    ("output", "ttl_s", "code"),
    [("bell", 10, "output.unknown"), ("siren", 0, "output.ttl"), ("siren", 61, "output.ttl")],
)
def test_what_is_not_allowed_is_refused(output: str, ttl_s: float, code: str) -> None:
    async def main() -> None:
        async with running() as rig:
            assert await refusal(rig, output, ttl_s) == code
            assert not rig.relays.on()

    virtual(main)


def test_stopping_switches_everything_off() -> None:
    async def main() -> None:
        async with running(SIREN, LIFT) as rig:
            lease = await rig.outputs.acquire("siren", "test", 30)
            await rig.outputs.acquire("lift", "test", 30)
            assert rig.relays.on(LIFT)
        assert not rig.relays.on(SIREN)
        assert not rig.relays.on(LIFT)
        assert lease.ended.result() == "stop"
        assert rig.journal.state("output/") == {}

    virtual(main)


@pytest.mark.parametrize("mood", ["dead", "hangs"])
def test_stopping_is_bounded_and_says_what_it_had_to_leave_on(mood: str) -> None:
    async def main() -> None:
        async with running() as rig:
            await rig.outputs.acquire("siren", "test", 30)
            rig.relays.mood = mood
            before = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - before <= STOP_S
        assert rig.relays.on()
        assert rig.journal.events("output.left_on") == [{"output": "siren"}]
        assert list(rig.journal.state("output/")) == ["output/relay-1/coil1"]

    virtual(main)


def test_after_a_crash_the_first_thing_is_to_switch_off_also_what_the_site_no_longer_has() -> None:
    async def main() -> None:
        relays = Relays()
        async with running(SIREN, LIFT, relays=relays) as rig:
            await rig.outputs.acquire("siren", "test", 30)
            await rig.outputs.acquire("lift", "test", 30)
            journal = rig.journal.crash()
            relays.log.clear()
            after = Relays()
            after.values = dict(relays.values)
            assert after.on(SIREN)
            assert after.on(LIFT)
            async with running(SIREN, journal=journal, relays=after) as restarted:
                assert not after.on(SIREN)
                assert not after.on(LIFT)
                assert {(target, value) for _, target, value in after.log} == {("coil1", False), ("coil2", True)}
                assert journal.state("output/") == {}
                found = [details["output"] for details in restarted.journal.events("output.found_on")]
                assert sorted(map(str, found)) == ["lift", "siren"]

    virtual(main)


def test_the_journal_knows_before_the_device_is_switched_on_but_a_stuck_disk_delays_no_siren() -> None:
    async def main() -> None:
        async with running() as rig:
            rig.journal.hold()
            start = asyncio.get_running_loop().time()
            await rig.outputs.acquire("siren", "test", 10)
            assert asyncio.get_running_loop().time() - start == pytest.approx(JOURNAL_S)
            rig.journal.release()
            await elapse(11)
            states: list[bool] = []
            write = rig.relays.write

            async def spy(device: str, target: str, value: Scalar, /) -> None:
                states.append("output/relay-1/coil1" in rig.journal.state("output/"))
                await write(device, target, value)

            watched = Outputs((SIREN,), rig.recorder, spy, rig.said.append)
            task = asyncio.create_task(watched.run())
            await watched.acquire("siren", "test", 10)
            assert states == [False, True]
            task.cancel()

    virtual(main)


def test_a_device_that_does_not_confirm_counts_as_on_and_becomes_an_alarm_until_it_obeys() -> None:
    async def main() -> None:
        async with running() as rig:
            rig.relays.mood = "mute"
            assert await refusal(rig) == "output.failed"
            assert rig.relays.on() or rig.relays.log[-1][2] is False
            await elapse(30)
            faults = [condition for condition in rig.said if condition.active]
            assert {condition.alarm_id for condition in faults} == {"relay-1:output_fault:siren"}
            assert faults[0].needs_evidence
            assert "请检查接线。" in faults[0].text.zh
            rig.relays.mood = "obeys"
            await elapse(11)
            assert not rig.said[-1].active
            assert not rig.relays.on()
            assert rig.outputs.status()[0].on is False

    virtual(main)


@pytest.mark.parametrize("mood", ["dead", "hangs", "defect"])
def test_switching_off_is_tried_until_it_succeeds_and_told_after_a_few_failures(mood: str) -> None:
    async def main() -> None:
        async with running() as rig:
            lease = await rig.outputs.acquire("siren", "test", 10)
            rig.relays.mood = mood
            rig.outputs.release(lease)
            await elapse(ALARM_AFTER_S + (WRITE_S if mood == "hangs" else 1))
            assert len(rig.relays.log) > (2 if mood == "hangs" else 4)
            assert [condition.active for condition in rig.said if condition.active] == [True]
            assert rig.outputs.status()[0].on is not False
            rig.relays.mood = "obeys"
            await elapse(10 + WRITE_S)
            assert not rig.relays.on()
            assert not rig.said[-1].active

    virtual(main)


def test_a_changed_output_is_switched_off_and_an_unchanged_one_keeps_its_lease() -> None:
    async def main() -> None:
        async with running(SIREN, LIFT) as rig:
            siren = await rig.outputs.acquire("siren", "test", 30)
            lift = await rig.outputs.acquire("lift", "test", 30)
            moved = Output(name="lift", device="relay-2", target="coil9", cap_s=30.0)
            rig.outputs.adjust((SIREN, moved))
            await settle()
            assert siren.stands
            assert rig.relays.on(SIREN)
            assert lift.ended.result() == "removed"
            assert not rig.relays.on(LIFT)
            await rig.outputs.acquire("lift", "test", 30)
            assert rig.relays.on(moved)
            rig.outputs.release(lift)
            assert rig.relays.on(moved)
            assert rig.outputs.targets() == {("relay-1", "coil1"), ("relay-2", "coil9")}

    virtual(main)


@pytest.mark.parametrize("why", ["expired", "blocked"])
def test_a_write_that_takes_its_time_is_cut_short_when_its_leases_end(why: str) -> None:
    async def main() -> None:
        async with running() as rig:
            rig.relays.mood = "hangs"
            waiting = asyncio.create_task(refusal(rig, ttl_s=20))
            await elapse(10)
            rig.relays.mood = "obeys"
            if why == "blocked":
                rig.outputs.block("siren", "fireman", "firefighter mode")
            assert await waiting == "output.failed"
            assert asyncio.get_running_loop().time() == pytest.approx(20 if why == "expired" else 10)
            await settle()
            assert rig.relays.log[-1][1:] == ("coil1", False)
            assert rig.ends() == [why]

    virtual(main)


def test_a_cancelled_wait_leaves_no_lease_behind() -> None:
    async def main() -> None:
        async with running() as rig:
            rig.relays.mood = "hangs"
            waiting = asyncio.create_task(rig.outputs.acquire("siren", "test", 10))
            await elapse(JOURNAL_S / 2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert rig.outputs.status()[0].holders == ()
            rig.relays.mood = "obeys"
            await elapse(STOP_S)
            assert not rig.relays.on()

    virtual(main)


def test_every_hold_leaves_an_audit_trail() -> None:
    async def main() -> None:
        async with running() as rig:
            lease = await rig.outputs.acquire("siren", "operator:li", 10)
            rig.outputs.release(lease)
            await settle()
            await refusal(rig, ttl_s=99)
            trail = [
                (record["event"], record["details"].get("holder"))
                for record in rig.journal.records("event")
                if record["event"].startswith("output.")
            ]
            assert trail == [
                ("output.off", None),
                ("output.acquired", "operator:li"),
                ("output.switching_on", None),
                ("output.on", None),
                ("output.ended", "operator:li"),
                ("output.off", None),
            ]

    virtual(main)


class TestDemands:
    def test_an_output_is_held_as_long_as_somebody_demands_it(self) -> None:
        async def main() -> None:
            async with running(Output(name="siren", device="relay-1", target="coil1", cap_s=600.0)) as rig:
                demands = Demands(rig.outputs)
                demands.want("fire", ["siren"])
                task = asyncio.create_task(demands.run())
                await elapse(5 * TTL_S)
                demands.want("sos", ["siren"])
                await settle()
                demands.want("fire", [])
                await elapse(5 * TTL_S)
                assert rig.relays.on()
                demands.want("sos", [])
                await settle()
                assert not rig.relays.on()
                task.cancel()

        virtual(main)

    def test_the_cap_spends_what_was_demanded_and_a_later_demand_waits_for_the_rest(self) -> None:
        async def main() -> None:
            async with running() as rig:
                demands = Demands(rig.outputs)
                task = asyncio.create_task(demands.run())
                demands.want("fire", ["siren"])
                await elapse(SIREN.cap_s + 1)
                assert not rig.relays.on()
                demands.want("fire", ["siren"])
                await elapse(SIREN.cap_s)
                assert not rig.relays.on()
                demands.want("fire", ["siren"], occasion=2)
                await settle()
                assert rig.relays.on()
                await elapse(SIREN.cap_s + 1)
                demands.want("sos", ["siren"])
                await elapse(REST_S + RETRY_S[0])
                assert rig.relays.on()
                assert rig.outputs.status()[0].holders == ("sos",)
                task.cancel()

        virtual(main)

    def test_many_who_demand_share_one_lease_and_the_last_one_ends_it(self) -> None:
        async def main() -> None:
            async with running(Output(name="siren", device="relay-1", target="coil1", cap_s=86_400.0)) as rig:
                demands = Demands(rig.outputs)
                task = asyncio.create_task(demands.run())
                for number in range(1000):
                    demands.want(f"alarm-{number}", ["siren"])
                await settle()
                for number in range(1000):
                    assert rig.relays.on()
                    assert len(rig.outputs.status()[0].holders) == 1
                    demands.want(f"alarm-{number}", [])
                    await settle(2)
                await settle()
                assert not rig.relays.on()
                assert len(rig.journal.events("output.acquired")) == 1
                task.cancel()

        virtual(main)

    def test_a_dead_device_is_tried_again_and_a_block_is_obeyed(self) -> None:
        async def main() -> None:
            async with running() as rig:
                demands = Demands(rig.outputs)
                task = asyncio.create_task(demands.run())
                rig.relays.mood = "dead"
                demands.want("fire", ["siren"])
                await elapse(3600)
                assert len(rig.journal.events("output.acquired")) < 70
                rig.relays.mood = "obeys"
                await elapse(10)
                demands.want("sos", ["siren"])
                await settle()
                assert rig.relays.on()
                rig.outputs.block("siren", "fireman", "firefighter mode")
                rig.outputs.unblock("siren", "fireman")
                await elapse(60)
                assert not rig.relays.on()
                task.cancel()

        virtual(main)
