"""Whatever holders, interlocks, devices and the process do, outputs are on only as promised."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.outputs.lease import Lease, OutputRefused
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.config.output import Output
from courtyard.drivers.base import DriverError, Fault, Scalar, Text
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, elapse, examples, settle, virtual

SIREN = Output(name="siren", device="relay-1", target="coil1", cap_s=20.0)
REPEATED = msgspec.structs.replace(SIREN, repeat_s=1.5)
DEAD = Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "请检查接线。"))
SLOW_S = 2.0
"""What a slow device takes to obey."""
GRACE_S = 0.01
"""More than a few turns of the loop, less than any time in these tests."""


class Device:
    """A relay that takes its time, or fails, and remembers since when it is on."""

    def __init__(self) -> None:
        self.on_since: float | None = None
        self.delay_s = 0.0
        self.obeys = True
        self.longest_s = 0.0

    async def write(self, device: str, target: str, value: Scalar, /) -> None:
        if not self.obeys:
            raise DriverError(DEAD, device)
        if self.delay_s:
            await elapse(self.delay_s)
        now = asyncio.get_running_loop().time()
        if value and self.on_since is None:
            self.on_since = now
        if not value:
            self.note(now)
            self.on_since = None

    def note(self, now: float) -> None:
        if self.on_since is not None:
            self.longest_s = max(self.longest_s, now - self.on_since)


step = st.one_of(
    st.tuples(st.just("acquire"), st.floats(0.5, 20)),
    st.tuples(st.sampled_from(("release", "renew")), st.integers(0, 5)),
    st.tuples(st.just("time"), st.floats(0.1, 15)),
    st.tuples(st.sampled_from(("block", "unblock", "lose", "slow", "fast", "restart")), st.none()),
)
failing_step = st.tuples(st.sampled_from(("dead", "alive")), st.none())


async def play(steps: list[tuple[str, object]], device: Device, output: Output = SIREN) -> None:
    journal = FakeJournal()

    def begin() -> tuple[Outputs, asyncio.Task[None]]:
        outputs = Outputs((output,), Recorder(journal, VirtualClock(), lambda device: "here"), device.write, _ignore)
        return outputs, asyncio.create_task(outputs.run())

    outputs, task = begin()
    pending: list[asyncio.Task[Lease]] = []
    granted: list[Lease] = []

    async def stop() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    for what, argument in steps:
        match what, argument:
            case "acquire", float(ttl_s):
                pending.append(asyncio.create_task(outputs.acquire("siren", "test", ttl_s)))
            case "release", int(which) if granted:
                outputs.release(granted[which % len(granted)])
            case "renew", int(which) if granted:
                with suppress(OutputRefused):
                    outputs.renew(granted[which % len(granted)], 5)
            case "time", float(seconds):
                await elapse(seconds)
            case "block", _:
                outputs.block("siren", "fire", "fire")
            case "unblock", _:
                outputs.unblock("siren", "fire")
            case "lose", _:
                outputs.lose("test")
            case "slow" | "fast", _:
                device.delay_s = SLOW_S if what == "slow" else 0.0
            case "dead" | "alive", _:
                device.obeys = what == "alive"
            case "restart", _:
                await stop()
                granted.clear()
                outputs, task = begin()
        await elapse(GRACE_S)
        granted += [each.result() for each in pending if each.done() and each.exception() is None]
        pending = [each for each in pending if not each.done()]
        if device.obeys and device.delay_s == 0 and device.on_since is not None:
            status = outputs.status()[0]
            assert status.holders or status.on is None
            assert not status.blocked_by or status.on is None
    device.obeys, device.delay_s = True, 0.0
    await stop()
    await asyncio.gather(*pending, return_exceptions=True)


def _ignore(condition: object) -> None:
    """Faults are another test's business."""


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(step, max_size=25), st.sampled_from((SIREN, REPEATED)))
def test_a_device_that_obeys_is_never_on_without_a_lease_nor_beyond_the_cap(
    steps: list[tuple[str, object]], output: Output
) -> None:
    async def main() -> None:
        device = Device()
        await play(steps, device, output)
        assert device.on_since is None
        assert device.longest_s <= SIREN.cap_s + SLOW_S + GRACE_S

    virtual(main)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(step | failing_step, max_size=25), st.sampled_from((SIREN, REPEATED)))
def test_a_device_that_was_dead_is_off_after_the_next_start_at_the_latest(
    steps: list[tuple[str, object]], output: Output
) -> None:
    async def main() -> None:
        device = Device()
        await play(steps, device, output)
        if device.on_since is not None:  # it was dead when the process stopped: the next start switches it off first
            recorder = Recorder(FakeJournal(), VirtualClock(), lambda device: "here")
            task = asyncio.create_task(Outputs((SIREN,), recorder, device.write, _ignore).run())
            await settle()
            assert device.on_since is None
            task.cancel()

    virtual(main)
