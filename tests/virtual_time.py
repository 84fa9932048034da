"""A loop whose time jumps to the next timer when nothing else is to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import async_solipsism

T = TypeVar("T")


def virtual(main: Callable[[], Awaitable[T]]) -> T:
    """Runs to the end in virtual time."""

    async def wrapped() -> T:
        return await main()

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(wrapped())


async def elapse(seconds: float) -> None:
    """Lets so much virtual time pass."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
