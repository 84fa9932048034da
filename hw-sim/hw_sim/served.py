"""Every answer that was served, numbered: the list against which loss is judged.

Kept per device in one growing byte string (20 bytes and the registers of each answer), and written to a JSON
Lines file where asked.  An answer that was spoilt on its way (a fault of the unit, noise, a collision, a closed
connection) stays in the list with its state, because a number is never reused.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from hw_sim.device import Field

STATES = ("clean", "fault", "line", "lost")
"""clean; spoilt by a fault of the unit; damaged on the line; the other side was gone."""
_HEAD = struct.Struct("<dIBBHHH")


class Answer(NamedTuple):
    """One answer: `payload` is the register bytes of a read, empty for a write, the code of an exception."""

    number: int
    at: float
    unit: int
    function: int
    address: int
    quantity: int
    payload: bytes
    state: str

    def covers(self, address: int, words: int) -> bool:
        return self.function in (3, 4) and self.address <= address and address + words <= self.address + self.quantity

    def registers(self, address: int, words: int) -> bytes:
        offset = 2 * (address - self.address)
        return self.payload[offset : offset + 2 * words]


class Ticket(NamedTuple):
    """Where an answer is kept; `offset` is None when it was only counted."""

    number: int
    offset: int | None


class Log:
    """The answers of one device."""

    def __init__(self, device: str, served: Served) -> None:
        self.device = device
        self.count = 0
        self.clean = 0
        self.kept = 0
        self._served = served
        self._name = json.dumps(device)
        self._data = bytearray()

    def append(self, unit: int, function: int, address: int, count: int, payload: bytes, spoilt: bool) -> Ticket:
        """Adds an answer; returns a ticket for `damage`."""
        self.count += 1
        self.clean += not spoilt
        served = self._served
        offset = None
        at = served.wall()
        if served.room(_HEAD.size + len(payload)):
            offset = len(self._data)
            self.kept += 1
            self._data += _HEAD.pack(at, self.count, unit, function, address, count, len(payload) << 2 | spoilt)
            self._data += payload
        if served.file is not None:
            state = STATES[spoilt]
            served.file.write(
                f'{{"device":{self._name},"number":{self.count},"at":{at:.4f},"unit":{unit},"function":{function},'
                f'"address":{address},"count":{count},"payload":"{payload.hex()}","state":"{state}"}}\n'
            )
        return Ticket(self.count, offset)

    def damage(self, ticket: Ticket, state: str) -> None:
        """An answer counted as clean did not arrive whole after all."""
        self.clean -= 1
        if ticket.offset is not None:
            position = ticket.offset + _HEAD.size - 2
            (packed,) = struct.unpack_from("<H", self._data, position)
            struct.pack_into("<H", self._data, position, packed & ~3 | STATES.index(state))
        if self._served.file is not None:
            self._served.file.write(f'{{"device":{self._name},"number":{ticket.number},"state":"{state}"}}\n')

    def __iter__(self) -> Iterator[Answer]:
        position = 0
        while position < len(self._data):
            at, number, unit, function, address, count, packed = _HEAD.unpack_from(self._data, position)
            position += _HEAD.size
            payload = bytes(self._data[position : position + (packed >> 2)])
            position += packed >> 2
            yield Answer(number, at, unit, function, address, count, payload, STATES[packed & 3])

    def values(self, field: Field) -> list[float]:
        """The values of one quantity in all clean answers that contain it, in the order served."""
        address, codec = field
        return [
            codec.unpack(answer.registers(address, codec.words))
            for answer in self
            if answer.state == "clean" and answer.covers(address, codec.words)
        ]


class Served:
    """All logs; `limit_bytes` bounds the memory, beyond it answers are only counted (`complete` turns False)."""

    def __init__(
        self, path: Path | None = None, limit_bytes: int = 256_000_000, wall: Callable[[], float] = time.time
    ) -> None:
        self.logs: dict[str, Log] = {}
        self.wall = wall
        self.complete = True
        self.file: TextIO | None = None if path is None else path.open("w", encoding="ascii")
        self._left = limit_bytes

    def log(self, device: str) -> Log:
        return self.logs.setdefault(device, Log(device, self))

    def room(self, size: int) -> bool:
        self._left -= size
        self.complete = self.complete and self._left >= 0
        return self.complete

    def counts(self) -> dict[str, int]:
        return {name: log.count for name, log in self.logs.items()}

    def flush(self) -> None:
        if self.file is not None:
            self.file.flush()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None
