"""Whatever is sent twice and wherever the gateway is killed: at most one execution, exactly one outcome."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.commands.dispatcher import Commands, Data, Order
from courtyard.agent.commands.freshness import Arrival
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import instant
from courtyard.buffer import Appended
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, VirtualClock, examples, settle, virtual

KINDS = {"read": {"device": "wm-1"}, "output": {"output": "siren", "action": "release"}, "sync": {}}


def payload(number: int, kind: str) -> bytes:
    message = {
        "v": 1,
        "id": f"c-{number}",
        "kind": kind,
        "issued_at": instant(START_MS),
        "expires_at": instant(START_MS + 60_000),
        "origin": "operator:li",
        "args": KINDS[kind],
    }
    return msgspec.json.encode(message)


class World:
    """What outlives the process: the journal, and what really happened."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.executed: Counter[str] = Counter()
        self.sent: dict[str, str] = {}
        self.answers: dict[str, set[tuple[str, str | None]]] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.start()

    def start(self) -> None:
        recorder = Recorder(self.journal, VirtualClock(), lambda device: "here")

        async def handle(args: Any, order: Order) -> Data | asyncio.Future[Appended]:
            also = order.done({})
            (command_id,) = also.state
            self.executed[command_id.removeprefix("command/")] += 1
            await settle(2)
            if "sync" in self.sent[command_id.removeprefix("command/")]:
                return recorder.put(also.entries, also.state)
            return {}

        self.commands = Commands(recorder, gateway="gw", handlers=dict.fromkeys(KINDS, handle))

    def crash(self) -> None:
        self.journal = self.journal.crash()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        self.tasks.clear()
        self.start()

    def send(self, number: int, kind: str) -> None:
        command_id = f"c-{number}"
        kind = self.sent.setdefault(command_id, kind)
        self.tasks.append(asyncio.create_task(self._send(command_id, payload(number, kind))))

    async def _send(self, command_id: str, message: bytes) -> None:
        answer = await self.commands.execute(message, Arrival("community"))
        assert answer is not None
        outcome = msgspec.json.decode(answer)
        self.answers.setdefault(command_id, set()).add((outcome["result"], outcome.get("reason")))


step = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 3), st.sampled_from(sorted(KINDS))),
    st.tuples(st.just("turns"), st.integers(1, 12), st.none()),
    st.tuples(st.sampled_from(("crash", "stuck", "disk")), st.none(), st.none()),
)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(step, max_size=30))
def test_at_most_one_execution_and_exactly_one_outcome(steps: list[tuple[str, Any, Any]]) -> None:
    async def main() -> None:
        world = World()
        for what, first, second in steps:
            match what:
                case "send":
                    world.send(first, second)
                case "turns":
                    await settle(first)
                case "crash":
                    world.crash()
                case "stuck":
                    world.journal.hold()
                case _:
                    world.journal.release()
        world.journal.release()
        for command_id in list(world.sent):  # the platform never gave up: everything arrives once more
            world.send(int(command_id.removeprefix("c-")), "")
        await asyncio.gather(*world.tasks)
        told = Counter(str(details["id"]) for details in world.journal.events("command.outcome"))
        assert told == Counter(dict.fromkeys(world.sent, 1))
        assert all(len(answers) == 1 for answers in world.answers.values())
        assert all(count == 1 for count in world.executed.values())

    virtual(main)
