"""Test pulses: agreed to, short, released by themselves, ended by what blocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.page.commissioning.pulses import (
    AGREE,
    FORBIDDEN,
    NO_LIFT,
    OFF,
    ON,
    RELEASED_S,
    RUNNING,
    SECONDS,
    UNKNOWN,
    UNSIGNED,
    PulseTests,
)
from courtyard.agent.recorder import Recorder
from courtyard.agent.web.model import Refused, Words
from courtyard.config.snapshot import Snapshot
from tests.config_rig import GATEWAY, LINE, check
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, elapse, settle, virtual
from tests.unit.test_outputs_leases import Relays

SITE = (
    '[[devices]]\nid = "io"\nprofile = "io/relay-board"\nline = "bus"\naddress = 3\n'
    'points = [{ point = "input.1", address = 0, type = "bool", function = 2 }]\n'
    'writes = [{ name = "siren", kind = "coil", address = 0 }, { name = "door", kind = "coil", address = 1 }]\n'
    '[[outputs]]\nname = "siren"\ndevice = "io"\ntarget = "siren"\n'
    '[[outputs]]\nname = "door"\ndevice = "io"\ntarget = "door"\nuse = "door-hold"\n'
)
LIFT = (
    '[[cameras]]\nid = "cam"\naddress = "192.0.2.7"\nusername = "u"\npassword_file = "secrets/c"\n'
    '[[lifts]]\nid = "lift-1"\ncamera = "cam"\nhold = "door"\nfire = { device = "io", point = "input.1" }\n'
)
SIGNED = 'commissioned = { maintainer = "Lift Service, Wang", date = "2026-11-20" }\n'


class Rig:
    def __init__(self, snapshot: Snapshot, relays: Relays, journal: FakeJournal) -> None:
        recorder = Recorder(journal, VirtualClock(), lambda _: "here")
        self.relays, self.journal = relays, journal
        self.blocked: tuple[str, ...] = ()
        self.outputs = Outputs(snapshot.site.outputs, recorder, relays.write, lambda _: None)
        self.pulses = PulseTests(self.outputs, lambda: snapshot, self._lifts)

    def _lifts(self) -> Any:
        return [SimpleNamespace(id="lift-1", blocked_by=self.blocked)]

    def start(self, output: str = "siren", seconds: str = "3", *, agreed: bool = True) -> None:
        self.pulses.start(output, seconds, "user:wang", agreed=agreed)

    def refusal(self, output: str = "siren", seconds: str = "3", *, agreed: bool = True) -> Words:
        with pytest.raises(Refused) as refused:
            self.start(output, seconds, agreed=agreed)
        return refused.value.words

    def told(self) -> list[Words]:
        pulse = self.pulses.now()
        assert pulse is not None
        return [step.name for step in pulse.steps]


@asynccontextmanager
async def running(folder: Path, text: str) -> AsyncIterator[Rig]:
    snapshot = check(folder, GATEWAY + LINE + SITE + text, {"secrets/c": "x"}).snapshot
    assert snapshot is not None
    rig = Rig(snapshot, Relays(), FakeJournal())
    task = asyncio.create_task(rig.outputs.run())
    await settle()
    try:
        yield rig
    finally:
        await rig.pulses.stop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_a_pulse_holds_for_its_seconds_and_releases_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, "") as rig:
            rig.start()
            await elapse(2.9)
            assert rig.relays.values["io", "siren"] is True
            assert rig.pulses.now().on is True  # type: ignore[union-attr]
            assert rig.refusal() == RUNNING
            await elapse(1.0)
            assert rig.relays.values["io", "siren"] is False
            pulse = rig.pulses.now()
            assert pulse is not None
            assert (pulse.running, pulse.passed, pulse.fault) == (False, True, None)
            assert rig.told()[1] == ON
            assert rig.told()[-1] == OFF
            assert [each["holder"] for each in rig.journal.events("output.acquired")] == ["test:user:wang"]

    virtual(main)


def test_nothing_is_held_that_nobody_agreed_to_or_that_is_no_pulse(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, LIFT) as rig:
            assert rig.refusal(agreed=False) == AGREE
            for seconds in ("0", "11", "-1", "1.5", "", "²", "999"):
                assert rig.refusal(seconds=seconds) == SECONDS
            assert rig.refusal("nothing") == UNKNOWN
            assert rig.refusal("door") == UNSIGNED
            await elapse(20)
            assert True not in [value for _, _, value in rig.relays.log]
        async with running(tmp_path, "") as rig:
            assert rig.refusal("door") == NO_LIFT

    virtual(main)


def test_a_door_that_was_signed_for_is_held_until_an_input_forbids(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, LIFT + SIGNED) as rig:
            rig.blocked = ("unknown",)
            assert rig.refusal("door") == FORBIDDEN
            rig.blocked = ()
            rig.start("door", "10")
            await elapse(1)
            assert rig.relays.values["io", "door"] is True
            rig.blocked = ("fire",)
            await elapse(0.5)
            assert rig.relays.values["io", "door"] is False
            pulse = rig.pulses.now()
            assert pulse is not None
            assert (pulse.passed, pulse.fault) == (False, FORBIDDEN)
            (state,) = [each for each in rig.pulses.states() if each.name == "door"]
            assert [(each.wired, each.blocks) for each in state.inputs] == [("io · input.1", True)]

    virtual(main)


def test_a_device_that_does_not_obey_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, "") as rig:
            rig.relays.mood = "dead"
            rig.start()
            await elapse(10)
            pulse = rig.pulses.now()
            assert pulse is not None
            assert (pulse.running, pulse.passed) == (False, False)
            assert pulse.fault is not None
            assert "未能保持" in pulse.fault.zh
            rig.relays.mood = "obeys"
            await elapse(30)
            rig.start()
            await elapse(1)
            rig.relays.mood = "dead"
            await elapse(2.5 + RELEASED_S)
            pulse = rig.pulses.now()
            assert pulse is not None
            assert pulse.fault is not None
            assert "持续尝试释放" in pulse.fault.zh

    virtual(main)


def test_the_page_ends_and_with_it_the_pulse(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, "") as rig:
            rig.start(seconds="10")
            await elapse(1)
            await rig.pulses.stop()
            await elapse(0.2)
            assert rig.relays.values["io", "siren"] is False

    virtual(main)
