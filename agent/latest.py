"""The last readings of every device, for people who look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from courtyard.drivers.base import Reading


class Known(NamedTuple):
    """What a device said last, and what it said when it last had any value."""

    last: Reading
    good: Reading | None


class Latest:
    """Used from the event loop only; two readings a device."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._news = set[str]()

    def note(self, reading: Reading) -> None:
        """Takes a reading.  Cheap: it is called for every one."""
        known = self._known.get(reading.device)
        usable = any(value is not None for value in reading.values.values())
        self._known[reading.device] = Known(reading, reading if usable else known.good if known else None)
        self._news.add(reading.device)

    def news(self) -> set[str]:
        """The devices that said anything since this was last asked: for one asker."""
        news, self._news = self._news, set()
        return news

    def of(self, device: str) -> Known | None:
        """What is known of a device."""
        return self._known.get(device)

    def keep(self, devices: Iterable[str]) -> None:
        """Forgets every other device."""
        wanted = set(devices)
        self._known = {device: known for device, known in self._known.items() if device in wanted}
        self._news &= wanted
