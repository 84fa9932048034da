"""Pairing asked for over the control socket: one device at a time, for a limited time, with a person to ask.

A request `pair` lasts as long as the pairing does and tells its progress; what the person has to say comes as requests
`pair_answer`.  When the one who asked goes away, the pairing ends.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from courtyard.agent.control import Handler, Progress, Refused
from courtyard.agent.lines import Lines
from courtyard.agent.recorder import Recorder
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Text
from courtyard.drivers.ble.settings import BleDevice

SHORTEST_S, LONGEST_S = 5.0, 300.0
TELL_EVERY_S = 1.0
ADDRESS = re.compile(r"^[0-9A-F]{2}(:[0-9A-F]{2}){5}$")
NOT_ASKED = Text("Nothing is being asked now.", "当前没有需要回答的问题。")
NO_DEVICE = Text(
    "{name} is neither a wearable of the site nor a Bluetooth address.",
    "{name} 既不是站点中的穿戴设备，也不是蓝牙地址。",
)


class Pairs(Protocol):
    """A driver that can pair."""

    async def pair(self, address: str, person: Any, within_s: float) -> str: ...
    async def unpair(self, address: str) -> bool: ...


class Caller:
    """The person at the other end of a request."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._answer: asyncio.Future[int | None] | None = None

    async def tell(self, stage: str, adapter: str = "") -> None:
        await self._progress({"stage": stage, "adapter": adapter})

    async def passkey(self) -> int | None:
        return await self._ask({"ask": "passkey"})

    async def same(self, number: int) -> bool:
        return await self._ask({"ask": "same", "number": number}) is not None

    async def show(self, number: int) -> None:
        await self._progress({"show": number})

    def answer(self, value: int | None) -> bool:
        """Whether something was asked."""
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_result(value)
        return True

    async def _ask(self, question: dict[str, Any]) -> int | None:
        self._answer = asyncio.get_running_loop().create_future()
        await self._progress(question)
        return await self._answer


class PairingDesk:
    """The handlers of one gateway."""

    def __init__(self, lines: Lines, snapshot: Callable[[], Snapshot], recorder: Recorder) -> None:
        self._lines, self._snapshot, self._recorder = lines, snapshot, recorder
        self._caller: Caller | None = None

    def handlers(self) -> Mapping[str, Handler]:
        """By request name."""
        return {"pair": self._pair, "pair_answer": self._answered, "unpair": self._unpair}

    async def _pair(self, request: Mapping[str, Any], progress: Progress) -> Any:
        device, line, address = self._subject(request)
        seconds = min(max(float(request.get("seconds", 120.0)), SHORTEST_S), LONGEST_S)
        caller = Caller(progress)
        async with self._lines.watching(line) as driver:
            pairs: Pairs = driver  # type: ignore[assignment]
            pairing = asyncio.ensure_future(pairs.pair(address, caller, seconds))
            self._caller = caller
            ends_s = asyncio.get_running_loop().time() + seconds
            self._recorder.event("pairing.begun", {"seconds": seconds}, device=device)
            try:
                while not (await asyncio.wait((pairing,), timeout=TELL_EVERY_S))[0]:
                    await progress({"left_s": round(max(0.0, ends_s - asyncio.get_running_loop().time()))})
                adapter = pairing.result()
            finally:
                self._caller = None
                pairing.cancel()
                await asyncio.wait((pairing,))
                paired = not pairing.cancelled() and pairing.exception() is None
                self._recorder.event("pairing.ended", {"paired": paired}, device=device)
        return {"adapter": adapter, "device": device}

    async def _answered(self, request: Mapping[str, Any], progress: Progress) -> Any:
        value = request.get("answer")
        number = value if isinstance(value, int) and 0 <= value <= 999_999 else None
        if self._caller is None or not self._caller.answer(number):
            raise Refused(" / ".join(NOT_ASKED))
        return {}

    async def _unpair(self, request: Mapping[str, Any], progress: Progress) -> Any:
        device, line, address = self._subject(request)
        async with self._lines.watching(line) as driver:
            pairs: Pairs = driver  # type: ignore[assignment]
            removed = await pairs.unpair(address)
        self._recorder.event("pairing.removed", {"removed": removed}, device=device)
        return {"removed": removed, "device": device}

    def _subject(self, request: Mapping[str, Any]) -> tuple[str | None, str | None, str]:
        """Device of the site, line and address.  Raises Refused."""
        name = str(request.get("device", ""))
        address = name.upper().replace("-", ":")
        for device, installed in self._snapshot().devices.items():
            if isinstance(installed.driver, BleDevice) and (device == name or installed.driver.address == address):
                return device, installed.line, installed.driver.address
        if not ADDRESS.match(address):
            raise Refused(" / ".join(Text(*(each.format(name=name[:64]) for each in NO_DEVICE))))
        line = request.get("line")
        return None, str(line) if line else None, address
