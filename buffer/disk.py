"""Who does the disk's work: a thread of its own, or the event loop itself where a test runs on a virtual clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
Done: TypeAlias = Callable[[T | None, BaseException | None], None]


class Worker(Protocol):
    """Does one thing after another; the answer comes back in the event loop, as a result or an error."""

    def call(self, work: Callable[[], T], done: Done[T]) -> None: ...

    def stop(self) -> None: ...


class ThreadWorker:
    """A daemon thread: a disk that never answers holds up neither the event loop nor the end of the process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._queue: SimpleQueue[tuple[Callable[[], Any], Done[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def call(self, work: Callable[[], T], done: Done[T]) -> None:
        self._queue.put((work, done))

    def stop(self) -> None:
        """The thread ends when it has done what was asked before."""
        self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            work, done = item
            result, failure = None, None
            try:
                result = work()
            except Exception as error:
                failure = error
            try:
                self._loop.call_soon_threadsafe(done, result, failure)
            except RuntimeError:
                return  # the loop has ended; there is nobody left to tell


class InlineWorker:
    """Works within the event loop, one step later, so that callers see the same order as with a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call(self, work: Callable[[], T], done: Done[T]) -> None:
        self._loop.call_soon(self._run, work, done)

    def stop(self) -> None:
        """Nothing to end."""

    def _run(self, work: Callable[[], T], done: Done[T]) -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:
            failure = error
        done(result, failure)


async def ask(worker: Worker, work: Callable[[], T]) -> T:
    """The result of the work, or its error raised here; a caller that goes away leaves the work to end by itself."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def done(result: T | None, failure: BaseException | None) -> None:
        if future.done():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    worker.call(work, done)
    return await future
