"""A Modbus line in virtual time: slaves whose frames pymodbus encodes and decodes, and a sink that remembers.

Nothing here uses the driver's own framing, so that a misreading of the protocol cannot pass on both sides.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse, WriteSingleCoilResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)

from courtyard.drivers.base import DriverError, Fault, NotKept, Reading, Signal
from courtyard.drivers.lines.faults import line_fault
from courtyard.drivers.lines.settings import LineSettings, SerialLine, TcpLine
from courtyard.drivers.lines.wire import Listener, Wire
from courtyard.drivers.modbus.driver import ModbusDriver
from courtyard.drivers.modbus.settings import ModbusDevice, ModbusPoint, ModbusProfile, RegisterPoint
from tests.virtual_time import elapse as elapse
from tests.virtual_time import virtual as virtual

SERIAL = SerialLine(name="bus", port="/dev/ttyV0", baud=9600, stop_bits=2)
TCP = TcpLine(name="endpoint", host="meter", port=502)
CHARACTER_S = 11 / 9600
PAUSE_S = 3.5 * CHARACTER_S


def examples(short: int) -> int:
    """How many examples a property is tried with; fifty times as many with COURTYARD_CAMPAIGN=full."""
    return 50 * short if os.environ.get("COURTYARD_CAMPAIGN") == "full" else short


Result = TypeVar("Result")


@dataclass
class Slave:
    """A unit: its registers and bits, and what is wrong with it."""

    registers: dict[int, int] = field(default_factory=dict)
    coils: dict[int, bool] = field(default_factory=dict)
    most: int = 125
    functions: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 15, 16)
    delay_s: float = 0.005
    dead: bool = False
    exceptions: list[int] = field(default_factory=list)
    """Codes that it answers with first, one a request."""
    replies: Callable[[ModbusPDU, ModbusPDU], Iterable[tuple[float, bytes | ModbusPDU]]] | None = None
    """Overrides what is sent: from request and right answer to (delay, frame or PDU), nothing for silence."""
    asked: list[tuple[float, int, int, int]] = field(default_factory=list)
    """Time, function, address, quantity of every request."""

    def answer(self, request: ModbusPDU) -> ModbusPDU:
        function = request.function_code
        if self.exceptions:
            return ExceptionResponse(function, self.exceptions.pop(0))
        if function not in self.functions:
            return ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
        wanted = range(request.address, request.address + max(1, request.count))
        store: dict[int, Any] = self.coils if function in (1, 2, 5, 15) else self.registers
        if any(address not in store for address in wanted):
            return ExceptionResponse(function, ExcCodes.ILLEGAL_ADDRESS)
        if function in (3, 4):
            if request.count > self.most:
                return ExceptionResponse(function, ExcCodes.ILLEGAL_VALUE)
            answer = ReadHoldingRegistersResponse if function == 3 else ReadInputRegistersResponse
            return answer(registers=[store[address] for address in wanted])
        if function in (1, 2):
            return (ReadCoilsResponse if function == 1 else ReadDiscreteInputsResponse)(
                bits=[store[address] for address in wanted]
            )
        values = request.bits if function in (5, 15) else request.registers
        for address, value in zip(wanted, values, strict=False):
            store[address] = value
        if function == 5:
            return WriteSingleCoilResponse(address=request.address, bits=request.bits)
        if function == 6:
            return WriteSingleRegisterResponse(address=request.address, registers=request.registers)
        return WriteMultipleRegistersResponse(address=request.address, count=request.count)


class VirtualLine:
    """Slaves on one line; `open` is an OpenWire."""

    def __init__(self, slaves: dict[int, Slave], settings: LineSettings = SERIAL, *, echo: bool = False) -> None:
        self.slaves, self.settings, self.echo = slaves, settings, echo
        self.fault: Fault | None = None
        """Why it cannot be opened."""
        self.opened = 0
        self.wire: VirtualWire | None = None
        self.sent: list[tuple[float, bytes]] = []
        self.silences: list[float] = []
        """Before each request, since the last byte on the line."""
        self.quiet_since = -1.0
        self.tcp = isinstance(settings, TcpLine)
        self.framer = (FramerSocket if self.tcp else FramerRTU)(DecodePDU(True))

    async def open(self, settings: LineSettings, listener: Listener) -> Wire:
        assert settings == self.settings
        if self.fault is not None:
            raise DriverError(self.fault, settings.name)
        self.opened += 1
        self.wire = VirtualWire(self, listener)
        return self.wire

    def unplug(self, fault: Fault | None = None) -> None:
        """The line goes away while in use, and stays away when a fault is given."""
        self.fault = fault
        if self.wire is not None:
            self.wire.lose(line_fault("line.lost.unplugged", port="/dev/ttyV0"))

    def frame(self, pdu: ModbusPDU, unit: int, transaction: int) -> bytes:
        pdu.dev_id, pdu.transaction_id = unit, transaction
        return self.framer.buildFrame(pdu)


class VirtualWire:
    """One opening of a VirtualLine."""

    def __init__(self, line: VirtualLine, listener: Listener) -> None:
        self.line, self.listener, self.open = line, listener, True
        self.loop = asyncio.get_running_loop()

    @property
    def is_open(self) -> bool:
        return self.open

    def close(self) -> None:
        self.open = False

    def lose(self, fault: Fault) -> None:
        if self.open:
            self.open = False
            self.listener.lost(fault)

    def send(self, data: bytes) -> None:
        line, now = self.line, self.loop.time()
        if not self.open:
            return
        line.sent.append((now, data))
        line.silences.append(now - line.quiet_since)
        character_s = 0.0 if line.tcp else CHARACTER_S
        end = now + len(data) * character_s
        line.quiet_since = end
        if line.echo:
            self.loop.call_at(end, self.deliver, data)
        used, request = line.framer.handleFrame(data, 0, 0)
        assert used == len(data)
        assert request is not None
        slave = line.slaves.get(request.dev_id)
        if slave is None or slave.dead:
            return
        slave.asked.append((now, request.function_code, request.address, request.count))
        right = slave.answer(request)
        replies = slave.replies(request, right) if slave.replies else [(slave.delay_s, right)]
        for delay_s, reply in replies:
            frame = reply if isinstance(reply, bytes) else line.frame(reply, request.dev_id, request.transaction_id)
            start = end + (0.0 if line.tcp else PAUSE_S) + delay_s
            self.loop.call_at(start + len(frame) * character_s, self.deliver, frame)

    def deliver(self, frame: bytes) -> None:
        if self.open:
            self.line.quiet_since = max(self.line.quiet_since, self.loop.time())
            self.listener.received(frame)


class LoopClock:
    """Wall and monotonic time from the event loop."""

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + self.mono_ms()

    def mono_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)


class Memory:
    """A Sink."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.faults: list[tuple[str, Fault | None]] = []
        self.signals: list[Signal] = []
        self.keeps = True
        """Whether the disk takes what a device says."""
        self._changed = asyncio.Event()

    def reading(self, reading: Reading) -> None:
        self.readings.append(reading)
        self._changed.set()

    async def signal(self, signal: Signal) -> None:
        if not self.keeps:
            raise NotKept(signal.device)
        self.signals.append(signal)
        self._changed.set()

    def health(self, subject: str, fault: Fault | None) -> None:
        self.faults.append((subject, fault))
        self._changed.set()

    async def until(self, condition: Callable[[], bool], timeout_s: float = 100.0) -> None:
        """Waits for what is reported, on a real clock."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def next_good(self, device: str, count: int = 1) -> None:
        """Waits for so many further readings without a bad point."""
        begin = len(self.readings)
        await self.until(
            lambda: sum(not reading.quality for reading in self.readings[begin:] if reading.device == device) >= count
        )

    def of(self, device: str) -> list[Reading]:
        return [reading for reading in self.readings if reading.device == device]

    def state(self, subject: str) -> str | None:
        """The present fault code of a subject, 'untold' when nothing was said."""
        said = [fault for name, fault in self.faults if name == subject]
        return "untold" if not said else said[-1].code if said[-1] else None


def register(point: str, address: int, type_: str = "uint16", **more: Any) -> ModbusPoint:
    """A point with gain 1 and bias 0, or `gain`, `bias` and `decimals` as given."""
    line = {key: more.pop(key) for key in ("gain", "bias", "decimals") if key in more}
    return ModbusPoint(RegisterPoint(point, address, type_, **more), **{"gain": 1.0, "bias": 0.0, **line})  # type: ignore[arg-type]


def meter(
    unit: int, points: Iterable[ModbusPoint] | None = None, *, every_s: float = 1.0, **profile: Any
) -> ModbusDevice:
    """A device `m<unit>` with 20 registers as ten floats, or the points given."""
    given = tuple(points) if points is not None else tuple(register(f"p{i}", 2 * i, "float32") for i in range(10))
    return ModbusDevice(f"m{unit}", unit, ModbusProfile("a meter", "仪表", **profile), given, every_s)


def twenty_registers() -> Slave:
    """Ten floats: 1.0 to 10.0, and a few registers behind them."""
    words = struct.unpack(">20H", struct.pack(">10f", *range(1, 11)))
    return Slave(dict(enumerate((*words, 0, 0, 0, 0))))


Script = Callable[[ModbusDriver, Memory], Awaitable[None]]


def poll(line: VirtualLine, devices: list[ModbusDevice], script: Script) -> Memory:
    """Runs the driver beside a script, then cancels it."""

    async def main() -> Memory:
        memory = Memory()
        driver = ModbusDriver(line.settings, devices, LoopClock(), open_line=line.open, chance=lambda: 0.5)
        running = asyncio.create_task(driver.run(memory))
        await elapse(0)
        await script(driver, memory)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert line.wire is None or not line.wire.is_open
        return memory

    return virtual(main)


def for_seconds(seconds: float) -> Script:
    async def script(driver: ModbusDriver, memory: Memory) -> None:
        await elapse(seconds)

    return script
