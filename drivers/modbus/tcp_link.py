"""Modbus TCP: answers are matched by transaction number, protocol, unit, function and length.

Source: MODBUS Messaging on TCP/IP V1.0b, 3.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from struct import Struct

from courtyard.drivers.base import Fault, Text
from courtyard.drivers.modbus.frames import READS, Request
from courtyard.drivers.modbus.link import EMPTY, Ask, Frame, Link, Record, Records, Refused, Unanswered
from courtyard.drivers.modbus.timing import TICK_S

HEADER = Struct(">HHHB")
UNIT_AT = 6
SHORTEST, LONGEST = 3, 254
"""Of the length field: unit and an exception, unit and the longest PDU."""
NUMBERS_KEPT = 256

NOT_MODBUS_TCP = Fault(
    "line.tcp.framing",
    Text("The endpoint does not speak Modbus TCP.", "该端点不是 Modbus TCP 协议。"),
    Text(
        'If it is a serial server in transparent mode, set kind = "rtu-tcp"; otherwise correct host and port.',
        '若为透明传输的串口服务器，请设置 kind = "rtu-tcp"；否则请更正 host 和 port。',
    ),
)


class TcpLink(Link):
    """Requests and answers with the MBAP header."""

    def __init__(self, records: Records, on_lost: Callable[[Fault], None], no_line: Fault) -> None:
        super().__init__(records, on_lost, no_line)
        self._buffer = bytearray()
        self._number = 0
        self._request: Request | None = None
        self._head, self._total = b"", 0
        self._deadline = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        """One timer for many requests: it looks at the deadline when it rings, instead of being made for each."""
        self._owed: dict[int, int] = {}
        """Numbers of requests without an answer, and their unit; the oldest is dropped long before a number returns."""

    def close(self, fault: Fault) -> None:
        super().close(fault)
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def reset(self) -> None:
        self._buffer.clear()
        self._owed.clear()

    async def _read(self, ask: Ask) -> bytes:
        return (await self._exchange(ask.request, ask.timeout_s, ask.late_s, ask.record))[3:]

    async def _exchange(self, request: Request, timeout_s: float, late_s: float, record: Record) -> bytes:
        wire, loop = self.wire(), self._loop
        number = self._next_number()
        adu, expected = request
        frame = HEADER.pack(number, 0, len(adu), adu[0]) + adu[1:]
        self._head = HEADER.pack(number, 0, expected.length, adu[0]) + expected.head[1:]
        self._total = UNIT_AT + expected.length
        self._request = request
        answer: asyncio.Future[bytes] = loop.create_future()
        self._answer = answer
        self.asked_at = now = loop.time()
        record.frames.append(Frame(now, True, frame))
        self._deadline = now + timeout_s
        if self._watchdog is None or self._watchdog.when() > self._deadline:
            self._watch_until(self._deadline)
        answered = False
        try:
            wire.send(frame)
            result = await answer
            answered = True
            return result
        except Refused:
            answered = True
            raise
        finally:
            self._answer = self._request = None
            if not answered:
                self._owe(number, adu[0])

    def received(self, data: bytes) -> None:
        self.heard = True
        if self._answer is not None and not self._buffer and len(data) == self._total and data.startswith(self._head):
            self.records[data[UNIT_AT]].frames.append(Frame(self._loop.time(), False, data))
            self.succeed(data[UNIT_AT:])
            return
        buffer = self._buffer
        buffer += data
        while len(buffer) > UNIT_AT:
            number, protocol, length, _ = HEADER.unpack_from(buffer)
            if protocol != 0 or not SHORTEST <= length <= LONGEST:
                self.close(NOT_MODBUS_TCP)
                self.lost(NOT_MODBUS_TCP)
                return
            end = UNIT_AT + length
            if len(buffer) < end:
                return
            frame = bytes(buffer[:end])
            del buffer[:end]
            self._judge(number, frame)

    def _judge(self, number: int, frame: bytes) -> None:
        adu, request = frame[UNIT_AT:], self._request
        self.records[adu[0]].frames.append(Frame(self._loop.time(), False, frame))
        if request is None or number != self._number:
            if number in self._owed:
                self.records[self._owed.pop(number)].count("late_replies")
            else:
                self.count("stray_frames")
            return
        expected = request.expected
        unit, function = expected.head[:2]
        if frame.startswith(self._head) and len(frame) == self._total:
            self.succeed(adu)
        elif adu[0] == unit and adu[1] == function | 0x80 and len(adu) == 3:
            self.fail(Refused(adu[2]))
        elif adu[0] == unit and adu[1] == function and function in READS and adu[2] == 0:
            self.fail(Refused(EMPTY))
        else:
            self.fail(Unanswered("mismatch"))

    def _watch(self) -> None:
        self._watchdog = None
        if self._answer is None:
            return
        if self._loop.time() + TICK_S >= self._deadline:
            self.fail(Unanswered("silent"))
        else:
            self._watch_until(self._deadline)

    def _watch_until(self, at: float) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self._loop.call_at(at, self._watch)

    def _next_number(self) -> int:
        number = self._number % 65535 + 1
        while number in self._owed:
            number = number % 65535 + 1
        self._number = number
        return number

    def _owe(self, number: int, unit: int) -> None:
        if len(self._owed) >= NUMBERS_KEPT:
            del self._owed[next(iter(self._owed))]
        self._owed[number] = unit
