"""One request at a time on one line: what the RTU and the TCP link share.

A link outlives its wire: debts, numbers and counts go on when the line is opened again.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from courtyard.drivers.base import Fault
from courtyard.drivers.lines.wire import Wire
from courtyard.drivers.modbus.frames import Request, read_request
from courtyard.drivers.modbus.planning import most_of_one_request, widened
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusProfile

FRAMES_KEPT = 8
EMPTY = 0
"""Stands for the exception code of an answer without data, as some servers give instead of exception 2."""

Failure = Literal["silent", "garbled", "mismatch", "doubtful", "echo", "babble"]
"""No byte came; bytes that are no frame; a frame that answers another question; a refusal that may be meant for an
earlier question; bytes but not the echo that must come first; the line is never quiet."""
CHEAP_FAILURES = ("garbled", "doubtful")
"""Something came at once, so that little time was lost."""


class Unanswered(Exception):
    """The request has no usable answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Refused(Exception):
    """The unit answered with an exception code, or with no data (code EMPTY)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code
        self.doubtful = False
        """It may be the refusal of an earlier request."""


class NotYet(Exception):
    """The unit must not be asked before `until` (loop time): an earlier answer could be taken for the new one."""

    def __init__(self, until: float) -> None:
        super().__init__(until)
        self.until = until


class LineDown(Exception):
    """The line is not open, or went away while waiting."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Frame(NamedTuple):
    """A frame as it was on the wire; `at` in loop time."""

    at: float
    sent: bool
    data: bytes


class Record:
    """What was seen of one unit."""

    __slots__ = ("counts", "frames")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.frames: deque[Frame] = deque(maxlen=FRAMES_KEPT)

    def count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1


class Records(dict[int, Record]):
    """By unit address; at most 256."""

    def __missing__(self, unit: int) -> Record:
        self[unit] = record = Record()
        return record


class Ask:
    """One read of one unit, made ready once and asked again and again."""

    __slots__ = ("late_s", "read", "record", "request", "timeout_s", "unit", "ways")

    def __init__(self, unit: int, read: Read, profile: ModbusProfile, record: Record) -> None:
        self.unit, self.read, self.record = unit, read, record
        self.request = read_request(unit, read)
        self.timeout_s, self.late_s = profile.timeout_s, profile.late_s
        self.ways = widened(read, most_of_one_request(read.function, profile))
        """Reads that bring this one, each with an answer of another length; shrinks when a device refuses one."""


class Link(ABC):
    """Owner of a wire; a Listener."""

    def __init__(self, records: Records, on_lost: Callable[[Fault], None], no_line: Fault) -> None:
        self.records = records
        self.counts: dict[str, int] = {}
        self._on_lost = on_lost
        self._fault = no_line
        self._wire: Wire | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self.heard = False
        """Set by every byte that comes."""
        self.asked_at = self.now()

    @property
    def up(self) -> bool:
        return self._wire is not None

    def attach(self, wire: Wire) -> None:
        """The line is open, unless it was lost before anybody looked."""
        if wire.is_open:
            self._wire = wire
            self.reset()

    def close(self, fault: Fault) -> None:
        """Closes the wire; requests fail with `fault` until it is attached again."""
        wire, self._wire, self._fault = self._wire, None, fault
        if wire is not None:
            wire.close()
        self.fail(LineDown(fault))

    def lost(self, fault: Fault) -> None:
        self._wire, self._fault = None, fault
        self.fail(LineDown(fault))
        self._on_lost(fault)

    async def read(self, ask: Ask) -> bytes:
        """The data bytes of the answer.  Raises Unanswered, Refused, NotYet or LineDown."""
        async with self._turn:
            try:
                return await self._read(ask)
            except Refused as refused:
                raise _undoubted(refused) from None

    async def write(self, request: Request, profile: ModbusProfile, record: Record) -> None:
        """Returns when the unit has confirmed.  Raises as `read` does."""
        async with self._turn:
            try:
                await self._exchange(request, profile.timeout_s, profile.late_s, record)
            except Refused as refused:
                raise _undoubted(refused) from None

    @abstractmethod
    def received(self, data: bytes) -> None: ...

    @abstractmethod
    def reset(self) -> None:
        """Forgets bytes of the wire before."""

    @abstractmethod
    async def _read(self, ask: Ask) -> bytes: ...

    @abstractmethod
    async def _exchange(self, request: Request, timeout_s: float, late_s: float, record: Record) -> bytes:
        """The whole ADU of the answer."""

    def wire(self) -> Wire:
        """The open wire.  Raises LineDown."""
        if self._wire is None:
            raise LineDown(self._fault)
        return self._wire

    def count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def succeed(self, adu: bytes) -> None:
        """Ends the wait with an answer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(adu)

    def fail(self, error: Exception) -> None:
        """Ends the wait without one."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _undoubted(refused: Refused) -> Refused | Unanswered:
    return Unanswered("doubtful") if refused.doubtful else refused
