"""Searches a line for meters, through the same request as `courtyard scan`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from courtyard.agent.control import Handler
from courtyard.agent.control import Refused as NotDone
from courtyard.agent.web.commissioning.model import FoundUnit, Guess, Scan
from courtyard.agent.web.model import Refused, Words
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError
from courtyard.drivers.modbus.settings import ModbusDevice

BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
MOST_GUESSES: Final = 3
RUNNING: Final = Words("A scan is running; stop it first.", "正在扫描，请先停止。")
NO_LINE: Final = Words("Choose a line that is saved and carries meters.", "请选择一条已保存的仪表线路。")
UNITS: Final = Words("Addresses are numbers from 1 to 247, such as 1-32,100.", "地址为 1～247，例如 1-32,100。")


class LineScans:
    """Implements `courtyard.agent.web.commissioning.model.Scans`."""

    def __init__(self, handlers: Mapping[str, Handler], snapshot: Callable[[], Snapshot], now_ms: Callable[[], int]):
        self._handlers, self._snapshot, self._now_ms = handlers, snapshot, now_ms
        self._scan: Scan | None = None
        self._task: asyncio.Task[None] | None = None

    def now(self) -> Scan | None:
        """The scan that runs, or the last one."""
        return self._scan

    def lines(self) -> tuple[str, ...]:
        """Lines that may be searched."""
        return tuple(name for name, line in self._snapshot().lines.items() if line.family in (None, "modbus"))

    def running_on(self, line: str) -> bool:
        """Whether a scan has this line to itself now."""
        return self._scan is not None and self._scan.running and self._scan.line == line

    def start(self, line: str, units: str, bauds: str, parities: str) -> None:
        """Starts a scan.  Raises Refused."""
        if self._scan is not None and self._scan.running:
            raise Refused(RUNNING)
        if line not in self.lines():
            raise Refused(NO_LINE)
        addresses = _units(units)
        speeds = [int(each) for each in bauds.split(",") if each.strip().isdecimal() and int(each) in BAUDS]
        request = {"line": line, "units": addresses}
        if hasattr(self._snapshot().lines[line].settings, "parity"):
            request |= {"bauds": speeds, "parities": [each for each in parities.upper() if each in "NEO"]}
        self._scan = Scan(line, True, 0, len(addresses) * max(1, len(speeds)), (), self._now_ms())
        self._task = asyncio.create_task(self._run(request))

    async def stop(self) -> None:
        """Ends the scan; what it found stays."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _run(self, request: Mapping[str, Any]) -> None:
        try:
            await self._handlers["scan"](request, self._step)
        except* DriverError as errors:  # the request runs in a group of tasks
            fault = _first(errors).fault
            self._change(fault=Words.of(fault.what), cure=Words.of(fault.cure))
        except* NotDone as refusals:
            text = str(refusals.exceptions[0])
            self._change(fault=Words(text, text))
        finally:
            self._change(running=False)

    async def _step(self, step: Any) -> None:
        assert self._scan is not None
        if "found" in step:
            self._change(found=(*self._scan.found, self._found(step["found"])))
        else:
            self._change(done=step["done"], total=step["total"])

    def _found(self, unit: Mapping[str, Any]) -> FoundUnit:
        assert self._scan is not None
        line, devices = self._scan.line, self._snapshot().devices.values()
        owner = next(
            (
                each.id
                for each in devices
                if each.line == line and isinstance(each.driver, ModbusDevice) and each.driver.address == unit["unit"]
            ),
            None,
        )
        guesses = tuple(Guess(each["profile"], each["share"]) for each in unit["guesses"][:MOST_GUESSES])
        return FoundUnit(unit["unit"], unit["baud"], unit["parity"], guesses, owner)

    def _change(self, **more: Any) -> None:
        if self._scan is not None:
            self._scan = msgspec.structs.replace(self._scan, **more)


def _first(errors: BaseExceptionGroup[DriverError]) -> DriverError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _units(text: str) -> list[int]:
    found: list[int] = []
    for part in text.replace("，", ",").split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or not 1 <= int(first) <= int(last or first) <= 247:
            raise Refused(UNITS)
        found += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(found))
