"""Each kind reaches the part of the gateway that it names, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from courtyard.agent.commands.dispatcher import Commands
from courtyard.agent.commands.freshness import Arrival
from courtyard.agent.commands.handlers import HOLDER, Ports, handlers
from courtyard.agent.commands.kinds import KINDS
from courtyard.agent.records import instant
from courtyard.drivers.base import Reading, Scalar
from tests.gateway_rig import START_MS, Gateway, gateway, settle, virtual

ALARM = "wm-1:leak:a"


class Site:
    """The parts that handlers reach, as notes of what was asked; alarms are real."""

    def __init__(self) -> None:
        self.gateway, self.journal = gateway()
        self.asked: list[tuple[Any, ...]] = []
        ports = Ports(
            acts=self.gateway.acts,
            wall_ms=self.gateway.clock.wall_ms,
            sync=self.gateway.engine.sync,
            resend=lambda *asked: self.note("resend", *asked) or 7,
            hold=self.hold,
            drop=lambda *asked: self.note("drop", *asked) or 1,
            silence=lambda *asked: self.note("silence", *asked) or 2,
            read=self.read,
            write=self.write,
            writable=lambda: {("pump-1", "speed")},
        )
        self.handlers = handlers(ports)
        self.commands = Commands(self.gateway.recorder, gateway="gw-0007", handlers=self.handlers)
        self.number = 0

    def note(self, *asked: Any) -> int:
        self.asked.append(asked)
        return 0

    async def hold(self, *asked: Any) -> None:
        self.note("hold", *asked)

    async def read(self, device: str) -> Reading:
        return Reading(
            device, START_MS, 0, {"water.flow": -0.0, "water.pressure": None}, {"water.pressure": "bad:range"}
        )

    async def write(self, device: str, target: str, value: Scalar) -> None:
        self.note("write", device, target, value)

    async def send(self, kind: str, via: str = "community", **args: Any) -> dict[str, Any]:
        self.number += 1
        now_ms = self.gateway.clock.wall_ms()
        message = {
            "v": 1,
            "id": f"c-{self.number}",
            "kind": kind,
            "issued_at": instant(now_ms),
            "expires_at": instant(now_ms + 60_000),
            "origin": "operator:li",
            "args": args,
        }
        arrival = Arrival(via, local=via == "page")
        answer = await self.commands.execute(msgspec.json.encode(message), arrival)
        assert answer is not None
        return dict(msgspec.json.decode(answer))


def alarmed(gateway: Gateway) -> int:
    gateway.engine.apply(gateway.condition())
    alarm = gateway.book.get(ALARM)
    assert alarm is not None
    return alarm.record.occurrence


def test_every_kind_has_a_handler() -> None:
    async def main() -> None:
        assert set(Site().handlers) == set(KINDS)

    virtual(main)


def test_alarm_commands_are_acts_of_the_person_who_sent_them() -> None:
    async def main() -> None:
        site = Site()
        occurrence = alarmed(site.gateway)
        assert (await site.send("received", alarm_id=ALARM, occurrence=occurrence))["result"] == "done"
        shelved = await site.send("shelve", alarm_id=ALARM, reason="works", for_s=60)
        assert shelved["data"] == {"until": instant(START_MS + 60_000)}
        assert (await site.send("unshelve", alarm_id=ALARM, reason="over"))["result"] == "done"
        done = await site.send("acknowledge", alarm_id=ALARM, reason="on my way", occurrence=occurrence)
        assert done["result"] == "done"
        assert (await site.send("clear", alarm_id=ALARM, reason="mended"))["result"] == "done"
        records = site.journal.records("alarm")
        assert [record["action"] for record in records] == ["raise", "shelve", "unshelve", "acknowledge", "clear"]
        assert records[-2]["acknowledged_by"] == "community/operator:li"
        assert records[-1]["cleared_by"] == "community/operator:li"
        assert site.journal.events("alarm.received")[0]["by"] == "community"
        results = [details["result"] for details in site.journal.events("command.outcome")]
        assert results == ["done"] * 5

    virtual(main)


def test_what_the_alarm_does_not_allow_is_refused_with_its_words() -> None:
    async def main() -> None:
        site = Site()
        outcome = await site.send("acknowledge", alarm_id=ALARM, reason="why")
        assert (outcome["result"], outcome["reason"]) == ("refused", "alarm.unknown")
        results = [details["result"] for details in site.journal.events("command.outcome")]
        assert results == ["refused"]

    virtual(main)


def test_sync_and_resend_serve_the_platform_that_asks() -> None:
    async def main() -> None:
        site = Site()
        alarmed(site.gateway)
        assert (await site.send("sync"))["data"] == {"count": 1}
        await settle()
        assert len(site.journal.records("alarm")) == 2
        args: dict[str, Any] = {"epoch": "6f3a91c2", "lane": "reading", "from": 3, "to": 9}
        assert (await site.send("resend", **args))["data"] == {"count": 7}
        assert site.asked == [("resend", "community", "6f3a91c2", "reading", 3, 9)]
        assert (await site.send("resend", via="page", **args))["reason"] == "resend.local"

    virtual(main)


def test_outputs_are_held_and_released_on_behalf_of_all_operators() -> None:
    async def main() -> None:
        site = Site()
        assert (await site.send("output", output="siren", action="hold", ttl_s=5))["data"] == {"for_s": 5.0}
        assert (await site.send("output", output="siren", action="hold"))["reason"] == "output.ttl"
        assert (await site.send("output", output="siren", action="release"))["data"] == {"released": 1}
        assert site.asked == [("hold", "siren", HOLDER, 5.0), ("drop", "siren", HOLDER)]

    virtual(main)


def test_a_test_read_tells_fit_values() -> None:
    async def main() -> None:
        outcome = await Site().send("read", device="wm-1")
        assert outcome["data"] == {
            "at": instant(START_MS),
            "values": {"water.flow": 0.0, "water.pressure": None},
            "quality": {"water.pressure": "bad:range"},
        }

    virtual(main)


@pytest.mark.parametrize(("target", "result"), [("speed", "done"), ("siren", "refused")])
def test_only_what_the_site_lists_is_written(target: str, result: str) -> None:
    async def main() -> None:
        site = Site()
        outcome = await site.send("write", device="pump-1", target=target, value=40)
        assert outcome["result"] == result
        assert site.asked == ([("write", "pump-1", "speed", 40)] if result == "done" else [])

    virtual(main)
