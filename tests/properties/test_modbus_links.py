"""Whatever arrives and whenever: an answer is the answer to its own request, or there is none.

Every simulated answer carries the number of its request in all registers, so that a mix-up shows in the values.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from courtyard.drivers.lines.settings import SerialLine, TcpLine
from courtyard.drivers.modbus.connection import CLOSED, make_link
from courtyard.drivers.modbus.link import Ask, LineDown, Link, NotYet, Records, Refused, Unanswered
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusProfile
from tests.modbus_rig import SERIAL, TCP, Slave, VirtualLine, elapse, examples, virtual

LATE_S = 2.0
DELAYS_S = (0.0, 0.01, 0.3, 0.6, 1.4, 1.9)
"""The time-out is half a second."""
LONG_DELAYS_S = (*DELAYS_S, 4.0, 9.0)
"""Up to almost five times the profile's late time."""
ANY_DELAYS_S = (*LONG_DELAYS_S, 30.0, 100.0)

Reply = tuple[float, bytes | ModbusPDU]
Behaviour = Callable[[ModbusPDU], list[Reply]]

asks = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 2]),
        st.integers(0, 3),
        st.sampled_from([6, 6, 6, 5, 2]),
        st.sampled_from([0.0, 0.0, 0.2, 3.0]),
    ),
    min_size=6,
    max_size=25,
)
"""Unit, address, quantity, pause before."""

most_registers = st.sampled_from([6, 125])
"""6 leaves no wider question than the widest asked here."""


def perhaps_refused(answer: ModbusPDU) -> st.SearchStrategy[ModbusPDU]:
    """The answer, or rarely a busy signal instead."""
    return st.sampled_from([answer, answer, answer, ExceptionResponse(3, 6)])


class Numbered:
    """Gives every request a number; answers hold it in every register."""

    def __init__(self) -> None:
        self.count = 0

    def answer(self, request: ModbusPDU) -> ModbusPDU:
        self.count += 1
        return ReadHoldingRegistersResponse(registers=[self.count] * request.count)


def ask_all(
    settings_: SerialLine | TcpLine,
    plan: list[tuple[int, int, int, float]],
    behaviour: Callable[[int, ModbusPDU, ModbusPDU], list[Reply]],
    disturb: Callable[[VirtualLine, Link], None] = lambda line, link: None,
    most: int = 125,
) -> tuple[int, Records]:
    """Asks one read after the other; returns how many were answered.  Fails on a mixed-up answer."""

    async def main() -> tuple[int, Records]:
        numbers = Numbered()
        slaves: dict[int, Slave] = {}
        for unit in range(1, 4):
            slave = slaves[unit] = Slave(dict.fromkeys(range(200), 0))

            def replies(request: ModbusPDU, right: ModbusPDU, unit: int = unit) -> list[Reply]:
                return behaviour(unit, request, numbers.answer(request))

            slave.replies = replies  # type: ignore[assignment]
        line = VirtualLine(slaves, settings_)
        records = Records()
        link = make_link(settings_, records, lambda fault: None)
        profile = ModbusProfile("", "", late_s=LATE_S, max_registers=most)
        answered = 0
        for unit, address, quantity, pause_s in plan:
            await elapse(pause_s)
            if not link.up:
                link.attach(await line.open(settings_, link))
            disturb(line, link)
            ask = Ask(unit, Read(3, address, quantity), profile, records[unit])
            while True:
                try:
                    payload = await link.read(ask)
                except NotYet as early:
                    await elapse(early.until - asyncio.get_running_loop().time())
                    continue
                except (Unanswered, Refused, LineDown):
                    break
                assert payload == struct.pack(">H", numbers.count & 0xFFFF) * quantity
                answered += 1
                break
        link.close(CLOSED)
        return answered, records

    return virtual(main)


@given(plan=asks, data=st.data(), most=most_registers)
@settings(max_examples=examples(60), deadline=None)
def test_late_answers_in_any_order_within_the_profiles_late_time(plan: Any, data: st.DataObject, most: int) -> None:
    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        if data.draw(st.integers(0, 4)) == 0:
            return []
        return [(data.draw(st.sampled_from(DELAYS_S)), data.draw(perhaps_refused(answer)))]

    ask_all(SERIAL, plan, behaviour, most=most)


@given(plan=asks, data=st.data(), most=most_registers)
@settings(max_examples=examples(60), deadline=None)
def test_late_answers_of_units_that_answer_in_turn_up_to_five_times_the_late_time(
    plan: Any, data: st.DataObject, most: int
) -> None:
    free_at: dict[int, float] = {}

    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        now = asyncio.get_running_loop().time()
        delay_s = data.draw(st.sampled_from(LONG_DELAYS_S))
        start = max(now + delay_s, free_at.get(unit, 0.0) + 0.02)
        free_at[unit] = start
        return [(start - now, data.draw(perhaps_refused(answer)))]

    ask_all(SERIAL, plan, behaviour, most=most)


@given(plan=asks, data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_late_answers_on_tcp_in_any_order_and_whatever_the_delay(plan: Any, data: st.DataObject) -> None:
    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        return [(data.draw(st.sampled_from(ANY_DELAYS_S)), answer)]

    ask_all(TCP, plan, behaviour)


@given(plan=asks, data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_noise_and_broken_frames_never_become_values(plan: Any, data: st.DataObject) -> None:
    junk = st.binary(max_size=12)

    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        answer.dev_id = unit
        frame = VirtualLine({}).frame(answer, unit, 0)
        kind = data.draw(st.sampled_from(["whole", "cut", "flip", "noisy", "twice", "foreign"]))
        if kind == "cut":
            frame = frame[: data.draw(st.integers(0, len(frame) - 1))]
        elif kind == "flip":
            at = data.draw(st.integers(0, len(frame) - 1))
            frame = frame[:at] + bytes([frame[at] ^ data.draw(st.integers(1, 255))]) + frame[at + 1 :]
        elif kind == "noisy":
            frame = data.draw(junk) + frame + data.draw(junk)
        elif kind == "foreign":
            frame = VirtualLine({}).frame(answer, unit % 247 + 1, 0)
        cut = data.draw(st.integers(0, len(frame)))
        return [(0.01, frame[:cut]), (0.012, frame[cut:])]

    ask_all(SERIAL, plan, behaviour)


@given(
    kind=st.sampled_from([SERIAL, TCP]),
    chunks=st.lists(st.tuples(st.sampled_from([0.0, 0.01, 0.6]), st.binary(max_size=300)), max_size=12),
)
@settings(max_examples=examples(100), deadline=None)
def test_any_bytes_at_any_time_raise_nothing_unexpected(kind: Any, chunks: list[tuple[float, bytes]]) -> None:
    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        return list(chunks)

    def disturb(line: VirtualLine, link: Link) -> None:
        if line.wire is not None:
            for _, chunk in chunks:
                line.wire.deliver(chunk)

    plan = [(1, 0, 4, 0.0), (2, 0, 4, 0.0), (1, 0, 5, 1.0)]
    answered, _ = ask_all(kind, plan, behaviour, disturb)
    assert answered == 0


def test_late_answers_are_counted_for_their_unit() -> None:
    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        return [(0.8 if unit == 1 else 0.01, answer)]

    plan = [(1, 0, 4, 0.0), (2, 0, 4, 0.0), (2, 0, 4, 0.5)]
    for kind in (SERIAL, TCP):
        answered, records = ask_all(kind, plan, behaviour)
        assert answered == 2
        assert records[1].counts == {"late_replies": 1}


def test_a_unit_without_another_way_to_ask_is_let_alone_and_then_proven() -> None:
    asked: list[tuple[float, int]] = []

    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        asked.append((asyncio.get_running_loop().time(), request.count))
        return [] if len(asked) == 1 else [(0.01, answer)]

    async def main() -> None:
        numbers = Numbered()
        slave = Slave(dict.fromkeys(range(10), 0))
        slave.replies = lambda request, right: behaviour(1, request, numbers.answer(request))
        line, records = VirtualLine({1: slave}), Records()
        link = make_link(SERIAL, records, lambda fault: None)
        link.attach(await line.open(SERIAL, link))
        ask = Ask(1, Read(3, 0, 6), ModbusProfile("", "", max_registers=6, late_s=LATE_S), records[1])
        with pytest.raises(Unanswered):
            await link.read(ask)
        with pytest.raises(NotYet) as early:
            await link.read(ask)
        assert early.value.until == pytest.approx(asked[0][0] + LATE_S)
        await elapse(early.value.until - asyncio.get_running_loop().time())
        assert await link.read(ask) == struct.pack(">H", 3) * 6

    virtual(main)
    assert [count for _, count in asked] == [6, 4, 6]


def test_a_wider_question_that_is_refused_is_not_asked_again() -> None:
    lost = [True]

    def replies(request: ModbusPDU, right: ModbusPDU) -> list[Reply]:
        return [] if lost and lost.pop() else [(0.01, right)]

    async def main() -> None:
        slave = Slave(dict.fromkeys(range(6), 7))
        slave.replies = replies  # type: ignore[assignment]
        line, records = VirtualLine({1: slave}), Records()
        link = make_link(SERIAL, records, lambda fault: None)
        link.attach(await line.open(SERIAL, link))
        ask = Ask(1, Read(3, 0, 6), ModbusProfile("", "", late_s=LATE_S), records[1])
        with pytest.raises(Unanswered):
            await link.read(ask)
        with pytest.raises(NotYet) as early:
            await link.read(ask)  # seven registers are one too many for this unit
        assert ask.ways == (ask.read,)
        await elapse(early.value.until - asyncio.get_running_loop().time())
        assert await link.read(ask) == struct.pack(">H", 7) * 6

    virtual(main)


def test_a_refusal_that_may_be_an_earlier_ones_is_believed_only_when_none_can_be_late() -> None:
    delays = [0.8, 0.01, 0.01]

    async def main() -> None:
        slave = Slave(dict.fromkeys(range(10), 7))
        slave.replies = lambda request, right: [(delays.pop(0), ExceptionResponse(3, 2))]
        line, records = VirtualLine({1: slave}), Records()
        link = make_link(SERIAL, records, lambda fault: None)
        link.attach(await line.open(SERIAL, link))
        profile = ModbusProfile("", "", late_s=LATE_S)
        first, second, third = (Ask(1, Read(3, 0, quantity), profile, records[1]) for quantity in (5, 6, 4))
        with pytest.raises(Unanswered, match="silent"):
            await link.read(first)
        with pytest.raises(Unanswered, match="doubtful"):
            await link.read(second)
        await elapse(LATE_S)
        with pytest.raises(Refused):
            await link.read(third)

    virtual(main)


def test_a_connection_that_speaks_something_else_is_named() -> None:
    def behaviour(unit: int, request: ModbusPDU, answer: ModbusPDU) -> list[Reply]:
        return [(0.01, bytes.fromhex("01 03 28 44 9A 50 00 00 00 00 00"))]

    async def main() -> None:
        slave = Slave(dict.fromkeys(range(6), 7))
        slave.replies = lambda request, right: behaviour(1, request, right)
        line, records = VirtualLine({1: slave}, TCP), Records()
        link = make_link(TCP, records, lambda fault: None)
        link.attach(await line.open(TCP, link))
        with pytest.raises(LineDown) as down:
            await link.read(Ask(1, Read(3, 0, 6), ModbusProfile("", ""), records[1]))
        assert down.value.fault.code == "line.tcp.framing"
        assert not link.up

    virtual(main)
