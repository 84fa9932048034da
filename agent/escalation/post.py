"""Text messages of escalations: alarms that wait for the same numbers share one, so that a fire of many detectors
brings one call a minute and not a hundred."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from courtyard.agent.escalation.state import Key
from courtyard.agent.escalation.table import StepEvent
from courtyard.drivers.base import DriverError

Send = Callable[[str, str], Awaitable[object]]
"""Number and text; returns when the network has taken the message.  Raises DriverError."""
PAUSE_S: Final = 60.0
"""Between two messages to the same numbers."""


class Letter(NamedTuple):
    """One alarm that waits for its message; `reached` have had it."""

    key: Key
    step_key: str
    numbers: tuple[str, ...]
    reached: tuple[str, ...]


Compose = Callable[[list[Key]], str]
Told = Callable[[Key, str, StepEvent, str], None]
Reached = Callable[[Key, str, str], None]


class Post:
    """Used from the event loop only; sends while `run` is running.  One message at a time, as the modem does."""

    def __init__(self, send: Send, compose: Compose, *, told: Told, reached: Reached) -> None:
        self._send, self._compose, self._told, self._reached = send, compose, told, reached
        self._waiting: dict[tuple[Key, str], Letter] = {}
        self._not_before: dict[tuple[str, ...], float] = {}
        self._changed = asyncio.Event()

    def put(self, letter: Letter) -> None:
        """Waits to be sent; a letter of the same step replaces the one before."""
        self._waiting[letter.key, letter.step_key] = letter
        self._changed.set()

    def withdraw(self, key: Key, step_key: str) -> None:
        """Not wanted any more; what is being sent is sent."""
        self._waiting.pop((key, step_key), None)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._changed.clear()
            letters = self._take()
            if letters:
                await self._deliver(letters)
                continue
            times = [self._not_before.get(letter.numbers, 0.0) for letter in self._waiting.values()]
            try:
                async with asyncio.timeout_at(min(times, default=None)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _take(self) -> list[Letter]:
        """Everything that waits for the numbers of the first letter that may go."""
        now = asyncio.get_running_loop().time()
        first = next((each for each in self._waiting.values() if self._not_before.get(each.numbers, now) <= now), None)
        if first is None:
            return []
        same = [each for each in self._waiting.values() if each.numbers == first.numbers]
        for letter in same:
            del self._waiting[letter.key, letter.step_key]
        return same

    async def _deliver(self, letters: list[Letter]) -> None:
        numbers = letters[0].numbers
        text = self._compose([letter.key for letter in letters])
        failed: dict[str, str] = {}
        for number in numbers:
            lacking = [letter for letter in letters if number not in letter.reached]
            if not lacking:
                continue
            try:
                await self._send(number, text)
            except DriverError as error:
                failed[number] = error.fault.code
            else:
                for letter in lacking:
                    self._reached(letter.key, letter.step_key, number)
        self._not_before[numbers] = asyncio.get_running_loop().time() + (0.0 if failed else PAUSE_S)
        for letter in letters:
            missed = {number: code for number, code in failed.items() if number not in letter.reached}
            reason = ", ".join(f"…{number[-4:]} {code}" for number, code in missed.items())
            self._told(letter.key, letter.step_key, "fail" if missed else "succeed", reason)
