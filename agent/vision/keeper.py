"""Holds one output for a lift as long as somebody keeps saying so.

Invariants
1. The output is held only under a lease of TTL_S, renewed only while the wish was repeated within FRESH_S: when whoever
   looks at the pictures hangs or dies, the output lets go within FRESH_S and RENEW_S.
2. A wish that ends, or a keeper that is cancelled, lets go at once, also while the device has not yet confirmed.
3. A refusal (cap, block, dead relay) is kept in `refused` and tried again only after RETRY_S.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from courtyard.agent.refusal import Refusal

TTL_S: Final = 3.0
RENEW_S: Final = 1.0
FRESH_S: Final = 2.0
RETRY_S: Final = 2.0


class Holds(Protocol):
    """What a keeper needs of `courtyard.agent.outputs.outputs.Outputs`."""

    async def hold(self, output: str, holder: str, ttl_s: float) -> None: ...
    def drop(self, output: str, holder: str) -> int: ...


class Keeper:
    """One output, one holder.  Used from the event loop only; has an effect while `run` is running."""

    def __init__(
        self, outputs: Holds, output: str, holder: str, confirmed: Callable[[float], None] = lambda _: None
    ) -> None:
        """`confirmed` is told when the device has confirmed a new hold: how long that took, in seconds."""
        self._confirmed = confirmed
        self.refused: Refusal | None = None
        self.held = False
        self._outputs, self._output, self._holder = outputs, output, holder
        self._wanted_at_s: float | None = None
        self._began_s = 0.0
        self._changed = asyncio.Event()

    def want(self, wanted: bool) -> None:
        """Says, or repeats, what is wished now."""
        before, now_s = self._wanted_at_s, asyncio.get_running_loop().time()
        self._wanted_at_s = now_s if wanted else None
        if (before is None) == wanted:
            self._began_s = now_s
            self._changed.set()

    async def run(self) -> None:
        """Until cancelled; then the output is released."""
        try:
            while True:
                self._changed.clear()
                if not self._fresh():
                    self._let_go()
                    self._wanted_at_s = None
                    await self._changed.wait()
                    continue
                await self._pause(RENEW_S if await self._hold() else RETRY_S)
        finally:
            self._let_go()

    def _fresh(self) -> bool:
        return self._wanted_at_s is not None and asyncio.get_running_loop().time() - self._wanted_at_s <= FRESH_S

    async def _hold(self) -> bool:
        """Whether the output is held now; gives up as soon as the wish ends."""
        holding = asyncio.create_task(self._outputs.hold(self._output, self._holder, TTL_S))
        changing = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait((holding, changing), timeout=TTL_S, return_when=asyncio.FIRST_COMPLETED)
            was_held, self.held, self.refused = self.held, holding.done(), None
            if holding.done():
                holding.result()
                if not was_held:
                    self._confirmed(asyncio.get_running_loop().time() - self._began_s)
        except Refusal as refusal:
            self.held, self.refused = False, refusal
        finally:
            changing.cancel()
            if not holding.done():
                holding.cancel()
                await asyncio.wait((holding,))
        return self.held

    async def _pause(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def _let_go(self) -> None:
        self.held = False
        try:
            self._outputs.drop(self._output, self._holder)
        except Refusal as refusal:  # the site no longer has this output: then it is switched off already
            self.refused = refusal
