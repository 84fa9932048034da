"""Escalations joined to alarms, outputs, messages and the journal, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from courtyard.agent.escalation.escalations import Escalations, Ports, awaited_of
from courtyard.agent.escalation.handed import Handed
from courtyard.agent.escalation.sequence import sequences
from courtyard.agent.escalation.texts import message
from courtyard.agent.outputs.demands import Demands
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.records import AlarmRecord
from courtyard.drivers.base import DriverError, Fault, Scalar, Text
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import Gateway, elapse, meter, settle, site, virtual

FIRE = "wm-1:fire:a"
UPLINKS = [
    {"name": "community", "url": "mqtt://localhost"},
    {"name": "fire", "url": "tcp://h:1", "format": "gb26875", "station": {"address": 7}, "only_escalated": True},
]
STEPS = [
    {"kind": "output", "after": 30, "output": "siren"},
    {"kind": "sms", "after": 60, "numbers": ["119", "120"]},
    {"kind": "uplink", "after": 90, "uplink": "fire"},
]
TABLES: dict[str, object] = {
    "lines": [{"kind": "tcp", "name": "rs485-1", "host": "127.0.0.1"}],
    "devices": [meter()],
    "uplinks": UPLINKS,
    "outputs": [{"name": "siren", "device": "wm-1", "target": "coil", "cap": 120}],
    "escalations": [{"name": "life", "steps": STEPS}],
}


class Box:
    """A gateway with a siren that can fail and telephones that can be out of reach."""

    def __init__(self, journal: FakeJournal | None = None) -> None:
        self.journal = journal or FakeJournal()
        self.gateway = Gateway(self.journal, site(**TABLES))
        self.siren = False
        self.switched: list[tuple[float, bool]] = []
        self.messages: list[tuple[str, str]] = []
        self.relay_works = self.network = True
        recorder = self.gateway.recorder
        self.outputs = Outputs(self.gateway.site.outputs, recorder, self._write, self.gateway.pipeline.say)
        self.handed = Handed(recorder)
        ports = Ports(lambda told: Demands(self.outputs, told), self._send, self.handed)
        self.escalations = Escalations(recorder, self.gateway.book, ports, lambda: self.gateway.site)
        self._tasks = [asyncio.create_task(self.outputs.run()), asyncio.create_task(self.escalations.run())]

    async def _write(self, device: str, target: str, value: Scalar) -> None:
        if not self.relay_works:
            raise DriverError(Fault("device.silent", Text("", ""), Text("", "")), device)
        if self.siren != bool(value):
            self.siren = bool(value)
            self.switched.append((asyncio.get_running_loop().time(), self.siren))

    async def _send(self, number: str, text: str) -> None:
        await elapse(2)
        if not self.network:
            raise DriverError(Fault("sms.network", Text("", ""), Text("", "")))
        self.messages.append((number, text))

    def fire(self, source: str = "a", *, test: bool = False, full: bool = False) -> None:
        condition = self.gateway.condition(kind="fire", severity=1, source=source, test=test)
        if full:
            condition = msgspec.structs.replace(condition, details={"full": True})
        self.gateway.engine.apply(condition)

    def record(self, alarm_id: str = FIRE) -> AlarmRecord:
        alarm = self.gateway.book.get(alarm_id)
        assert alarm is not None
        return alarm.record

    def received(self, by: str = "community") -> None:
        self.gateway.acts.received(by, FIRE, self.record().occurrence)

    def results(self, step: str) -> list[str]:
        events = self.journal.events("escalation.step")
        return [each["result"] for each in events if each["step"].startswith(step)]

    async def crash(self) -> Box:
        await self.stop()
        return Box(self.journal.crash())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


def boxed(test: Callable[[Box], Awaitable[None]]) -> Callable[[], None]:
    """Runs the test with a box of its own, on a virtual clock."""

    def run() -> None:
        async def main() -> None:
            box = Box()
            await settle()
            await test(box)
            await box.stop()

        virtual(main)

    run.__name__ = getattr(test, "__name__", "run")
    return run


@boxed
async def test_the_whole_sequence_without_a_platform(box: Box) -> None:
    box.fire()
    await elapse(29)
    assert not box.siren
    await elapse(2)
    assert box.siren
    await elapse(30)
    assert box.messages == []
    await elapse(8)
    assert [number for number, _ in box.messages] == ["119", "120"]
    assert "火警" in box.messages[0][1]
    await elapse(25)
    assert box.handed.wants("fire", FIRE)
    assert not box.handed.wants("fire", "wm-1:fire:b")
    assert [record["action"] for record in box.journal.records("alarm")] == ["raise", "raise"]
    assert box.results("output:siren") == ["trying", "done"]
    assert box.results("sms:") == ["trying", "reached", "reached", "done"]
    assert box.results("uplink:fire") == ["trying"]


@boxed
async def test_a_receipt_in_time_keeps_it_quiet(box: Box) -> None:
    box.fire()
    await elapse(5)
    box.received()
    await elapse(600)
    assert (box.switched, box.messages) == ([], [])
    assert len(box.journal.events("escalation.received")) == 1


@boxed
async def test_a_person_ends_the_siren_at_once(box: Box) -> None:
    box.fire()
    await elapse(31)
    assert box.siren
    box.gateway.acts.acknowledge(FIRE, "li", "on my way")
    await elapse(1)
    assert not box.siren
    await elapse(600)
    assert box.messages == []
    assert box.journal.state("escalation/") == {}


@boxed
async def test_silencing_ends_the_siren_and_nothing_else(box: Box) -> None:
    box.fire()
    await elapse(31)
    assert box.escalations.silence(FIRE) == 1
    await elapse(1)
    assert not box.siren
    assert box.record().state == "raised"
    await elapse(40)
    assert len(box.messages) == 2
    assert box.escalations.silence(FIRE) == 0


@boxed
async def test_the_siren_ends_at_its_cap_and_stays_off(box: Box) -> None:
    box.fire()
    await elapse(31 + 125)
    assert not box.siren
    await elapse(600)
    assert len(box.switched) == 2
    assert box.results("output:siren") == ["trying", "done", "ended"]


@boxed
async def test_a_siren_that_does_not_obey_brings_the_message_forward(box: Box) -> None:
    box.relay_works = False
    box.fire()
    await elapse(59)
    assert [number for number, _ in box.messages] == ["119", "120"]
    box.relay_works = True
    await elapse(120)
    assert box.siren


@boxed
async def test_messages_are_tried_three_times_and_no_more(box: Box) -> None:
    box.network = False
    box.fire()
    await elapse(600)
    assert box.results("sms:") == ["trying", "failed attempt", "trying", "failed attempt", "trying", "failed"]


@boxed
async def test_a_number_that_has_the_message_does_not_get_it_again(box: Box) -> None:
    box.fire()
    await elapse(62.5)
    box.network = False
    await elapse(5)
    box.network = True
    await elapse(30)
    assert [number for number, _ in box.messages] == ["119", "120"]


@boxed
async def test_a_fire_of_many_detectors_shares_messages(box: Box) -> None:
    for number in range(40):
        box.fire(f"d{number}")
    await elapse(75)
    assert len(box.messages) == 2
    assert "39" in box.messages[0][1]
    assert len([each for each in box.journal.events("escalation.step") if each["result"] == "done"]) == 80


@boxed
async def test_a_drill_moves_nothing(box: Box) -> None:
    box.fire(test=True)
    await elapse(600)
    assert (box.switched, box.messages, box.journal.events("escalation.begun")) == ([], [], [])


@boxed
async def test_a_full_drill_does_everything_and_says_that_it_is_one(box: Box) -> None:
    box.fire(test=True, full=True)
    await elapse(70)
    assert box.siren
    assert "演习" in box.messages[0][1]
    assert all(
        record.get("test") for record in box.journal.records("event") if record["event"].startswith("escalation")
    )
    box.gateway.acts.clear(f"{FIRE}:test", "drill", "over")
    await elapse(1)
    assert not box.siren


@boxed
async def test_a_real_fire_during_a_drill_is_a_real_fire(box: Box) -> None:
    box.fire(test=True)
    await elapse(10)
    box.fire()
    await elapse(31)
    assert box.siren
    await elapse(40)
    assert "演习" not in box.messages[0][1]


def test_a_crash_between_the_steps_loses_and_repeats_nothing() -> None:
    async def main() -> None:
        box = Box()
        await settle()
        box.fire()
        await elapse(45)
        box = await box.crash()
        await elapse(1)
        assert box.siren
        await elapse(25)
        assert [number for number, _ in box.messages] == ["119", "120"]
        box = await box.crash()
        await elapse(300)
        assert box.messages == []
        assert box.handed.wants("fire", FIRE)
        await box.stop()

    virtual(main)


def test_what_a_person_took_on_before_a_crash_stays_quiet() -> None:
    async def main() -> None:
        box = Box()
        await settle()
        box.fire()
        await elapse(31)
        box.gateway.acts.acknowledge(FIRE, "li", "on my way")
        box = await box.crash()
        await elapse(300)
        assert (box.switched, box.messages) == ([], [])
        assert box.journal.state("escalation/") == {}
        await box.stop()

    virtual(main)


@boxed
async def test_an_unreadable_state_does_not_stop_the_others(box: Box) -> None:
    await box.journal.append((), {"escalation/life/x": b"{"})
    again = await box.crash()
    await elapse(1)
    assert len(again.journal.events("escalation.state.unreadable")) == 1
    again.fire()
    await elapse(31)
    assert again.siren
    await again.stop()


@boxed
async def test_an_alarm_handed_over_is_handed_until_its_end(box: Box) -> None:
    box.fire()
    await elapse(95)
    box.handed.end("fire", FIRE)
    await elapse(1)
    assert not box.handed.wants("fire", FIRE)
    assert box.journal.state("handed/") == {}


def test_the_sequence_can_be_read_aloud() -> None:
    (line,) = sequences(site(**TABLES))
    assert line.en == "life: 0 s community; after 30 s siren; after 60 s SMS to 2 numbers; after 90 s fire"
    assert line.zh == "life：0 秒 community；30 秒后 siren；60 秒后 发短信至 2 个号码；90 秒后 fire"
    nobody = site(**{**TABLES, "uplinks": UPLINKS[1:]})
    assert next(sequences(nobody)).en.startswith("life: 0 s nobody confirms; ")


def test_who_is_awaited() -> None:
    assert awaited_of(site(**TABLES)) == {"community"}
    deaf = [{**UPLINKS[0], "commands": False}, {**UPLINKS[1], "only_escalated": False}]
    assert awaited_of(site(**{**TABLES, "uplinks": deaf})) == {"fire"}


@pytest.mark.parametrize(("language", "word"), [("en", "Fire"), ("zh-CN", "火警")])
def test_a_message_says_what_where_and_when(language: str, word: str) -> None:
    async def main() -> None:
        box = Box()
        box.fire()
        gateway = site(gateway={"id": "gw-7", "place": "370213/005/012/0007", "language": language}).gateway
        text = message(gateway, [box.record()] * 3, "3号楼")
        assert all(part in text for part in (word, "3号楼", "b03/u02", "gw-7", "14:30:15", "2"))
        assert "370213" not in text
        await box.stop()

    virtual(main)
