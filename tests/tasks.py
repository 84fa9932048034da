"""Ending what a test has started."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any


async def end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancels the tasks and waits for them; raises what went wrong in one of them."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
