"""What people may do on the page, done by the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from courtyard.agent.alarms.acts import ActRefused, Acts
from courtyard.agent.identification import SIGN
from courtyard.agent.web.model import Frame, NoticeKind, Refused, Sign, TestRead, Words
from courtyard.buffer import Appended
from courtyard.buffer.types import JournalError
from courtyard.drivers.base import DriverError, Reading

READ_S = 30.0
BUSY = Words("The disk is too slow just now; try again.", "磁盘繁忙，请稍后重试。")
LASTS = Words("This stays until it is mended.", "此问题修复前会一直显示。")
GONE = Words("This note is gone already.", "该提示已消除。")
TOO_LONG = Words("The device took too long.", "设备响应超时。")


class GatewayHands:
    """Implements `courtyard.agent.web.model.Hands`."""

    def __init__(
        self,
        acts: Acts,
        read: Callable[[str], Awaitable[Reading]],
        identify: Callable[[str], Awaitable[None]],
        frames: Callable[[str], Sequence[Frame]],
        values: Callable[[Reading], Any],
        *,
        clear_damage: Callable[[str], bool],
    ) -> None:
        self._clear_damage = clear_damage
        self._acts, self._read, self._frames, self._values = acts, read, frames, values
        self._identify = identify

    async def acknowledge(self, alarm_id: str, occurrence: int, person: str, reason: str) -> None:
        """A person takes an alarm on."""
        await _kept(lambda: self._acts.acknowledge(alarm_id, person, reason, occurrence=occurrence))

    async def clear(self, alarm_id: str, occurrence: int, person: str, reason: str) -> None:
        """A person ends an alarm."""
        await _kept(lambda: self._acts.clear(alarm_id, person, reason, occurrence=occurrence))

    async def shelve(self, alarm_id: str, person: str, reason: str, until_ms: int) -> None:
        """A person stops the calling for a while."""
        await _kept(lambda: self._acts.shelve(alarm_id, person, reason, until_ms))

    async def clear_notice(self, kind: NoticeKind, person: str) -> None:
        """A person has seen what happened; what is still wrong cannot be cleared."""
        if kind != "damage":
            raise Refused(LASTS)
        if not self._clear_damage(person):
            raise Refused(GONE)

    async def read(self, device: str) -> TestRead:
        """Reads a device now; a fault is an answer too."""
        try:
            async with asyncio.timeout(READ_S):
                reading = await self._read(device)
        except DriverError as error:
            fault = error.fault
            return TestRead((), tuple(self._frames(device)), Words.of(fault.what), Words.of(fault.cure))
        except TimeoutError as error:
            raise Refused(TOO_LONG) from error
        return TestRead(self._values(reading), tuple(self._frames(device)))

    async def identify(self, device: str) -> Sign:
        """Has a device buzz for a person who looks for it; a fault is an answer too."""
        try:
            await self._identify(device)
        except DriverError as error:
            return Sign(None, Words.of(error.fault.what), Words.of(error.fault.cure))
        return Sign(SIGN.for_s)


async def _kept(act: Callable[[], asyncio.Future[Appended]]) -> None:
    try:
        await asyncio.shield(act())
    except ActRefused as refused:
        raise Refused(Words.of(refused.text)) from refused
    except JournalError as error:
        raise Refused(BUSY) from error
