"""Takes commands in, executes each at most once, and gives each exactly one outcome, through crashes too.

Invariants
1. Before a command is executed, the journal has its id; before its outcome is told, the journal has the outcome.
2. A second arrival of an id is never executed: it is answered with the outcome of the first.
3. A start gives every command that it finds without an outcome the one that its kind declares: `failed` where
   nothing can have happened, `unknown` where a device may or may not have moved.
4. Kinds whose effect is itself a record (acknowledge, clear, ...) are kept in one append with their outcome.
5. Every arrival leaves an event; size, lifetime, number at once and number remembered are bounded.
6. An execution belongs to the dispatcher: a connection that breaks does not interrupt it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from courtyard.agent.commands.freshness import MAX_LIFETIME_MS, Arrival, remaining_ms, times
from courtyard.agent.commands.kinds import KINDS, Kind
from courtyard.agent.commands.ledger import CAPACITY, FLOOR, PREFIX, CommandLedger, Remembered, state_of
from courtyard.agent.commands.reading import read_arguments, read_command, read_id
from courtyard.agent.recorder import NOTHING, Also, Recorder, State
from courtyard.agent.records import Command, Details, Outcome, Result, encode, instant
from courtyard.agent.refusal import Refusal
from courtyard.buffer import Appended, Entry, JournalBusy, JournalError
from courtyard.drivers.base import DriverError, Scalar, Text

MAX_RUNNING: Final = 16
MAX_TAKEN: Final = 256
"""Commands that are executed or wait for their turn."""
MAX_AUDIT: Final = 500

Data = Mapping[str, Scalar | Details | None]
NO_DATA: Final[Data] = MappingProxyType({})


class Order(NamedTuple):
    """One accepted command, as its handler sees it."""

    person: str
    """Whose act it is, and through whom it came: `community/operator:li`."""
    arrival: Arrival
    done: Callable[[Data], Also]
    """The outcome `done` with its data, as what must be kept together with the effect."""


Handler = Callable[[Any, Order], Awaitable["Data | asyncio.Future[Appended]"]]
"""Executes one kind.  Returns what the outcome carries, or the append that keeps the effect with `Order.done`.

Raises Refusal for what is not allowed, DriverError for what a device does not do.
"""


class Why(NamedTuple):
    """The reason of an outcome: a stable code and a sentence."""

    code: str
    text: Text


def _why(refusal: Refusal) -> Why:
    return Why(refusal.code, refusal.text)


class _Running(NamedTuple):
    digest: str
    task: asyncio.Task[Outcome | None]


class Commands:
    """Used from the event loop only.  Kinds without a handler are refused."""

    def __init__(
        self, recorder: Recorder, *, gateway: str, handlers: Mapping[str, Handler], capacity: int = CAPACITY
    ) -> None:
        self._recorder, self._gateway, self._handlers = recorder, gateway, handlers
        self._running: dict[str, _Running] = {}
        self._turn = asyncio.Semaphore(MAX_RUNNING)
        journal = recorder.journal
        self._ledger = CommandLedger(journal.state(PREFIX), journal.state(FLOOR), capacity=capacity)
        self._settle_interrupted()

    async def execute(self, payload: bytes, arrival: Arrival) -> bytes | None:
        """Returns the encoded outcome; never raises.

        None when there is none to tell: the message names no command, there is no room to remember it (it is dropped
        and will expire), or the journal is closed (the next start gives what was taken on its outcome).
        """
        try:
            command = read_command(payload)
        except Refusal as refusal:
            details = {
                "via": arrival.via,
                "reason": refusal.code,
                "text": payload[:MAX_AUDIT].decode("utf-8", "replace"),
            }
            self._recorder.event("command.unreadable", {**details})
            command_id = read_id(payload)
            return None if command_id is None else encode(self._outcome(command_id, "", "refused", _why(refusal)))
        digest = hashlib.blake2b(payload, digest_size=16).hexdigest()
        try:
            outcome = await self._answer(command, digest, arrival)
        except JournalError:
            return None
        return None if outcome is None else encode(outcome)

    async def close(self) -> None:
        """Stops what is being executed; the next start gives it its outcome."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _answer(self, command: Command, digest: str, arrival: Arrival) -> Outcome | None:
        running, known = self._running.get(command.id), self._ledger.get(command.id)
        first = running or known
        if first is None:
            if len(self._running) >= MAX_TAKEN:
                self._drop(command, arrival)
                return None
            task = asyncio.create_task(self._first(command, digest, arrival))
            running = self._running[command.id] = _Running(digest, task)
            task.add_done_callback(lambda _: self._running.pop(command.id))
        else:
            self._recorder.event("command.repeated", {"id": command.id, "kind": command.kind, "via": arrival.via})
            if first.digest != digest:
                return self._outcome(command.id, command.kind, "refused", _REUSED)
        if running is not None:
            return await asyncio.shield(running.task)
        assert known is not None
        return known.outcome or await self._conclude(known, self._interrupted(known, _LOST), NOTHING.state)

    async def _first(self, command: Command, digest: str, arrival: Arrival) -> Outcome | None:
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        async with self._turn:
            if arrival.remaining_s is not None:
                arrival = arrival._replace(remaining_s=arrival.remaining_s - (loop.time() - arrived))
            return await self._take(command, digest, arrival)

    async def _take(self, command: Command, digest: str, arrival: Arrival) -> Outcome | None:
        clock, now_ms = self._recorder.clock, self._recorder.clock.wall_ms()
        room = self._ledger.make_room(None if clock.quality == "unsynced" else now_ms)
        if self._ledger.full:
            self._drop(command, arrival)
            return None
        this = Remembered(command.id, command.kind, command.origin, digest, now_ms + MAX_LIFETIME_MS)
        try:
            kind, handler, args = self._understand(command, arrival)
            when = times(command)
            this = msgspec.structs.replace(this, expires_ms=when.expires_ms)
            left_ms = remaining_ms(when, arrival, now_ms, clock.quality, actuates=kind.actuates)
        except Refusal as refusal:
            return await self._conclude(this, self._outcome(command.id, command.kind, "refused", _why(refusal)), room)
        if left_ms <= 0 or self._ledger.is_past(when.expires_ms):
            return await self._conclude(this, self._outcome(command.id, command.kind, "expired", _EXPIRED), room)
        deadline = asyncio.get_running_loop().time() + min(left_ms / 1000, kind.timeout_s)
        details: Details = {
            "id": command.id,
            "kind": command.kind,
            "origin": command.origin,
            "via": arrival.via,
            "args": bytes(command.args)[:MAX_AUDIT].decode("utf-8", "replace"),
        }
        await self._keep((self._recorder.event_entry("command.accepted", details),), {**room, **state_of(this)})
        self._ledger.note(this)
        if asyncio.get_running_loop().time() >= deadline:
            return await self._conclude(
                this, self._outcome(command.id, command.kind, "expired", _EXPIRED), NOTHING.state
            )
        return await self._run(this, kind, handler, args, arrival, deadline)

    def _understand(self, command: Command, arrival: Arrival) -> tuple[Kind, Handler, msgspec.Struct]:
        if arrival.retained:
            raise Refusal(*_RETAINED)
        kind, handler = KINDS.get(command.kind), self._handlers.get(command.kind)
        if kind is None or handler is None:
            known = ", ".join(sorted(self._handlers))
            raise Refusal(
                "kind.unknown",
                Text(
                    f"No command {command.kind!r} here; known: {known}.",
                    f"没有命令 {command.kind!r}；可用命令：{known}。",
                ),
            )
        return kind, handler, read_arguments(command, kind)

    async def _run(
        self,
        this: Remembered,
        kind: Kind,
        handler: Handler,
        args: msgspec.Struct,
        arrival: Arrival,
        deadline: float,
    ) -> Outcome:
        kept: list[Outcome] = []

        def done(data: Data) -> Also:
            kept.append(self._outcome(this.id, this.kind, "done", data=data))
            return Also((self._told(this, kept[-1]),), state_of(msgspec.structs.replace(this, outcome=kept[-1])))

        try:
            async with asyncio.timeout_at(deadline):
                effect = await handler(args, Order(f"{arrival.via}/{this.origin}", arrival, done))
        except Refusal as refusal:
            outcome = self._outcome(this.id, this.kind, "refused", _why(refusal))
        except DriverError as error:
            fault = error.fault
            words = Text(f"{fault.what.en} {fault.cure.en}", f"{fault.what.zh}{fault.cure.zh}")
            outcome = self._outcome(this.id, this.kind, "failed", Why(fault.code, words))
        except TimeoutError:
            outcome = self._outcome(this.id, this.kind, kind.interrupted, _TIMEOUT)
        except Exception as error:  # a defect of one handler must neither stop the daemon nor leave a wish unanswered
            words = Text(f"A defect of the gateway: {error!r}.", f"网关自身的缺陷：{error!r}。")
            outcome = self._outcome(this.id, this.kind, kind.interrupted, Why("defect", words))
        else:
            if isinstance(effect, asyncio.Future):
                await asyncio.shield(effect)
                self._ledger.note(msgspec.structs.replace(this, outcome=kept[-1]))
                return kept[-1]
            outcome = self._outcome(this.id, this.kind, "done", data=effect)
        return await self._conclude(this, outcome, NOTHING.state)

    async def _conclude(self, this: Remembered, outcome: Outcome, room: State) -> Outcome:
        concluded = msgspec.structs.replace(this, outcome=outcome)
        await self._keep((self._told(this, outcome),), {**room, **state_of(concluded)})
        self._ledger.note(concluded)
        return outcome

    def _drop(self, command: Command, arrival: Arrival) -> None:
        """Nothing is told that could not be remembered."""
        self._recorder.event("command.dropped", {"id": command.id, "kind": command.kind, "via": arrival.via})

    async def _keep(self, entries: Sequence[Entry], state: State) -> None:
        while True:
            try:
                await asyncio.shield(self._recorder.put(entries, state))
            except JournalBusy:
                await self._recorder.drained()
            else:
                return

    def _settle_interrupted(self) -> None:
        for command_id in self._ledger.unreadable:
            self._recorder.event("command.state.unreadable", {"id": command_id})
        for this in self._ledger:
            if this.outcome is None:
                settled = msgspec.structs.replace(this, outcome=(outcome := self._interrupted(this, _RESTART)))
                self._recorder.put((self._told(this, outcome),), state_of(settled))
                self._ledger.note(settled)

    def _interrupted(self, this: Remembered, why: Why) -> Outcome:
        result = KINDS[this.kind].interrupted if this.kind in KINDS else "unknown"
        return self._outcome(this.id, this.kind, result, why)

    def _outcome(
        self, command_id: str, kind: str, result: Result, why: Why | None = None, *, data: Data = NO_DATA
    ) -> Outcome:
        at = instant(self._recorder.clock.wall_ms())
        code, text = why or (None, Text("", ""))
        return Outcome(1, self._gateway, command_id, kind, result, at, code, text.en, text.zh, dict(data))

    def _told(self, this: Remembered, outcome: Outcome) -> Entry:
        details: Details = {
            "id": this.id,
            "kind": this.kind,
            "origin": this.origin,
            "result": outcome.result,
            "reason": outcome.reason,
        }
        return self._recorder.event_entry("command.outcome", details)


_REUSED: Final = Why("id.reused", Text("This id belongs to another command.", "该编号已被其他命令使用。"))
_RETAINED: Final = Why("retained", Text("Commands must not be retained messages.", "命令不能作为保留消息发送。"))
_EXPIRED: Final = Why("expired", Text("The command came after its deadline.", "命令到达时已过有效期。"))
_TIMEOUT: Final = Why("timeout", Text("It was not done in time.", "未能在规定时间内完成。"))
_LOST: Final = Why("interrupted", Text("Its execution was cut short.", "命令执行被中断。"))
_RESTART: Final = Why(
    "interrupted", Text("The gateway was restarted while it executed this.", "网关在执行该命令时重新启动。")
)
