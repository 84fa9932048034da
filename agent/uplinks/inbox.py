"""Commands from a platform, and what became of them.

Invariants
1. A command is acknowledged to the broker when its outcome is known, so that a flood waits at the broker.
2. An outcome is kept until the broker has it, over lost connections too: a sender may hear one twice.
3. What is kept is bounded; what does not fit is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias


class Request(NamedTuple):
    """A message of the command topic.  `remaining_s` is what was left of its expiry interval, where it had one."""

    payload: bytes
    retained: bool = False
    remaining_s: float | None = None


Execute: TypeAlias = Callable[[Request], Awaitable[bytes | None]]
"""Takes a message of the command topic; gives the message for the outcome topic, or None.  Never raises."""

MAX_RUNNING = 64
MAX_OUTCOMES = 64


class Inbox:
    """Runs commands as they come and queues their outcomes.  `ready` is called when there is one to send."""

    def __init__(self, execute: Execute, ready: Callable[[], None]) -> None:
        self.received = self.dropped = self.outcomes_dropped = 0
        self._number = 0
        self._execute = execute
        self._ready = ready
        self._running: set[asyncio.Task[None]] = set()
        self._outcomes: dict[int, bytes] = {}
        self._queue: deque[int] = deque()

    def take(self, group: asyncio.TaskGroup, request: Request, acknowledge: Callable[[], None]) -> None:
        """Starts a command in `group`; it goes on when the connection is lost.

        Beyond 64 at a time a command is dropped and counted: its sender gets no outcome, and it expires.
        """
        self.received += 1
        if len(self._running) >= MAX_RUNNING:
            self.dropped += 1
            acknowledge()
            return
        task = group.create_task(self._run(request, acknowledge))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def restart(self) -> None:
        """Queues every outcome that the broker has not acknowledged: for a new connection."""
        self._queue = deque(self._outcomes)

    def next(self) -> tuple[int, bytes] | None:
        """The next outcome to send, with its number for `delivered`."""
        while self._queue:
            number = self._queue.popleft()
            if number in self._outcomes:
                return number, self._outcomes[number]
        return None

    def delivered(self, number: int) -> None:
        """The broker has answered."""
        self._outcomes.pop(number, None)

    async def _run(self, request: Request, acknowledge: Callable[[], None]) -> None:
        outcome = await self._execute(request)
        if outcome is not None:
            if len(self._outcomes) >= MAX_OUTCOMES:
                del self._outcomes[next(iter(self._outcomes))]
                self.outcomes_dropped += 1
            self._number += 1
            self._outcomes[self._number] = outcome
            self._queue.append(self._number)
            self._ready()
        acknowledge()
