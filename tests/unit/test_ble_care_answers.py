"""An acknowledgement reaches the wearer once, whoever gave it, and holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from courtyard.agent.care.answers import Answers
from courtyard.config.care import Answer
from courtyard.drivers.base import Alert, Driver, DriverError, Fault, Sink, Text
from courtyard.drivers.ble.faults import wearable_fault
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import Gateway, elapse, gateway, settle, virtual


class Tags:
    """A driver whose tags buzz for as long as told; `fault` makes them fail, `hangs` never answer."""

    def __init__(self) -> None:
        self.alerts: list[tuple[str, Alert]] = []
        self.fault: Fault | None = None
        self.hangs = False

    async def run(self, sink: Sink) -> None:
        await asyncio.Event().wait()

    def alerting(self, device: str) -> bool:
        return device.startswith("sos")

    async def alert(self, device: str, alert: Alert) -> None:
        self.alerts.append((device, alert))
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise DriverError(self.fault, device)

    def driver_of(self, device: str) -> Driver:
        if device == "gone":
            raise DriverError(Fault("device.unknown", Text("?", "?"), Text("?", "?")), device)
        return self


@asynccontextmanager
async def answering(
    settings: Answer | None = None, journal: FakeJournal | None = None
) -> AsyncIterator[tuple[Gateway, Tags, FakeJournal]]:
    stage, kept = gateway(journal)
    tags, wanted = Tags(), settings or Answer()
    answers = Answers(stage.book, tags, lambda: wanted, stage.recorder)
    running = asyncio.ensure_future(answers.run())
    await settle()
    try:
        yield stage, tags, kept
    finally:
        running.cancel()
        await asyncio.wait((running,))
        assert running.cancelled(), running.exception()


async def call(stage: Gateway, device: str = "sos-1", kind: str = "sos", **more: Any) -> str:
    condition = stage.condition(device=device, kind=kind, source="", severity=1, **more)
    stage.engine.apply(condition)
    await settle()
    return condition.alarm_id


async def acknowledge(stage: Gateway, alarm_id: str) -> None:
    await stage.acts.acknowledge(alarm_id, "li.na", "on my way")
    await settle()


def events(journal: FakeJournal) -> list[dict[str, Any]]:
    return [event for event in journal.records("event") if str(event["event"]).startswith("answer.")]


def test_an_acknowledged_call_buzzes_once() -> None:
    @virtual
    async def _() -> None:
        async with answering(Answer("mild", 5.0, False)) as (stage, tags, journal):
            alarm_id = await call(stage)
            assert tags.alerts == []
            await acknowledge(stage, alarm_id)
            stage.acts.received("platform", alarm_id, stage.book.get(alarm_id).record.occurrence)  # type: ignore[union-attr]
            await settle()
            assert tags.alerts == [("sos-1", Alert("mild", 5.0, False))]
            assert [(event["event"], event["device"]) for event in events(journal)] == [("answer.given", "sos-1")]


def test_a_call_that_is_over_already_is_answered_too_and_the_next_one_again() -> None:
    @virtual
    async def _() -> None:
        async with answering() as (stage, tags, _journal):
            for count in (1, 2):
                alarm_id = await call(stage, kind="fall")
                await call(stage, kind="fall", active=False)
                await acknowledge(stage, alarm_id)
                await elapse(1)
                assert len(tags.alerts) == count


def test_what_is_no_call_no_tag_a_drill_or_not_wanted_is_left_alone() -> None:
    @virtual
    async def _() -> None:
        async with answering() as (stage, tags, _journal):
            await acknowledge(stage, await call(stage, kind="leak"))
            await acknowledge(stage, await call(stage, device="band-1"))
            await acknowledge(stage, await call(stage, device="gone"))
            await acknowledge(stage, await call(stage, test=True))
            assert tags.alerts == []
        async with answering(Answer("off")) as (stage, tags, _journal):
            await acknowledge(stage, await call(stage))
            assert tags.alerts == []


def test_a_failure_is_an_event_with_its_reason() -> None:
    @virtual
    async def _() -> None:
        async with answering() as (stage, tags, journal):
            tags.fault = wearable_fault("alert_unheard", "sos-1")
            await acknowledge(stage, await call(stage))
            (event,) = events(journal)
            assert event["event"] == "answer.failed"
            assert event["details"]["code"] == "device.alert_unheard"


def test_a_tag_that_hangs_delays_neither_acknowledgements_nor_other_tags() -> None:
    @virtual
    async def _() -> None:
        async with answering() as (stage, tags, _journal):
            tags.hangs = True
            await acknowledge(stage, await call(stage))
            tags.hangs = False
            alarm_id = await call(stage, device="sos-2")
            await acknowledge(stage, alarm_id)
            assert [device for device, _ in tags.alerts] == ["sos-1", "sos-2"]
            assert stage.book.get(alarm_id).state == "acknowledged"  # type: ignore[union-attr]


def test_a_restart_answers_nothing_twice() -> None:
    @virtual
    async def _() -> None:
        async with answering() as (stage, tags, journal):
            alarm_id = await call(stage)
            await acknowledge(stage, alarm_id)
            assert len(tags.alerts) == 1
        async with answering(journal=journal) as (stage, tags, _journal):
            assert stage.book.get(alarm_id) is not None
            await elapse(5)
            assert tags.alerts == []
