"""Commands are executed at most once, in time, and each has exactly one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from courtyard.agent.commands.dispatcher import MAX_RUNNING, MAX_TAKEN, Commands, Data, Handler, Order
from courtyard.agent.commands.freshness import Arrival
from courtyard.agent.commands.kinds import KINDS
from courtyard.agent.commands.ledger import MARGIN_MS
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import MAX_COMMAND_BYTES, ClockQuality, instant
from courtyard.agent.refusal import Refusal
from courtyard.buffer import Appended
from courtyard.drivers.base import DriverError, Fault, Text
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, VirtualClock, elapse, settle, virtual

COMMUNITY = Arrival("community")
SILENT = Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "请检查接线。"))


def command(kind: str = "read", command_id: str = "c-1", **more: Any) -> bytes:
    args = {"read": {"device": "wm-1"}, "output": {"output": "siren", "action": "hold", "ttl_s": 5}, "sync": {}}
    message = {
        "v": 1,
        "id": command_id,
        "kind": kind,
        "issued_at": instant(START_MS - 1000),
        "expires_at": instant(START_MS + 60_000),
        "origin": "operator:li",
        "args": args.get(kind, {}),
        **more,
    }
    return msgspec.json.encode({key: value for key, value in message.items() if value is not None})


class Rig:
    """A dispatcher whose handlers count, and do what the test says."""

    def __init__(
        self, journal: FakeJournal | None = None, clock: VirtualClock | None = None, *, capacity: int = 1000
    ) -> None:
        self.journal, self.clock = journal or FakeJournal(), clock or VirtualClock()
        self.executed: list[tuple[str, Any, str]] = []
        self.raises: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.recorder = Recorder(self.journal, self.clock, lambda device: "here")
        handlers: Mapping[str, Handler] = {
            "read": self.handle("read"),
            "output": self.handle("output"),
            "sync": self.handle("sync"),
        }
        self.commands = Commands(self.recorder, gateway="gw-0007", handlers=handlers, capacity=capacity)

    def handle(self, kind: str) -> Handler:
        async def handler(args: Any, order: Order) -> Data | asyncio.Future[Appended]:
            self.executed.append((kind, args, order.person))
            await self.gate.wait()
            if self.raises:
                raise self.raises
            if kind == "sync":
                also = order.done({"count": 3})
                return self.recorder.put(also.entries, {"effect": b"1", **also.state})
            return {"seen": True}

        return handler

    async def send(self, payload: bytes, arrival: Arrival = COMMUNITY) -> dict[str, Any]:
        answer = await self.commands.execute(payload, arrival)
        assert answer is not None
        return dict(msgspec.json.decode(answer))

    def outcomes(self) -> list[object]:
        return [details["result"] for details in self.journal.events("command.outcome")]


def test_a_command_is_executed_and_its_outcome_told_after_it_was_kept() -> None:
    async def main() -> None:
        rig = Rig()
        outcome = await rig.send(command())
        assert outcome == {
            "v": 1,
            "gateway": "gw-0007",
            "id": "c-1",
            "kind": "read",
            "result": "done",
            "at": instant(START_MS),
            "data": {"seen": True},
        }
        assert [person for _, _, person in rig.executed] == ["community/operator:li"]
        assert rig.journal.events("command.accepted")[0]["args"] == '{"device":"wm-1"}'
        assert rig.outcomes() == ["done"]

    virtual(main)


def test_nothing_is_executed_before_the_journal_has_its_id_nor_told_before_it_has_the_outcome() -> None:
    async def main() -> None:
        rig = Rig()
        rig.journal.hold()
        sending = asyncio.create_task(rig.send(command()))
        await elapse(1)
        assert rig.executed == []
        rig.journal.release()
        rig.journal.hold()
        await elapse(1)
        assert len(rig.executed) == 1
        assert not sending.done()
        rig.journal.release()
        assert (await sending)["result"] == "done"

    virtual(main)


@pytest.mark.parametrize("kind", ["read", "sync"])
def test_a_second_arrival_is_answered_and_never_executed_also_after_a_restart(kind: str) -> None:
    async def main() -> None:
        rig = Rig()
        first = await rig.send(command(kind))
        assert await rig.send(command(kind)) == first
        await settle()
        again = Rig(rig.journal.crash())
        assert await again.send(command(kind)) == first
        assert len(rig.executed) == 1
        assert again.executed == []
        await settle()
        assert rig.outcomes() == again.outcomes() == ["done"]
        assert len(again.journal.events("command.repeated")) == 2

    virtual(main)


def test_arrivals_during_the_execution_share_its_outcome_and_a_lost_connection_does_not_stop_it() -> None:
    async def main() -> None:
        rig = Rig()
        rig.gate.clear()
        senders = [asyncio.create_task(rig.send(command())) for _ in range(3)]
        await settle()
        senders[0].cancel()
        rig.gate.set()
        assert (await senders[1]) == (await senders[2])
        assert len(rig.executed) == 1
        assert rig.outcomes() == ["done"]

    virtual(main)


def test_an_id_used_for_another_command_is_refused() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.send(command())
        outcome = await rig.send(command("output"))
        assert (outcome["result"], outcome["reason"]) == ("refused", "id.reused")
        assert len(rig.executed) == 1

    virtual(main)


@pytest.mark.parametrize(("kind", "result"), [("read", "failed"), ("output", "unknown"), ("sync", "failed")])
def test_a_kill_between_execution_and_outcome_gives_the_declared_outcome_once(kind: str, result: str) -> None:
    async def main() -> None:
        rig = Rig()
        rig.gate.clear()
        sending = asyncio.create_task(rig.send(command(kind)))
        await settle()
        assert len(rig.executed) == 1
        again = Rig(rig.journal.crash())
        await settle()
        assert again.outcomes() == [result]
        outcome = await again.send(command(kind))
        assert (outcome["result"], outcome["reason"]) == (result, "interrupted")
        assert again.executed == []
        third = Rig(again.journal.crash())
        await settle()
        assert third.outcomes() == [result]
        sending.cancel()

    virtual(main)


def test_an_effect_that_is_a_record_is_kept_with_its_outcome_or_not_at_all() -> None:
    async def main() -> None:
        rig = Rig()
        rig.gate.clear()
        sending = asyncio.create_task(rig.send(command("sync")))
        await settle()
        rig.journal.hold()
        rig.gate.set()
        await settle()
        lost = Rig(rig.journal.crash())
        await settle()
        assert lost.outcomes() == ["failed"]
        assert lost.journal.state("effect") == {}
        rig.journal.closed = False
        rig.journal.release()
        assert (await sending)["data"] == {"count": 3}
        assert Rig(rig.journal.crash()).outcomes() == ["done"]
        assert rig.journal.state("effect") == {"effect": b"1"}

    virtual(main)


@pytest.mark.parametrize(
    ("error", "result", "reason"),
    [
        (Refusal("output.blocked", Text("Blocked.", "已联锁。")), "refused", "output.blocked"),
        (DriverError(SILENT, "wm-1"), "failed", "device.silent"),
        (RuntimeError("boom"), "unknown", "defect"),
    ],
)
def test_what_goes_wrong_is_told_in_both_languages(error: Exception, result: str, reason: str) -> None:
    async def main() -> None:
        rig = Rig()
        rig.raises = error
        outcome = await rig.send(command("output"))
        assert (outcome["result"], outcome["reason"]) == (result, reason)
        assert outcome["text_en"]
        assert outcome["text_zh"]
        assert rig.outcomes() == [result]

    virtual(main)


@pytest.mark.parametrize(("kind", "result"), [("read", "failed"), ("output", "unknown")])
def test_an_execution_ends_with_its_time(kind: str, result: str) -> None:
    async def main() -> None:
        rig = Rig()
        rig.gate.clear()
        start = asyncio.get_running_loop().time()
        outcome = await rig.send(command(kind, expires_at=instant(START_MS + 600_000)))
        assert (outcome["result"], outcome["reason"]) == (result, "timeout")
        assert asyncio.get_running_loop().time() - start == pytest.approx(KINDS[kind].timeout_s)
        short = await rig.send(command(kind, "c-2", expires_at=instant(rig.clock.wall_ms() + 2000)))
        assert short["reason"] == "timeout"
        assert asyncio.get_running_loop().time() - start == pytest.approx(KINDS[kind].timeout_s + 2)

    virtual(main)


@pytest.mark.parametrize(
    ("changes", "arrival", "result", "reason"),
    [
        ({"expires_at": instant(START_MS)}, COMMUNITY, "expired", "expired"),
        (
            {"issued_at": instant(START_MS - 90_000), "expires_at": instant(START_MS - 1)},
            COMMUNITY,
            "expired",
            "expired",
        ),
        ({}, Arrival("community", remaining_s=0), "expired", "expired"),
        ({"issued_at": "yesterday"}, COMMUNITY, "refused", "times.unreadable"),
        ({"issued_at": "2026-11-22T06:30:15"}, COMMUNITY, "refused", "times.unreadable"),
        ({"expires_at": instant(START_MS + 86_400_000)}, COMMUNITY, "refused", "times.lifetime"),
        ({"expires_at": instant(START_MS - 1000)}, COMMUNITY, "refused", "times.lifetime"),
        (
            {"issued_at": instant(START_MS + 400_000), "expires_at": instant(START_MS + 500_000)},
            COMMUNITY,
            "refused",
            "times.future",
        ),
        ({"kind": "reset"}, COMMUNITY, "refused", "kind.unknown"),
        ({"kind": "write"}, COMMUNITY, "refused", "kind.unknown"),
        ({"args": {}}, COMMUNITY, "refused", "args.invalid"),
        ({"args": {"device": "wm-1", "also": 1}}, COMMUNITY, "refused", "args.invalid"),
        ({"args": {"device": 7}}, COMMUNITY, "refused", "args.invalid"),
        ({}, Arrival("community", retained=True), "refused", "retained"),
        ({"v": 2}, COMMUNITY, "refused", "message.invalid"),
        ({"origin": None}, COMMUNITY, "refused", "message.invalid"),
    ],
)
def test_what_is_late_or_not_allowed_is_not_executed(
    changes: dict[str, Any], arrival: Arrival, result: str, reason: str
) -> None:
    async def main() -> None:
        rig = Rig()
        outcome = await rig.send(command(**changes), arrival)
        assert (outcome["result"], outcome["reason"]) == (result, reason)
        assert outcome["text_en"]
        assert outcome["text_zh"]
        assert rig.executed == []
        assert await rig.send(command(**changes), arrival) == outcome
        assert rig.outcomes() in ([result], [])

    virtual(main)


@pytest.mark.parametrize("payload", [b"", b"{", b"[1]", b"\xff\xfe", b'{"id":"../x"}', b" " * (MAX_COMMAND_BYTES + 1)])
def test_a_message_without_an_id_has_no_outcome_but_an_event(payload: bytes) -> None:
    async def main() -> None:
        rig = Rig()
        assert await rig.commands.execute(payload, COMMUNITY) is None
        await settle()
        assert len(rig.journal.events("command.unreadable")) == 1

    virtual(main)


class TestClocks:
    def unsynced(self, quality: ClockQuality = "unsynced") -> Rig:
        clock = VirtualClock(quality)
        clock.step_ms = -START_MS if quality == "unsynced" else 0
        return Rig(clock=clock)

    def test_without_a_clock_what_moves_something_needs_the_brokers_word(self) -> None:
        async def main() -> None:
            rig = self.unsynced()
            refused = await rig.send(command("output"))
            assert (refused["result"], refused["reason"]) == ("refused", "clock.unsynced")
            assert (await rig.send(command("read", "c-2")))["result"] == "done"
            old = await rig.send(command("output", "c-3"), Arrival("community", remaining_s=0.0))
            assert old["result"] == "expired"
            fresh = await rig.send(command("output", "c-4"), Arrival("community", remaining_s=30.0))
            assert fresh["result"] == "done"

        virtual(main)

    def test_a_clock_that_was_set_at_boot_is_good_enough(self) -> None:
        async def main() -> None:
            assert (await self.unsynced("rtc").send(command("output")))["result"] == "done"

        virtual(main)

    def test_the_status_page_stamps_with_the_same_clock(self) -> None:
        async def main() -> None:
            rig = self.unsynced()
            times = {"issued_at": instant(0), "expires_at": instant(60_000)}
            assert (await rig.send(command("output", **times), Arrival("page", local=True)))["result"] == "done"

        virtual(main)

    def test_nothing_is_forgotten_while_the_clock_is_not_trusted(self) -> None:
        async def main() -> None:
            rig = self.unsynced()
            await rig.send(command("read"))
            rig.clock.step_ms = 10**12
            await rig.send(command("read", "c-2"))
            assert len(rig.journal.state("command/")) == 2

        virtual(main)


class TestMemory:
    def test_ids_are_forgotten_after_their_deadline_and_cannot_come_back_with_a_clock_that_jumps(self) -> None:
        async def main() -> None:
            rig = Rig()
            await rig.send(command())
            rig.clock.step_ms = 60_000 + MARGIN_MS + 1
            later = {"issued_at": instant(rig.clock.wall_ms()), "expires_at": instant(rig.clock.wall_ms() + 60_000)}
            assert (await rig.send(command("read", "c-2", **later)))["result"] == "done"
            assert list(rig.journal.state("command/")) == ["command/c-2"]
            for step_ms in (rig.clock.step_ms, 0):
                again = Rig(rig.journal.crash())
                again.clock.step_ms = step_ms
                assert (await again.send(command()))["result"] == "expired"
                assert again.executed == []

        virtual(main)

    def test_the_number_remembered_is_bounded_and_refused_ones_make_room(self) -> None:
        async def main() -> None:
            rig = Rig(capacity=3)
            for number in range(10):
                assert (await rig.send(command("reset", f"junk-{number}")))["result"] == "refused"
            for number in range(3):
                assert (await rig.send(command("read", f"c-{number}")))["result"] == "done"
            assert await rig.commands.execute(command("read", "c-9"), COMMUNITY) is None
            await settle()
            assert rig.journal.events("command.dropped") == [{"id": "c-9", "kind": "read", "via": "community"}]
            assert len(rig.journal.state("command/")) == 3
            assert (await rig.send(command("read", "c-0")))["result"] == "done"
            assert len(rig.executed) == 3

        virtual(main)

    def test_the_number_at_once_is_bounded_and_others_wait_their_turn(self) -> None:
        async def main() -> None:
            rig = Rig()
            rig.gate.clear()
            senders = [asyncio.create_task(rig.send(command("read", f"c-{number}"))) for number in range(MAX_TAKEN)]
            await settle(20)
            assert len(rig.executed) == MAX_RUNNING
            assert await rig.commands.execute(command("read", "c-more"), COMMUNITY) is None
            rig.gate.set()
            assert [(await sender)["result"] for sender in senders] == ["done"] * MAX_TAKEN
            assert (await rig.send(command("read", "c-more")))["result"] == "done"

        virtual(main)

    def test_a_command_that_waited_too_long_for_its_turn_has_expired(self) -> None:
        async def main() -> None:
            rig = Rig(clock=VirtualClock("unsynced"))
            rig.gate.clear()
            arrival = Arrival("community", remaining_s=20.0)
            senders = [
                asyncio.create_task(rig.send(command("read", f"c-{number}"), arrival))
                for number in range(MAX_RUNNING + 1)
            ]
            results = [(await sender)["reason"] for sender in senders]
            assert results == ["timeout"] * MAX_RUNNING + ["expired"]

        virtual(main)

    def test_stopping_leaves_the_outcome_to_the_next_start(self) -> None:
        async def main() -> None:
            rig = Rig()
            rig.gate.clear()
            sending = asyncio.create_task(rig.send(command("output")))
            await settle()
            await rig.commands.close()
            with pytest.raises(asyncio.CancelledError):
                await sending
            again = Rig(rig.journal.crash())
            await settle()
            assert again.outcomes() == ["unknown"]

        virtual(main)

    def test_damaged_memory_is_named(self) -> None:
        async def main() -> None:
            journal = FakeJournal()
            await journal.append((), {"command/c-1": b"?"})
            rig = Rig(journal.crash())
            await settle()
            assert rig.journal.events("command.state.unreadable") == [{"id": "c-1"}]

        virtual(main)
