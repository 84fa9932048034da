"""Parts restart with back-off, alone; stopping is bounded."""

from __future__ import annotations

import asyncio

from courtyard.agent.supervisor import FIRST_BACKOFF_S, LAST_BACKOFF_S, LOOK_S, STABLE_S, Stuck, Supervisor, part_fault
from tests.virtual_time import virtual


class LoopClock:
    """Time of the running (virtual) loop."""

    def wall_ms(self) -> int:
        return self.mono_ms()

    def mono_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)


def test_a_failing_part_restarts_with_growing_bounded_backoff_and_others_run_on() -> None:
    ends: list[tuple[str, float]] = []
    starts: list[float] = []
    beats = 0

    async def broken() -> None:
        starts.append(asyncio.get_running_loop().time())
        raise ValueError("boom")

    async def healthy() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(1)
            beats += 1

    async def main() -> None:
        supervisor = Supervisor(LoopClock(), lambda part, error, wait: ends.append((part, wait)), jitter=lambda: 1.0)
        supervisor.start("broken", broken)
        supervisor.start("healthy", healthy)
        await asyncio.sleep(600)
        assert supervisor.status()[0].last_error == "ValueError: boom"
        assert await supervisor.stop_all() == []

    virtual(main)
    waits = [wait for _, wait in ends]
    assert waits[:4] == [FIRST_BACKOFF_S, 2.0, 4.0, 8.0]
    assert max(waits) == LAST_BACKOFF_S
    assert {part for part, _ in ends} == {"broken"}
    assert len(starts) == len(ends)
    assert beats >= 598


def test_a_part_that_ran_long_starts_again_with_the_first_backoff() -> None:
    waits: list[float] = []

    async def long_lived() -> None:
        await asyncio.sleep(120)
        raise OSError("gone")

    async def main() -> None:
        supervisor = Supervisor(LoopClock(), lambda part, error, wait: waits.append(wait), jitter=lambda: 1.0)
        supervisor.start("long", long_lived)
        await asyncio.sleep(500)
        await supervisor.stop_all()

    virtual(main)
    assert waits == [FIRST_BACKOFF_S] * 4


def test_a_part_that_ends_quietly_is_restarted_too() -> None:
    errors: list[BaseException | None] = []

    async def quits() -> None:
        return

    async def main() -> None:
        supervisor = Supervisor(LoopClock(), lambda part, error, wait: errors.append(error))
        supervisor.start("quits", quits)
        await asyncio.sleep(5)
        await supervisor.stop_all()

    virtual(main)
    assert errors
    assert set(errors) == {None}


def test_stopping_is_bounded_and_names_what_hangs() -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                await asyncio.sleep(30)
                raise

    async def main() -> None:
        supervisor = Supervisor(LoopClock(), lambda part, error, wait: None)
        supervisor.start("stubborn", stubborn)
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        assert await supervisor.stop_all(grace_s=4.0) == ["stubborn"]
        assert asyncio.get_running_loop().time() - began <= 4.1
        assert supervisor.names() == []
        await asyncio.sleep(60)

    virtual(main)


def test_the_fault_of_a_failed_part_says_whose_it_is() -> None:
    fault = part_fault("uplink community", ValueError("x"))
    assert "ValueError: x" in fault.what.en
    assert "ValueError: x" in fault.what.zh
    assert "gateway" in fault.cure.en


def test_a_part_that_does_not_get_on_is_started_again_alone_and_is_well_a_minute_later() -> None:
    starts: list[float] = []
    ends: list[tuple[str, BaseException | None]] = []
    well: list[tuple[str, float]] = []
    ended = 0

    async def main() -> None:
        nonlocal ended
        loop = asyncio.get_running_loop()

        async def hangs_once() -> None:
            nonlocal ended
            starts.append(loop.time())
            try:
                await loop.create_future()
            finally:
                ended += 1

        supervisor = Supervisor(
            LoopClock(),
            lambda part, error, wait: ends.append((part, error)),
            recovered=lambda part: well.append((part, loop.time())),
            jitter=lambda: 1.0,
        )
        supervisor.start("line", hangs_once, on_time=lambda: len(starts) > 2 or loop.time() < 20)
        supervisor.start("other", hangs_once)
        await asyncio.sleep(300)
        await supervisor.stop_all()

    virtual(main)
    assert [part for part, _ in ends] == ["line"]
    assert isinstance(ends[0][1], Stuck)
    assert starts == [0, 0, 20 + LOOK_S + FIRST_BACKOFF_S]
    assert ended == 3
    assert well == [("line", starts[-1] + STABLE_S)]
    assert part_fault("line bus", ends[0][1]).code == "part.stuck"


def test_a_process_that_was_held_up_as_a_whole_has_no_stuck_parts() -> None:
    late_looks = iter([True, False, True, False, True])
    ends: list[str] = []

    async def main() -> None:
        async def part() -> None:
            await asyncio.get_running_loop().create_future()

        supervisor = Supervisor(LoopClock(), lambda part, error, wait: ends.append(part))
        supervisor.start("line", part, on_time=lambda: next(late_looks, True))
        await asyncio.sleep(60)
        await supervisor.stop_all()

    virtual(main)
    assert ends == []


def test_the_time_out_of_a_part_is_its_own_error() -> None:
    errors: list[BaseException | None] = []

    async def main() -> None:
        async def part() -> None:
            async with asyncio.timeout(1):
                await asyncio.get_running_loop().create_future()

        supervisor = Supervisor(LoopClock(), lambda part, error, wait: errors.append(error))
        supervisor.start("line", part)
        await asyncio.sleep(1.5)
        await supervisor.stop_all()

    virtual(main)
    assert [type(error) for error in errors] == [TimeoutError]
