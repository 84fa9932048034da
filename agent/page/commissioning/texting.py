"""The modem of the gateway, looked at while somebody looks, and test messages to one person who agreed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from courtyard.agent.web.commissioning.step_model import Signal, Test
from courtyard.agent.web.model import Words
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Text

LOOK_S: Final = 120.0
EVERY_S: Final = 5.0
PAUSE_S: Final = 30.0
BARS: Final = (-105, -95, -85, -75, -65)
"""From so many dBm on (3GPP TS 27.007 tells -113 to -51) a bar more."""
_NUMBER: Final = re.compile(r"\+?[0-9]{3,20}")
NO_NUMBER: Final = Words(
    "Choose or type a phone number, such as +8613812345678.", "请选择或填写号码，例如 +8613812345678。"
)
NOT_AGREED: Final = Words(
    "Ask this person first, and tick that they agreed: a message at night frightens.",
    "请先征得对方同意并勾选，以免收到短信受惊。",
)
TOO_SOON: Final = Words("A test was sent just now; wait half a minute.", "刚刚已发送测试短信，请等待半分钟。")
MESSAGE: Final = Text(
    "TEST, no emergency. Courtyard {gateway} checks its text messages. You need not do anything.",
    "【测试，非真实警情】庭院网关 {gateway} 正在检查短信功能，您无需任何操作。",
)


class Reception(Protocol):
    """What this needs of `courtyard.drivers.sms.modem.Reception`."""

    @property
    def roaming(self) -> bool: ...
    @property
    def signal_dbm(self) -> int | None: ...


class Messenger(Protocol):
    """What this needs of `courtyard.agent.second_path.SecondPath`."""

    async def reception(self) -> Reception: ...
    async def send(self, number: str, text: str) -> None: ...


class ModemTexting:
    """Implements `courtyard.agent.web.commissioning.step_model.Texting`."""

    def __init__(self, messenger: Messenger, snapshot: Callable[[], Snapshot], wall_ms: Callable[[], int]) -> None:
        self._messenger, self._snapshot, self._wall_ms = messenger, snapshot, wall_ms
        self._signal: Signal | None = None
        self._task: asyncio.Task[None] | None = None
        self._not_before_s = 0.0

    def now(self) -> Signal | None:
        """How the modem fares, while somebody looks or as it was last."""
        return self._signal

    def start(self) -> None:
        """Looks every few seconds, for two minutes."""
        if self._task is None or self._task.done():
            self._signal = Signal(True)
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the look; what was seen stays."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def test(self, number: str, *, agreed: bool) -> Test:
        """Sends one message that says that it is a test."""
        number = number.strip().replace(" ", "")
        errors = {}
        if not _NUMBER.fullmatch(number):
            errors["number"] = NO_NUMBER
        if not agreed:
            errors["agreed"] = NOT_AGREED
        begun_s = asyncio.get_running_loop().time()
        if not errors and begun_s < self._not_before_s:
            errors["number"] = TOO_SOON
        if errors:
            return Test(number[:24], errors=errors)
        self._not_before_s = begun_s + PAUSE_S
        gateway, watch = self._snapshot().site.gateway, time.monotonic()
        try:
            await self._messenger.send(number, MESSAGE.say(gateway.language).format(gateway=gateway.id))
        except DriverError as error:
            self._not_before_s = 0.0
            return Test(number, fault=Words.of(error.fault.what), cure=Words.of(error.fault.cure))
        return Test(number, round((time.monotonic() - watch) * 1000))

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                while True:
                    await self._look()
                    await asyncio.sleep(EVERY_S)
        except TimeoutError:
            return
        finally:
            self._change(running=False)

    async def _look(self) -> None:
        try:
            seen = await self._messenger.reception()
        except DriverError as error:
            fault = error.fault
            self._change(at_ms=self._wall_ms(), dbm=None, bars=0, fault=Words.of(fault.what), cure=Words.of(fault.cure))
            return
        dbm = seen.signal_dbm
        bars = 0 if dbm is None else sum(dbm >= limit for limit in BARS)
        self._change(at_ms=self._wall_ms(), roaming=seen.roaming, dbm=dbm, bars=bars, fault=None, cure=None)

    def _change(self, **more: Any) -> None:
        if self._signal is not None:
            self._signal = msgspec.structs.replace(self._signal, **more)
