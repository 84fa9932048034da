"""What wearables and beacons are heard now, through the same request as `courtyard scan ble`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from courtyard.agent.control import Handler
from courtyard.agent.web.commissioning.step_model import Heard, Listening
from courtyard.agent.web.model import Refused, Words
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError
from courtyard.drivers.ble.settings import BleDevice
from courtyard.drivers.lines.settings import BleLine

LISTEN_S: Final = 120.0
MOST: Final = 40
MOST_GUESSES: Final = 3
NO_LINE: Final = Words(
    "Save a Bluetooth line first (step Lines); then what it hears is shown here.",
    "请先在“线路”一步保存蓝牙线路，然后才能显示收到的设备。",
)


class BleHearing:
    """Implements `courtyard.agent.web.commissioning.step_model.Hearing`."""

    def __init__(self, handlers: Mapping[str, Handler], snapshot: Callable[[], Snapshot]) -> None:
        self._handlers, self._snapshot = handlers, snapshot
        self._listening: Listening | None = None
        self._task: asyncio.Task[None] | None = None

    def lines(self) -> tuple[str, ...]:
        """Bluetooth lines of the site."""
        return tuple(name for name, line in self._snapshot().lines.items() if isinstance(line.settings, BleLine))

    def now(self) -> Listening | None:
        """What is heard, or was heard last."""
        return self._listening

    def start(self, line: str) -> None:
        """Listens for two minutes; a search that runs goes on.  Raises Refused."""
        if line not in self.lines():
            raise Refused(NO_LINE)
        if self._listening is not None and self._listening.running:
            return
        self._listening = Listening(line, True)
        self._task = asyncio.create_task(self._run(line))

    async def stop(self) -> None:
        """Ends the search; what was heard stays."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _run(self, line: str) -> None:
        try:
            await self._handlers["scan_ble"]({"line": line, "seconds": LISTEN_S}, self._step)
        except DriverError as error:
            self._change(fault=Words.of(error.fault.what), cure=Words.of(error.fault.cure))
        finally:
            self._change(running=False)

    async def _step(self, step: Any) -> None:
        known = {
            device.driver.address: device.id
            for device in self._snapshot().devices.values()
            if isinstance(device.driver, BleDevice)
        }
        self._change(
            heard=tuple(
                Heard(
                    row["address"],
                    row["name"],
                    row["rssi"],
                    tuple(row["guesses"][:MOST_GUESSES]),
                    tuple(row["identities"]),
                    row["heard"],
                    row["changes"],
                    row["presses"],
                    known.get(row["address"]),
                )
                for row in step["seen"][:MOST]
            )
        )

    def _change(self, **more: Any) -> None:
        if self._listening is not None:
            self._listening = msgspec.structs.replace(self._listening, **more)
