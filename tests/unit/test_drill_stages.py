"""A drill on a virtual clock: its stages, its end, and that it touches nothing real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from courtyard.agent.drills.drill import Drills, Ports, Result, Stage, Wish
from courtyard.agent.drills.passage import Passages, WatchedFeed
from courtyard.agent.refusal import Refusal
from courtyard.buffer.feed import Feed
from courtyard.buffer.types import Backlog, Block
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import Gateway, elapse, gateway, virtual

WISH = Wish("wm-1", "fire", "li", False, 60.0)
DRILL = "wm-1:fire:drill:test"


class Uplink:
    """Takes alarms from a fake journal through a watched feed: sends after 10 ms, is confirmed after 25 ms."""

    def __init__(self, journal: FakeJournal, passages: Passages, name: str = "community") -> None:
        self._journal = journal
        feed = cast(Feed, self)
        self.mark_live = self.release = self.set_aside = self.wait = self.resend = lambda *_: None
        self.watched: WatchedFeed = passages.watch(name, feed)
        self.works = True

    async def next(self, lane: str, **_: Any) -> Block | None:
        seq = self._journal.heads.get(lane, 0)
        return Block(self._journal.epoch, "b", lane, seq, seq, (seq,), (b"{}",), (), 0) if seq else None

    def ack(self, block: Block) -> None: ...

    def backlog(self, lane: str) -> Backlog:
        return Backlog(0, 0, None)

    async def run(self) -> None:
        await elapse(0.010)
        block = await self.watched.next("alarm", which="live", max_bytes=1, max_records=1)
        await elapse(0.015)
        if block is not None and self.works:
            self.watched.ack(block)


class Box:
    """A gateway whose platform answers after 40 ms, unless it does not."""

    def __init__(self, *, platforms: dict[str, bool], steps: dict[str, str], planned: int) -> None:
        self.gateway: Gateway
        self.gateway, self.journal = gateway()
        self.passages = Passages()
        self.uplink = Uplink(self.journal, self.passages)
        self.steps, self.answers = steps, True
        ports = Ports("gw-0007", self.passages, lambda _: platforms, lambda _: self.steps, lambda *_: planned)
        self.drills = Drills(self.gateway.recorder, self.gateway.book, self.gateway.engine, self.gateway.acts, ports)
        self.told: list[Stage] = []

    async def platform(self) -> None:
        await elapse(0.040)
        alarm = self.gateway.book.get(DRILL)
        if alarm is not None and self.answers:
            self.gateway.acts.received("community", DRILL, alarm.record.occurrence)

    async def drill(self, wish: Wish = WISH) -> Result:
        async def tell(stage: Stage) -> None:
            self.told.append(stage)

        others = [asyncio.create_task(self.uplink.run()), asyncio.create_task(self.platform())]
        done = await self.drills.run(wish, tell)
        await asyncio.gather(*others)
        return done


def boxed(
    test: Callable[[Box], Awaitable[None]],
    *,
    platforms: dict[str, bool] | None = None,
    steps: dict[str, str] | None = None,
    planned: int = 0,
) -> None:
    async def main() -> None:
        known = {"community": True} if platforms is None else platforms
        await test(Box(platforms=known, steps=steps or {}, planned=planned))

    virtual(main)


def test_every_stage_is_measured_in_its_order() -> None:
    async def test(box: Box) -> None:
        result = await box.drill()
        assert result.passed
        assert [(stage.name, stage.who) for stage in result.stages] == [
            ("signal", None),
            ("disk", None),
            ("published", "community"),
            ("confirmed", "community"),
            ("received", "community"),
        ]
        assert [stage.ms for stage in result.stages[2:]] == [10.0, 25.0, 40.0]
        assert set(box.told) == set(result.stages)

    boxed(test)


def test_every_record_of_a_drill_says_so_and_the_alarm_is_over_with_it() -> None:
    async def test(box: Box) -> None:
        await box.drill()
        await elapse(0)
        records = box.journal.records("alarm")
        assert [record["action"] for record in records] == ["raise", "clear"]
        assert all(record["test"] for record in records)
        begun = [record for record in box.journal.records("event") if record["event"].startswith("drill.")]
        assert [record.get("test") for record in begun] == [True]
        assert box.gateway.book.open() == []

    boxed(test)


@pytest.mark.parametrize(("part", "missing"), [("answers", "received community"), ("works", "confirmed community")])
def test_what_does_not_come_is_named(part: str, missing: str) -> None:
    async def test(box: Box) -> None:
        setattr(box if part == "answers" else box.uplink, part, False)
        result = await box.drill(WISH._replace(wait_s=2.0))
        assert (result.passed, result.missing) == (False, (missing,))
        assert asyncio.get_running_loop().time() < 2.2
        assert box.gateway.book.open() == []

    boxed(test)


def test_a_disk_that_is_stuck_is_named_too() -> None:
    async def test(box: Box) -> None:
        box.journal.hold()
        result = await box.drill(WISH._replace(wait_s=1.0))
        assert "disk" in result.missing
        box.journal.release()

    boxed(test)


def test_a_platform_that_sends_no_commands_cannot_confirm() -> None:
    async def test(box: Box) -> None:
        box.answers = False
        assert (await box.drill()).passed

    boxed(test, platforms={"community": False})


def test_a_full_drill_waits_for_the_steps_of_its_escalations() -> None:
    async def test(box: Box) -> None:
        asyncio.get_running_loop().call_later(5, box.steps.update, {"life/output:siren": "done"})
        asyncio.get_running_loop().call_later(9, box.steps.update, {"life/sms:5678": "failed"})
        result = await box.drill(WISH._replace(full=True))
        assert result.missing == ("failed life/sms:5678",)
        assert [stage.who for stage in result.stages[-2:]] == ["life/output:siren", "life/sms:5678"]
        assert box.journal.records("alarm")[0]["details"]["full"] is True

    boxed(test, planned=2)


def test_one_drill_at_a_time() -> None:
    async def test(box: Box) -> None:
        first = asyncio.create_task(box.drill())
        await elapse(0.001)
        with pytest.raises(Refusal, match="Another drill"):
            await box.drills.run(WISH, lambda stage: elapse(0))
        assert (await first).passed
        assert (await box.drill()).passed

    boxed(test)


def test_a_real_fire_during_a_drill_stays() -> None:
    async def test(box: Box) -> None:
        box.gateway.engine.apply(box.gateway.condition(kind="fire", source="drill", severity=1))
        await box.drill()
        assert [alarm.record.alarm_id for alarm in box.gateway.book.open()] == ["wm-1:fire:drill"]

    boxed(test)


def test_a_drill_that_is_broken_off_leaves_no_alarm() -> None:
    async def test(box: Box) -> None:
        box.answers = False
        running = asyncio.create_task(box.drill())
        await elapse(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert box.gateway.book.open() == []

    boxed(test)
