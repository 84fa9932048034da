"""Holds outputs for as long as something demands them, such as a siren while alarms call.

Whoever demands an output shares one lease of it, which is renewed until the last demand is withdrawn.  The output's own
rules stay in force: when it reached its cap or was blocked, the demands of that moment are spent; a later one is
served when the output has rested.  While the device does not obey it is tried again, less and less often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from courtyard.agent.outputs.lease import Lease, OutputRefused
from courtyard.agent.outputs.outputs import Outputs

TTL_S: Final = 20.0
RETRY_S: Final = (2.0, 5.0, 10.0, 30.0, 60.0)
RETRIED: Final = frozenset(
    {
        "output.failed",
        "output.resting",
        "output.leases",
        "output.ended.write_failed",
        "output.ended.expired",
        "output.ended.stop",
        "output.ended.removed",
    }
)
"""Refusals that say nothing against the demand itself."""


class Demand(NamedTuple):
    """Who demands, and on which occasion: what is spent is demanded anew only on another one."""

    holder: str
    occasion: int


class Demands:
    """Used from the event loop only; demands have an effect while `run` is running."""

    def __init__(self, outputs: Outputs, told: Callable[[str, str | None], None] = lambda *_: None) -> None:
        """`told` hears of an output that it is held (None), or why it is not or no longer (`output.failed`, ...)."""
        self._outputs, self._told = outputs, told
        self.held: set[str] = set()
        """Outputs that are on for a demand now."""
        self._wanted: dict[str, dict[Demand, bool]] = {}  # output to demands; True: not spent
        self._changed: dict[str, asyncio.Event] = {}
        self._group: asyncio.TaskGroup | None = None

    def want(self, holder: str, outputs: Iterable[str], *, occasion: int = 0) -> None:
        """The holder demands exactly these outputs from now on; none withdraws all that it demanded."""
        demand, wanted = Demand(holder, occasion), set(outputs)
        for output, demands in self._wanted.items():
            for other in [each for each in demands if each.holder == holder]:
                if output not in wanted or other != demand:
                    del demands[other]
                    self._changed[output].set()
        for output in wanted:
            if output not in self._wanted:
                self._wanted[output], self._changed[output] = {}, asyncio.Event()
                self._start(output)
            self._wanted[output].setdefault(demand, True)
            self._changed[output].set()

    async def run(self) -> None:
        """Until cancelled; then every lease is released."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for output in self._wanted:
                    self._start(output)
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    def _start(self, output: str) -> None:
        if self._group is not None:
            self._group.create_task(self._serve(output))

    async def _serve(self, output: str) -> None:
        failures = 0
        while True:
            self._changed[output].clear()
            demand = self._unspent(output)
            if demand is None:
                await self._changed[output].wait()
                continue
            try:
                ttl_s = min(TTL_S, self._outputs.cap_s(output))
                lease = await self._outputs.acquire(output, demand.holder, ttl_s)
                failures = 0
                self.held.add(output)
                self._told(output, None)
                try:
                    await self._keep(output, lease, ttl_s)
                finally:
                    self.held.discard(output)
            except OutputRefused as error:
                self._told(output, error.code)
                if error.code not in RETRIED:
                    self._wanted[output] = dict.fromkeys(self._wanted[output], False)
                    continue
                resting = error.code == "output.resting"
                await self._pause(output, RETRY_S[0 if resting else min(failures, len(RETRY_S) - 1)])
                failures += 1

    async def _keep(self, output: str, lease: Lease, ttl_s: float) -> None:
        lease.ended.add_done_callback(lambda _: self._changed[output].set())
        try:
            while self._unspent(output) is not None:
                self._changed[output].clear()
                self._outputs.renew(lease, ttl_s)
                await self._pause(output, ttl_s / 3)
        finally:
            self._outputs.release(lease)

    async def _pause(self, output: str, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._changed[output].wait()
        except TimeoutError:
            return

    def _unspent(self, output: str) -> Demand | None:
        return next((demand for demand, unspent in self._wanted[output].items() if unspent), None)
