"""A number that changes when there may be something new, and a way to wait for that."""

from __future__ import annotations

import asyncio


class Pulse:
    """Waiters are woken together; whoever asks with an old number is answered at once, so no change is missed."""

    def __init__(self) -> None:
        self._generation = 0
        self._waiters: list[asyncio.Future[None]] = []

    def beat(self) -> None:
        self._generation += 1
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seen: int) -> int:
        """The present number, as soon as it differs from `seen`."""
        if self._generation == seen:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self._generation
