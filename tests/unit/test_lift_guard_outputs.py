"""A lift's door hold obeys the watch of its lift, and nobody else."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from courtyard.agent.outputs.lease import OutputRefused
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.config.output import Output
from courtyard.drivers.base import Scalar
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, settle, virtual


def test_no_command_and_no_rule_holds_a_door() -> None:
    async def main() -> None:
        relays: dict[str, Scalar] = {}

        async def write(device: str, target: str, value: Scalar, /) -> None:
            relays[target] = value

        door = Output(name="door", device="board", target="door", use="door-hold")
        journal = FakeJournal()
        outputs = Outputs((door,), Recorder(journal, VirtualClock(), lambda _: "here"), write, lambda _: None)
        running = asyncio.create_task(outputs.run())
        await settle()
        for holder in ("command", "alarm:fp:fire:1", "Vision:lift"):
            with pytest.raises(OutputRefused) as refusal:
                await outputs.hold("door", holder, 5.0)
            assert cast(str, refusal.value.code) == "output.reserved"
        assert relays == {"door": False}
        await outputs.hold("door", "vision:lift", 5.0)
        assert relays == {"door": True}
        running.cancel()
        await asyncio.wait([running])

    virtual(main)
