"""Roll-ups of every point for the page: the types and the port that the page is written against.

`courtyard.agent.history.history.PointHistory` implements `History`; nothing here opens a database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from courtyard.drivers.base import Fault

__all__ = ["RESOLUTION_S", "History", "HistoryStatus", "Resolution", "Series"]

Resolution: TypeAlias = Literal["minute", "hour", "day"]
RESOLUTION_S: Final[dict[Resolution, int]] = {"minute": 60, "hour": 3600, "day": 86400}


class Series(msgspec.Struct, frozen=True):
    """One point of one device over time, in columns of equal length, oldest first.

    A bucket without a value has None in every column but `at_ms` and `count`.  A gap is shown as ONE such bucket where
    it begins, so that a chart which breaks its line at null shows it; nothing is ever interpolated.
    """

    device: str
    point: str
    resolution: Resolution
    step_s: int
    """Width of a bucket after thinning: a multiple of the resolution's own."""
    counter: bool
    """Whether `increase` is filled: what the counter went on since the bucket before, over resets and wraps."""
    at_ms: tuple[int, ...]
    """Begin of each bucket; days begin at local midnight of the site."""
    count: tuple[int, ...]
    good: tuple[float | None, ...]
    """Share of the samples that were good, 0..1."""
    minimum: tuple[float | None, ...]
    maximum: tuple[float | None, ...]
    mean: tuple[float | None, ...]
    first: tuple[float | None, ...]
    last: tuple[float | None, ...]
    increase: tuple[float | None, ...]


class HistoryStatus(msgspec.Struct, frozen=True):
    """How the history fares."""

    used_bytes: int
    quota_bytes: int
    series: int
    oldest_ms: dict[Resolution, int | None]
    dropped: int
    """Readings that came faster than they could be counted."""
    undated: int
    """Readings left out because the clock was not set."""
    lost_minutes: int
    """Minutes of all points that the disk did not take."""
    fault: Fault | None
    """Why there is no history now, or that a damaged one was set aside."""


class History(Protocol):
    """What the page needs.  Every method does its work in a thread."""

    async def query(
        self,
        device: str,
        point: str,
        since_ms: int,
        until_ms: int,
        *,
        resolution: Resolution | None = None,
        buckets: int = 1000,
    ) -> Series:
        """The buckets of [since_ms, until_ms), thinned to at most `buckets` (1..50000) with minima and maxima kept.

        Without `resolution` the finest one that is kept for this time and gives no more than 50000 buckets.
        Unknown devices and points give an empty series.
        """

    async def points(self, device: str) -> Sequence[str]:
        """Points of a device that have a history."""

    async def erase(self, devices: Collection[str]) -> int:
        """Erases everything of these devices (those of a resident, for one), on disk too; returns series erased."""

    async def status(self) -> HistoryStatus: ...
