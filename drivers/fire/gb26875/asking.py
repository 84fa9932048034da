"""Questions of a monitoring centre to one transmission device: one at a time, three times 10 s (GB/T 26875.3, 6.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.gb26875.exchange import Exchanges
from courtyard.drivers.fire.gb26875.frame import Message


class Asking:
    """Serial numbers go on from question to question; `send` puts a packet on the way to the device."""

    def __init__(self, device: str, send: Callable[[bytes], object]) -> None:
        self._device, self._send = device, send
        self._exchanges = Exchanges()
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._answer: Message | None = None
        self._heard = asyncio.Event()

    async def ask(self, build: Callable[[int], bytes]) -> Message:
        """Sends what `build` makes of a serial number until it is answered.

        Raises DriverError when the device refuses or does not answer, and what `build` raises.
        """
        async with self._turn:
            self._answer = None
            self._exchanges.begin("question", build, self._now_ms())
            try:
                while self._answer is None:
                    packets, failed = self._exchanges.due(self._now_ms())
                    if failed:
                        code = "ask.denied" if failed[0].denied else "ask.silent"
                        raise DriverError(panel_fault(code, device=self._device), self._device)
                    for packet in packets:
                        self._send(packet)
                    await self._wait()
                return self._answer
            finally:
                self._exchanges.abandon()

    def heard(self, message: Message) -> None:
        """Takes a reply of the device; replies to nothing asked are ignored."""
        settled = self._exchanges.accept(message, self._now_ms())
        if settled is not None:
            self._answer = settled.reply
        self._heard.set()

    async def _wait(self) -> None:
        """Until a reply came or the next transmission is due."""
        self._heard.clear()
        waiting = self._loop.create_task(self._heard.wait())
        due_ms = self._exchanges.next_due_ms() or 0
        try:
            await asyncio.wait((waiting,), timeout=max(due_ms - self._now_ms(), 0) / 1000)
        finally:
            waiting.cancel()

    def _now_ms(self) -> int:
        return round(self._loop.time() * 1000)
