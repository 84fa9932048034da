"""The whole uplink on a virtual clock, against platforms and lines of every mood."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import async_solipsism
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.records import Status, stamp
from courtyard.agent.uplinks.broker import Limits
from courtyard.agent.uplinks.faults import SILENT
from courtyard.agent.uplinks.uplink import MqttUplink
from courtyard.buffer import Entry, Journal, Options
from courtyard.config.uplink import Filter, Uplink
from tests.virtual_line import Mood, Platform

HOURS_S = 7200.0
TIMES = 20 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 1


def always(reason: int) -> Mood:
    return lambda _topic, _payload: reason


class Box:
    """A gateway with one uplink to a virtual platform."""

    def __init__(self, directory: Path, platform: Platform, **settings: Any) -> None:
        self.platform = platform
        self.loop = asyncio.get_running_loop()
        self.journal = Journal.open(directory, Options(threads=False, stamp=stamp), boot="boot", wall_ms=self.wall_ms)
        wanted = Uplink(name="p", url="mqtt://platform", start="oldest", **settings)
        self.uplink = MqttUplink(
            wanted,
            "gw",
            self.journal.attach("p", lanes=wanted.filter.lanes, start="oldest"),
            self.journal,
            status=lambda: Status(v=1, gateway="gw", online=True),
            wall_ms=self.wall_ms,
            directory=directory,
            connect=platform.connect,
            jitter=lambda: 1.0,
        )
        self.appended = 0
        self._task = asyncio.create_task(self.uplink.run())

    def wall_ms(self) -> int:
        return 1_795_329_015_000 + int(self.loop.time() * 1000)

    async def append(self, lane: str, count: int = 1, size: int = 200) -> None:
        first = self.appended
        self.appended += count
        bodies = [{"n": n, "at": self.loop.time(), "pad": "x" * size} for n in range(first, first + count)]
        entries = [Entry(lane, self.wall_ms(), msgspec.json.encode(body)) for body in bodies]
        for start in range(0, count, 1000):
            await self.journal.append(entries[start : start + 1000])

    async def until(self, condition: Callable[[], bool], timeout_s: float = HOURS_S) -> float:
        """Lets virtual time pass until the condition holds; how long it took."""
        start = self.loop.time()
        while not condition():
            if self.loop.time() - start > timeout_s:
                raise TimeoutError(f"{self.platform.ledger.records} of {self.appended}, {self.uplink.report()}")
            await asyncio.sleep(0.05)
        return self.loop.time() - start

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()):
            raise error
        await self.journal.close()


def virtually(scenario: Callable[[Path], Awaitable[None]]) -> None:
    """Runs a scenario in a fresh directory on a virtual clock."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as directory:
            await scenario(Path(directory))

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(run())


LANES = st.sampled_from(("alarm", "event", "reading"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), LANES, st.integers(1, 400)),
        st.tuples(st.just("cut")),
        st.tuples(st.just("silence")),
        st.tuples(st.just("outage"), st.floats(0.1, 300.0)),
        st.tuples(st.just("wait"), st.floats(0.0, 20.0)),
        st.tuples(st.just("speed"), st.sampled_from((2e3, 125e3, 1e8))),
        st.tuples(st.just("refuse"), st.sampled_from((0x87, 0x97)), st.floats(0.1, 30.0)),
    ),
    max_size=12,
)


@given(steps=STEPS, limit=st.sampled_from((1, 3, 100)), packet=st.sampled_from((2_000, 10_000, 10**6)))
@settings(max_examples=50 * TIMES, deadline=None)
def test_whatever_the_line_does_every_record_arrives_and_the_books_balance(
    steps: list[tuple[Any, ...]], limit: int, packet: int
) -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform(limits=Limits(limit, packet))
        box = Box(directory, platform)
        for step in steps:
            match step:
                case ("append", lane, count):
                    await box.append(lane, count)
                case ("cut",):
                    platform.cut()
                case ("silence",):
                    platform.cut(SILENT.fault(host="platform", port=1883))
                case ("outage", seconds):
                    platform.reachable = False
                    platform.cut()
                    await asyncio.sleep(seconds)
                    platform.reachable = True
                case ("wait", seconds):
                    await asyncio.sleep(seconds)
                case ("speed", bytes_s):
                    platform.bytes_s = bytes_s
                case ("refuse", reason, seconds):
                    platform.mood = always(reason)
                    await asyncio.sleep(seconds)
                    platform.mood = always(0)
        platform.bytes_s = 1e6
        await box.until(lambda: platform.ledger.records == box.appended)
        report = box.uplink.report()
        assert report.set_aside == 0
        assert platform.ledger.missing() == {}
        assert platform.ledger.gaps == []
        assert platform.most_in_flight <= limit
        assert sorted(record["n"] for _, _, record in platform.arrivals) == list(range(box.appended))
        await box.until(lambda: sum(lane.records for lane in box.uplink.report().backlog.values()) == 0, 10)
        await box.close()

    virtually(scenario)


@given(guilty=st.sets(st.integers(0, 120), min_size=1, max_size=2), hangs_up=st.booleans())
@settings(max_examples=10 * TIMES, deadline=None)
def test_guilty_records_are_found_told_as_gaps_and_everything_else_arrives(guilty: set[int], hangs_up: bool) -> None:
    async def scenario(directory: Path) -> None:
        marks = [b'"n":%d,' % number for number in guilty]
        platform = Platform()
        platform.mood = lambda _topic, payload: (
            (None if hangs_up else 0x99) if any(mark in payload for mark in marks) else 0
        )
        box = Box(directory, platform)
        await box.append("reading", 121)
        await box.until(lambda: platform.ledger.records == 121 - len(guilty))
        await box.append("alarm")
        await box.append("reading")
        await box.until(lambda: platform.ledger.missing() == {} and platform.ledger.records == 123 - len(guilty))
        assert box.uplink.report().set_aside == len(guilty)
        told = {number for _, gap in platform.ledger.gaps for number in range(gap["from"] - 1, gap["to"])}
        assert told == guilty
        assert {gap["reason"] for _, gap in platform.ledger.gaps} == {"refused"}
        await box.close()

    virtually(scenario)


def test_an_alarm_never_waits_behind_megabytes_on_a_thin_line() -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform(bytes_s=125_000)
        box = Box(directory, platform)
        await box.append("reading", 20_000, size=300)
        await box.until(lambda: platform.ledger.records > 500)
        platform.most_bytes_in_flight = 0
        for _ in range(40):
            await box.append("alarm")
            await asyncio.sleep(0.5)
        delays = [at - record["at"] for at, lane, record in platform.arrivals if lane == "alarm"]
        assert len(delays) == 40
        assert max(delays) < 0.4, max(delays)
        assert platform.most_bytes_in_flight < 0.35 * 125_000
        assert platform.ledger.records < 20_000, "the line must have been busy all the time"
        await box.close()

    virtually(scenario)


def test_live_readings_flow_at_once_while_the_backlog_uses_the_rest_of_the_line_oldest_first() -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform(bytes_s=125_000)
        platform.reachable = False
        box = Box(directory, platform)
        await box.append("reading", 5_000, size=300)
        platform.reachable = True
        await box.until(lambda: platform.ledger.records > 0)
        started, before = box.loop.time(), platform.ledger.records
        for _ in range(20):
            await box.append("reading", 10, size=300)
            await asyncio.sleep(0.5)
        live = [(at, record) for at, _, record in platform.arrivals if record["n"] >= 5_000]
        assert len(live) >= 190
        assert max(at - record["at"] for at, record in live) < 0.6
        backlog = [record["n"] for _, _, record in platform.arrivals if record["n"] < 5_000]
        assert backlog == list(range(len(backlog)))
        carried = (platform.ledger.records - before) * 370 / (box.loop.time() - started)
        assert carried > 0.9 * 125_000, "live and backlog together fill the line"
        await box.close()

    virtually(scenario)


def test_a_lane_that_is_refused_does_not_hold_up_the_others() -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform()
        platform.mood = lambda topic, _payload: 0x87 if topic.endswith("reading") else 0
        box = Box(directory, platform)
        await box.append("reading", 100)
        for _ in range(20):
            await box.append("alarm")
            await asyncio.sleep(30)
        delays = [at - record["at"] for at, lane, record in platform.arrivals if lane == "alarm"]
        assert len(delays) == 20
        assert max(delays[1:]) < 0.1
        fault = box.uplink.report().fault
        assert fault is not None
        assert fault.code == "uplink.publish.not_authorised"
        platform.mood = always(0)
        await box.until(lambda: platform.ledger.records == box.appended, 90)
        await box.until(lambda: box.uplink.report().fault is None, 10)
        await box.close()

    virtually(scenario)


def test_a_broker_that_acknowledges_nothing_is_given_up() -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform()
        box = Box(directory, platform)
        await box.append("reading", 1)
        await box.until(lambda: platform.ledger.records == 1)
        stuck = platform.session
        assert stuck is not None
        stuck._answered = lambda *_: None  # type: ignore[method-assign]
        await box.append("reading", 1)
        took = await box.until(lambda: platform.connections == 2, 200)
        assert 60 <= took < 100
        assert platform.ledger.repeats >= 0
        await box.close()

    virtually(scenario)


def test_blank_ranges_of_a_filter_travel_along_and_are_told_within_seconds() -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform()
        box = Box(directory, platform, filter=Filter(devices=("wanted",)))
        for number in range(300):
            device = "wanted" if number == 150 else "other"
            body = msgspec.json.encode({"device": device, "n": number})
            await box.journal.append([Entry("reading", box.wall_ms(), body)])
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        assert list(platform.ledger.covered[box.journal.epoch, "reading"]) == [(1, 300)]
        assert platform.ledger.records == 1
        assert platform.ledger.batches < 25, "not one message for every record that is not wanted"
        await box.close()

    virtually(scenario)


def test_reconnection_backs_off_and_starts_again_quickly_after_success() -> None:
    async def scenario(directory: Path) -> None:
        platform = Platform()
        platform.reachable = False
        box = Box(directory, platform)
        attempts: list[float] = []
        connect = platform.connect

        async def counted(*arguments: Any) -> Any:
            attempts.append(box.loop.time())
            return await connect(*arguments)

        box.uplink._connect = counted
        await asyncio.sleep(600)
        pauses = [round(after - before) for before, after in itertools.pairwise(attempts)]
        assert pauses[:6] == [1, 2, 4, 8, 16, 32]
        assert set(pauses[6:]) == {60}
        platform.reachable = True
        await box.append("reading", 10)
        await box.until(lambda: platform.ledger.records == 10)
        platform.cut()
        took = await box.until(lambda: platform.connections == 2, 100)
        assert took == pytest.approx(1.0, abs=0.2)
        await box.close()

    virtually(scenario)
