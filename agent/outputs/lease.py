"""A lease: the only way in which an output is ever on.  Times are the event loop's, in seconds."""

from __future__ import annotations

import asyncio
from typing import Literal

from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Text

End = Literal["released", "expired", "cap", "blocked", "holder_lost", "write_failed", "removed", "stop"]


class OutputRefused(Refusal):
    """The output cannot be held now, or no longer."""


class Lease:
    """One holder's wish that an output be on, until `ends_at`.

    `confirmed` is done when the device was first on under it, `ended` when it is over, with the reason.
    """

    __slots__ = ("confirmed", "ended", "ends_at", "holder", "output")

    def __init__(self, output: str, holder: str, ends_at: float) -> None:
        loop = asyncio.get_running_loop()
        self.output, self.holder, self.ends_at = output, holder, ends_at
        self.confirmed: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[End] = loop.create_future()

    @property
    def stands(self) -> bool:
        """Whether it was confirmed and is not over."""
        return self.confirmed.done() and not self.ended.done()


def refused(code: str, en: str, zh: str) -> OutputRefused:
    """`output.` and the code, with a sentence in both languages."""
    return OutputRefused(f"output.{code}", Text(en, zh))
