"""Adverts read in batches: a crowd of wearables wakes the gateway fifty times a second, not once for every advert.

What an advert costs is mostly the waking: a system call to wait, one to read, and caches that others have used since.
So after adverts were read, the D-Bus connection they come by is left alone for `PAUSE_S`; the kernel keeps what comes
meanwhile, in order, and all of it is read at once.  Nothing is dropped or looked at less.

While there is a connection to a wearable there are no pauses: it has a D-Bus connection of its own, and what both tell
of the device must not come apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

PAUSE_S = 0.02
"""So much later a call for help is read at most; it is repeated, and on its way, for a hundred times as long."""


_links: set[object] = set()
"""Whoever wants no pauses; bleak has one connection for all scans of a process."""


@contextmanager
def unpaced() -> Iterator[None]:
    """No pause begins meanwhile; the last one may still end."""
    link = object()
    _links.add(link)
    try:
        yield
    finally:
        _links.discard(link)


class _Reader(NamedTuple):
    """What the event loop calls when something can be read."""

    call: Callable[..., object]
    arguments: tuple[Any, ...]


class Pace:
    """The pauses of one connection of dbus-fast; `bus` is its MessageBus.  Several may share a connection.

    Neither dbus-fast nor asyncio tells of a reader once it is added: where theirs is not found as it is expected,
    nothing is paused, and every advert is read by itself.
    """

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._paused = False

    def heard(self) -> None:
        """Adverts are being read: what is in hand is read to its end, what follows after the pause."""
        if self._paused or _links:
            return
        socket = getattr(self._bus, "_sock", None)
        fd = -1 if socket is None else socket.fileno()
        reader = self._reader(fd)
        if reader is None:
            return
        self._paused = True
        self._loop.remove_reader(fd)
        self._loop.call_later(PAUSE_S, self._resume, socket, fd, reader)

    def _reader(self, fd: int) -> _Reader | None:
        """What reads this connection; None: nothing, or nothing that is known."""
        if fd < 0:
            return None
        try:
            handle = self._loop._selector.get_key(fd).data[0]  # type: ignore[attr-defined]
            return None if handle is None else _Reader(handle._callback, handle._args)
        except (AttributeError, KeyError, RuntimeError, TypeError):
            return None

    def _resume(self, socket: Any, fd: int, reader: _Reader) -> None:
        self._paused = False
        if socket.fileno() == fd:  # else it was closed meanwhile, and the number may be another's
            self._loop.add_reader(fd, reader.call, *reader.arguments)
