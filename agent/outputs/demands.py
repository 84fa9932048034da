"""Holds outputs for as long as something demands them, such as a siren while an alarm calls.

A demand is a standing wish: a lease is taken and renewed for it until it is withdrawn.  The output's own rules stay in
force: a demand is over for good when the output reached its cap or was blocked; it is tried again while the output
rests or does not obey.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

from courtyard.agent.outputs.lease import Lease, OutputRefused
from courtyard.agent.outputs.outputs import Outputs

TTL_S: Final = 20.0
RETRY_S: Final = 2.0
RETRIED: Final = frozenset(
    {"output.failed", "output.resting", "output.ended.write_failed", "output.ended.stop", "output.ended.removed"}
)


class _Key(NamedTuple):
    holder: str
    occasion: int
    output: str


class Demands:
    """Used from the event loop only; demands have an effect while `run` is running."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._wanted: dict[_Key, asyncio.Task[None] | None] = {}
        self._group: asyncio.TaskGroup | None = None

    def want(self, holder: str, outputs: Iterable[str], *, occasion: int = 0) -> None:
        """The holder demands exactly these outputs from now on; none withdraws all that it demanded.

        What was over for good is tried again only on another occasion (the next occurrence of an alarm).
        """
        wanted = {_Key(holder, occasion, output) for output in outputs}
        for key in [key for key in self._wanted if key.holder == holder and key not in wanted]:
            if (task := self._wanted.pop(key)) is not None:
                task.cancel()
        for key in wanted - self._wanted.keys():
            self._wanted[key] = None
            self._start(key)

    async def run(self) -> None:
        """Until cancelled; then every lease is released."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for key in self._wanted:
                    self._start(key)
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    def _start(self, key: _Key) -> None:
        if self._group is not None:
            self._wanted[key] = self._group.create_task(self._serve(key.holder, key.output))

    async def _serve(self, holder: str, output: str) -> None:
        while True:
            try:
                lease = await self._outputs.acquire(output, holder, self._ttl_s(output))
                await self._keep(lease)
            except OutputRefused as error:
                if error.code not in RETRIED:
                    return  # recorded where it was refused; nothing here may overrule it
            await asyncio.sleep(RETRY_S)

    async def _keep(self, lease: Lease) -> None:
        ttl_s = self._ttl_s(lease.output)
        try:
            while True:
                await asyncio.wait((lease.ended,), timeout=ttl_s / 3)
                self._outputs.renew(lease, ttl_s)
        finally:
            self._outputs.release(lease)

    def _ttl_s(self, output: str) -> float:
        return min(TTL_S, self._outputs.cap_s(output))
