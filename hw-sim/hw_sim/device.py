"""A Modbus slave's memory and behaviour: blocks of registers, coils, and what a request does to them.

Nothing here knows of lines: a request PDU goes in, an answer PDU comes out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from hw_sim.encoding import Codec
from hw_sim.faults import Faults

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
READ_BITS, READ_REGISTERS = (1, 2), (3, 4)
WRITES = (5, 6, 15, 16)


class Refusal(Exception):
    """The device answers with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code:02d}")
        self.code = code


class Field(NamedTuple):
    """One quantity in the register map, at a PDU address (0-based)."""

    address: int
    codec: Codec


@dataclass
class Block:
    """Readable registers from PDU address `start`; reading outside every block is an illegal address."""

    start: int
    data: bytearray

    @classmethod
    def of(cls, start: int, words: int) -> Block:
        return cls(start, bytearray(2 * words))

    @property
    def words(self) -> int:
        return len(self.data) // 2

    def covers(self, address: int, words: int) -> bool:
        return self.start <= address and address + words <= self.start + self.words


class Write(NamedTuple):
    """One accepted write, as a test wants to see it."""

    at: float
    function: int
    address: int
    values: tuple[int, ...]


class Device:
    """A unit on a bus.  Subclasses declare the map and bring it up to date in `refresh`."""

    model: ClassVar[str]
    functions: ClassVar[frozenset[int]] = frozenset({3})
    max_registers: ClassVar[int] = 125
    extents: ClassVar[tuple[tuple[int, int], ...]] = ()
    """(first PDU address, registers) of every readable block."""
    register_map: ClassVar[Mapping[str, Field]] = {}

    def __init__(self) -> None:
        self.blocks = [Block.of(start, words) for start, words in self.extents]
        self.fields = self.register_map
        self.coils = bytearray()
        self.inputs = bytearray()
        self.faults = Faults()
        self.writes: list[Write] = []
        self._blind = False
        self._shown: dict[str, float] = {}
        """What the image says, so that only what changed is encoded."""

    # What a subclass overrides

    def refresh(self, now: float) -> None:
        """Brings the registers up to simulated time `now`."""

    def write_register(self, address: int, value: int, now: float) -> None:
        """Raises Refusal.  Writes the register when the map allows it."""
        raise Refusal(ILLEGAL_ADDRESS)

    def write_coil(self, address: int, on: bool, now: float) -> None:
        """Raises Refusal."""
        raise Refusal(ILLEGAL_ADDRESS)

    def command(self, words: list[str], now: float) -> object:
        """What only this model can be told; raises ValueError for words it does not know."""
        raise ValueError(f"{self.model} does not know {' '.join(words)!r}")

    # Registers by name

    def put(self, name: str, value: float) -> None:
        """Writes one quantity into the image; a whole integer + fraction pair at once."""
        if self._shown.get(name) != value:
            self._shown[name] = value
            address, codec = self.fields[name]
            self._store(address, codec.pack(value))

    def get(self, name: str) -> float:
        address, codec = self.fields[name]
        return codec.unpack(bytes(self.peek(address, codec.words)))

    def poke(self, address: int, data: bytes) -> None:
        """Writes registers as they are; raises Refusal outside the map."""
        self._shown.clear()
        self._store(address, data)

    def _store(self, address: int, data: bytes) -> None:
        block = self._block(address, len(data) // 2)
        offset = 2 * (address - block.start)
        block.data[offset : offset + len(data)] = data

    def peek(self, address: int, words: int) -> bytearray:
        block = self._block(address, words)
        offset = 2 * (address - block.start)
        return block.data[offset : offset + 2 * words]

    def _block(self, address: int, words: int) -> Block:
        for block in self.blocks:
            if block.covers(address, words):
                return block
        raise Refusal(ILLEGAL_ADDRESS)

    # Requests

    def answer(self, pdu: bytes, now: float) -> bytes:
        """The answer PDU of a healthy unit to a request PDU; exceptions included."""
        function = pdu[0]
        try:
            if function not in self.functions:
                raise Refusal(ILLEGAL_FUNCTION)
            if function in READ_REGISTERS:
                return self._read_registers(function, pdu, now)
            if function in READ_BITS:
                return self._read_bits(function, pdu, now)
            return self._write(function, pdu, now)
        except Refusal as refusal:
            return bytes([function | 0x80, refusal.code])

    def _read_registers(self, function: int, pdu: bytes, now: float) -> bytes:
        if len(pdu) != 5:
            raise Refusal(ILLEGAL_VALUE)
        address, count = struct.unpack_from(">HH", pdu, 1)
        if not 1 <= count <= self.max_registers:
            raise Refusal(ILLEGAL_VALUE)
        block = self._block(address, count)
        if "stuck" not in self.faults:
            self.refresh(now)
        if ("nan" in self.faults) != self._blind:
            self._blind = not self._blind
            self.refresh(now)
        if self._blind:
            for name in self.fields:
                self.put(name, math.nan)
        offset = 2 * (address - block.start)
        return bytes([function, 2 * count]) + block.data[offset : offset + 2 * count]

    def _read_bits(self, function: int, pdu: bytes, now: float) -> bytes:
        if len(pdu) != 5:
            raise Refusal(ILLEGAL_VALUE)
        address, count = struct.unpack_from(">HH", pdu, 1)
        if not 1 <= count <= 2000:
            raise Refusal(ILLEGAL_VALUE)
        self.refresh(now)
        bits = self.coils if function == 1 else self.inputs
        if address + count > len(bits):
            raise Refusal(ILLEGAL_ADDRESS)
        packed = sum(1 << i for i in range(count) if bits[address + i])
        size = (count + 7) // 8
        return bytes([function, size]) + packed.to_bytes(size, "little")

    def _write(self, function: int, pdu: bytes, now: float) -> bytes:
        address, values = _written(function, pdu)
        if function in (5, 15):
            for i, value in enumerate(values):
                self.write_coil(address + i, bool(value), now)
        else:
            for i, value in enumerate(values):
                self.write_register(address + i, value, now)
        self.writes.append(Write(now, function, address, values))
        return pdu[:5]


def _written(function: int, pdu: bytes) -> tuple[int, tuple[int, ...]]:
    """(address, values) of a write request; raises Refusal when it is malformed."""
    if len(pdu) < 5:
        raise Refusal(ILLEGAL_VALUE)
    address, second = struct.unpack_from(">HH", pdu, 1)
    if function in (5, 6):
        if len(pdu) != 5 or (function == 5 and second not in (0x0000, 0xFF00)):
            raise Refusal(ILLEGAL_VALUE)
        return address, (second,)
    size = (second + 7) // 8 if function == 15 else 2 * second
    if not second or len(pdu) != 6 + size or pdu[5] != size:
        raise Refusal(ILLEGAL_VALUE)
    if function == 16:
        return address, struct.unpack_from(f">{second}H", pdu, 6)
    bits = int.from_bytes(pdu[6:], "little")
    return address, tuple(bits >> i & 1 for i in range(second))
