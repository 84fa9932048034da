"""Modbus RTU on a serial line, or on a serial server: who may send, when, and which bytes are the answer.

Source: MODBUS over Serial Line V1.02, 2.5.1.  Frames are recognised by length and CRC, never by pauses, which do not
survive USB and networks; only the pause before a request is kept, in full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.drivers.base import Fault
from courtyard.drivers.lines.settings import RtuTcpLine, SerialLine
from courtyard.drivers.modbus.frames import (
    READS,
    SHORTEST_RTU,
    Expected,
    Request,
    find_rtu_answer,
    read_request,
    sealed,
)
from courtyard.drivers.modbus.ledger import Ledger
from courtyard.drivers.modbus.link import (
    EMPTY,
    Ask,
    Failure,
    Frame,
    Link,
    NotYet,
    Record,
    Records,
    Refused,
    Unanswered,
)
from courtyard.drivers.modbus.timing import TICK_S

CHARACTER_BITS = 11
"""Of the standard (2.5.1); 8N1 sends 10, but its slaves may count the pause in characters of 11."""
PAUSE_CHARACTERS = 3.5
FAST_BAUD, FAST_PAUSE_S = 19200, 0.00175
SETTLE_S = 0.05
"""Silence after which bytes that make no frame will not become one; USB adapters deliver in steps of 16 ms."""
BABBLE_S = 1.0
"""Longest wait for the line to fall quiet."""
MOST_BYTES = 520
"""Kept of what came; two of the longest frames."""
UNPROVEN = (2, 3, EMPTY)
"""Refusals that a wider read than asked for may get although the read itself is right."""


def character_s(line: SerialLine | RtuTcpLine) -> float:
    """Time of one character, at least that of the standard's 11 bits."""
    if isinstance(line, SerialLine):
        bits = 1 + line.data_bits + (line.parity != "N") + line.stop_bits
        return max(bits, CHARACTER_BITS) / line.baud
    return CHARACTER_BITS / line.baud


def pause_s(line: SerialLine | RtuTcpLine) -> float:
    """The silence that separates frames: 3.5 characters, 1.75 ms above 19200 baud."""
    return FAST_PAUSE_S if line.baud > FAST_BAUD else PAUSE_CHARACTERS * character_s(line)


class RtuLink(Link):
    """Requests and answers with a CRC, told apart by the Ledger."""

    def __init__(
        self, line: SerialLine | RtuTcpLine, records: Records, on_lost: Callable[[Fault], None], no_line: Fault
    ) -> None:
        super().__init__(records, on_lost, no_line)
        self._character_s, self._pause_s = character_s(line), pause_s(line) + TICK_S
        self._told_echo = isinstance(line, SerialLine) and line.echo
        self._echo = self._told_echo
        self._ledger = Ledger()
        self._buffer = bytearray()
        self._request: Request | None = None
        self._frame = b""
        self._echo_due = False
        self._mismatch = False
        self._quiet_at = 0.0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def reset(self) -> None:
        self._buffer.clear()

    async def _read(self, ask: Ask) -> bytes:
        while True:
            way = self._ledger.choose(ask.unit, ask.ways, ask.late_s, self._loop.time())
            if isinstance(way, float):
                raise NotYet(way)
            request = read_request(ask.unit, way.read)
            try:
                adu = await self._exchange(request, ask.timeout_s, ask.late_s, ask.record)
            except Refused as refusal:
                if way.read == ask.read or refusal.code not in UNPROVEN:
                    raise
                if way.proof:  # refused for its own sake: time alone must do, and it has passed
                    self._ledger.void(ask.unit, ask.late_s, self._loop.time())
                else:
                    ask.ways = tuple(read for read in ask.ways if read.quantity < way.read.quantity)
                continue
            if not way.proof:
                return adu[3 : 3 + ask.read.payload_bytes]
            self._ledger.void(ask.unit, ask.late_s, self._loop.time())

    async def _exchange(self, request: Request, timeout_s: float, late_s: float, record: Record) -> bytes:
        wire, loop = self.wire(), self._loop
        await self._silence()
        self._sort_out_stray_bytes()
        self._buffer.clear()
        unit, frame = request.adu[0], sealed(request.adu)
        self._request, self._frame = request, frame
        self._echo_due, self._mismatch = self._echo, False
        answer: asyncio.Future[bytes] = loop.create_future()
        self._answer = answer
        self.asked_at = sent_at = loop.time()
        doubtful = self._ledger.owes_lately(unit, late_s, sent_at)
        record.frames.append(Frame(sent_at, True, frame))
        self._quiet_at = sent_at + len(frame) * self._character_s + self._pause_s
        first_byte_by = self._quiet_at + timeout_s
        self._deadline = first_byte_by + (request.expected.length + 2) * self._character_s
        self._timer = loop.call_at(first_byte_by, self._expire)
        answered = False
        try:
            wire.send(frame)
            adu = await answer
            answered = True
            self._ledger.answered(unit, loop.time())
            return adu
        except Refused as refusal:
            answered = not self._ledger.owes(unit)
            refusal.doubtful = doubtful
            raise
        except Unanswered:
            answered = self._buffer.startswith(request.expected.head)  # damaged, but nothing else begins like this
            raise
        finally:
            self._timer.cancel()
            self._answer = self._request = None
            if not answered:
                self._ledger.owe(request.expected, sent_at)

    async def _silence(self) -> None:
        """Waits until the line has been quiet for the legal pause."""
        loop = self._loop
        give_up = loop.time() + BABBLE_S
        while (wait_s := self._quiet_at - loop.time()) > TICK_S:
            if loop.time() > give_up:
                raise Unanswered("babble")
            await asyncio.sleep(wait_s)
        self.wire()

    def received(self, data: bytes) -> None:
        now = self._loop.time()
        if self._request is not None and not self._buffer:
            self._expire_by(self._deadline)
        self.heard = True
        self._quiet_at = max(self._quiet_at, now + self._pause_s)
        self._buffer += data
        if len(self._buffer) > MOST_BYTES:
            del self._buffer[:-MOST_BYTES]
        if self._request is not None:
            self._examine(self._request, now)

    def _examine(self, request: Request, now: float) -> None:
        """Looks for the answer in what has come so far."""
        buffer, expected = self._buffer, request.expected
        total = expected.length + 2
        self._take_echo(expected)
        if self._echo_due or len(buffer) < SHORTEST_RTU:
            return
        while not (len(buffer) < total and buffer.startswith(expected.head)):
            adu = self._next_frame()
            if adu is None:
                if len(buffer) >= total:
                    self._expire_by(now + SETTLE_S)
                return
            self._judge(adu, request)
            if self._answer is None or self._answer.done():
                return

    def _take_echo(self, expected: Expected) -> None:
        """Removes what the adapter repeats of our own request.

        An echo that nobody announced shows itself at a read, whose answer has another length than the request.  A
        write is answered by its own bytes, so only an echo already known of is removed there.
        """
        if self._echo_due or (expected.head[1] in READS and expected.length + 2 != len(self._frame)):
            at = self._buffer.find(self._frame)
            if at >= 0:
                del self._buffer[: at + len(self._frame)]
                self._echo_due = False
                self._echo = True
                self.count("echoes")

    def _next_frame(self) -> bytes | None:
        """Takes the first intact frame out of the buffer, and the noise before it."""
        found = find_rtu_answer(self._buffer)
        if found is None:
            return None
        start, end = found
        frame = bytes(self._buffer[start:end])
        del self._buffer[:end]
        if start:
            self.count("noise")
        self.records[frame[0]].frames.append(Frame(self._loop.time(), False, frame))
        return frame[:-2]

    def _judge(self, adu: bytes, request: Request) -> None:
        expected = request.expected
        unit, function = expected.head[:2]
        if len(adu) == expected.length and adu.startswith(expected.head):
            self.succeed(adu)
        elif adu[0] == unit and adu[1] == function | 0x80:
            self.fail(Refused(adu[2]))
        elif adu[0] == unit and adu[1] == function and function in READS and adu[2] == 0:
            self.fail(Refused(EMPTY))
        else:
            self._not_ours(adu)
            self._mismatch = self._mismatch or adu[0] == unit

    def _sort_out_stray_bytes(self) -> None:
        """What came while nothing was asked: late answers, and noise, which is cheap because it is looked at once."""
        while len(self._buffer) >= SHORTEST_RTU and (adu := self._next_frame()) is not None:
            self._not_ours(adu)

    def _not_ours(self, adu: bytes) -> None:
        if self._ledger.settle(adu):
            self.records[adu[0]].count("late_replies")
        else:
            self.count("stray_frames")

    def _expire_by(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(min(at, self._deadline), self._expire)

    def _expire(self) -> None:
        failure: Failure = "mismatch" if self._mismatch else "garbled" if self._buffer else "silent"
        if self._echo_due:
            failure = "echo" if self._told_echo and self._buffer else failure
            self._echo = self._told_echo  # an echo that nobody announced may end as it came
        self.fail(Unanswered(failure))
