"""What the driver needs of a Bluetooth adapter.  BlueZ gives it; so does any other radio that keeps these promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, Protocol

from courtyard.drivers.base import Fault
from courtyard.drivers.ble.receive import Advertisement


class Heard(NamedTuple):
    """One advert.  `news` has only the data that came with it: nothing that the radio remembers of earlier ones.

    `handle` is what `connect` takes; it is worth nothing after the radio went down.  `services` are 16-bit UUIDs;
    `paired` is whether this radio has keys of the device.
    """

    address: str
    rssi: int
    news: Advertisement
    name: str = ""
    services: tuple[int, ...] = ()
    handle: Any = None
    paired: bool = False


class Link(Protocol):
    """One connection for one session; never used again."""

    lost: asyncio.Event
    """Set when the device or the radio has ended it."""

    @property
    def characteristics(self) -> Collection[int]:
        """16-bit UUIDs of what the device has."""

    async def subscribe(self, uuid: int, told: Callable[[bytes], None]) -> None:
        """Calls `told` with every notification, once each.  Raises LinkFailed."""

    async def read(self, uuid: int) -> bytes:
        """Raises LinkFailed."""

    async def write(self, uuid: int, data: bytes) -> None:
        """Returns when the device has confirmed, where it confirms such writes.  Raises LinkFailed."""

    async def close(self) -> None:
        """Ends it, within seconds, whatever state it is in; nothing is told afterwards.  Never raises."""


class LinkFailed(Exception):
    """The device could not be connected to, or did not do what it was asked."""


class NotPaired(LinkFailed):
    """The device gives this only to whom it is paired with."""


class Asks(Protocol):
    """A person who can be asked while a device is paired."""

    async def passkey(self) -> int | None:
        """The six digits that the device shows; None to give up."""

    async def same(self, number: int) -> bool:
        """Whether the device shows this number too."""

    async def show(self, number: int) -> None:
        """What must be typed on the device."""


class Radio(Protocol):
    """One adapter, with one owner.  Made once; opened again after every failure."""

    async def open(self, heard: Callable[[Heard], None]) -> asyncio.Future[Fault]:
        """Scans from now on; the result is done, with the reason, when the radio has gone down.

        Raises DriverError: no adapter, blocked, no permission, too old.
        """

    async def close(self) -> None:
        """Stops scanning, within seconds.  Never raises."""

    async def shut(self) -> None:
        """Closes, and holds nothing of the system any more; it may be opened again.  Never raises."""

    async def changed(self) -> None:
        """Returns when something about the adapter has changed and opening is worth another try."""

    async def connect(self, handle: Any, *, scan_paused: bool = False) -> Link:
        """Raises LinkFailed, at the latest after the radio's own time-out.  With `scan_paused` nothing is heard
        meanwhile, and the time-out is short."""

    async def power_cycle(self) -> None:
        """Switches the adapter off and on.  Raises DriverError."""

    async def pair(self, handle: Any, name: str, person: Asks) -> None:
        """Makes keys with a device; it is not connected afterwards.  `name` is for the words of a fault.

        Raises DriverError, and lets go when it is cancelled.
        """

    async def unpair(self, address: str) -> bool:
        """Forgets the keys; whether there were any.  Raises DriverError."""
