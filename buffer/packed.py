"""Bodies of records as they lie in a row: side by side, with a comma between them, looked at without being cut apart.

A drain hands on whole rows; cutting them into records only to join these again would cost more than reading them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias, overload

SEPARATOR = b","
"""One byte between two bodies."""

Joined: TypeAlias = bytes | memoryview


class Packed(Sequence[bytes]):
    """The bodies `start..stop-1` of a row; body i lies at `offsets[i]` of `data` and ends a byte before the next."""

    __slots__ = ("_data", "_offsets", "_start", "_stop")

    def __init__(self, data: memoryview, offsets: Sequence[int], start: int, stop: int) -> None:
        self._data, self._offsets, self._start, self._stop = data, offsets, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Packed: ...
    def __getitem__(self, index: int | slice) -> bytes | Packed:
        places = range(self._start, self._stop)[index]
        if isinstance(places, int):
            return bytes(self._data[self._offsets[places] : self._offsets[places + 1] - 1])
        if places.step != 1:
            raise ValueError("only neighbours stay packed")
        return Packed(self._data, self._offsets, places.start, max(places.start, places.stop))

    def joined(self) -> Joined:
        """All of them with the separator between two, where they lie."""
        return self._data[self._offsets[self._start] : self._offsets[self._stop] - 1] if self else b""


class Pieces(Sequence[bytes]):
    """The bodies of several runs as one; for going through and joining, not for picking."""

    __slots__ = ("_runs",)

    def __init__(self, runs: Sequence[Sequence[bytes]]) -> None:
        self._runs = runs

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def __iter__(self) -> chain[bytes]:
        return chain.from_iterable(self._runs)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        return list(self)[index]

    def joined(self) -> Joined:
        """All of them with the separator between two."""
        return SEPARATOR.join([join(run) for run in self._runs if run])


def together(runs: Sequence[Sequence[bytes]]) -> Sequence[bytes]:
    """Runs of bodies as one, packed ones left as they are."""
    if len(runs) == 1:
        return runs[0]
    return Pieces(runs) if any(isinstance(run, Packed) for run in runs) else list(chain.from_iterable(runs))


def join(bodies: Iterable[bytes]) -> Joined:
    """The bodies with the separator between two."""
    return bodies.joined() if isinstance(bodies, Packed | Pieces) else SEPARATOR.join(bodies)
