"""The streams of a camera: films that are encoded once and repeated, or live pictures that are encoded as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hw_sim.camera.film import GROUP, Encoder, Film, Source, Unit
from hw_sim.camera.mischief import Mischief

LARGER = 2
"""A changed resolution is so many times as wide and high."""

_films: dict[tuple[Source, int, int, str], Film] = {}


def film(source: Source, width: int, height: int, codec: str = "h264") -> Film:
    """The repeatable film of a source; encoded once for all cameras that show it."""
    key = (source, width, height, codec)
    if key not in _films:
        _films[key] = Film(source, width, height, codec=codec)
    return _films[key]


class FilmChannel:
    """Repeats a film; what is wrong with a stream is wrong here."""

    def __init__(self, source: Source, width: int, height: int, mischief: Mischief, codec: str = "h264") -> None:
        self._source, self._width, self._height, self._mischief = source, width, height, mischief
        self.codec = "mpeg4" if "codec" in mischief else codec

    async def unit(self, number: int) -> Unit:
        factor = LARGER if "size" in self._mischief else 1
        shown = film(self._source, self._width * factor, self._height * factor, self.codec)
        wanted = 0 if "still" in self._mischief else number
        return shown.unit(wanted) if shown.has(wanted) else await asyncio.to_thread(shown.unit, wanted)


class LiveChannel:
    """Encodes what the source shows at the time of `seconds`, in a thread of its own for each picture."""

    codec = "h264"

    def __init__(
        self, source: Source, width: int, height: int, mischief: Mischief, seconds: Callable[[], float]
    ) -> None:
        self._source, self._mischief, self._seconds = source, mischief, seconds
        self._encoder = Encoder(width, height, group=GROUP)
        self._last: tuple[int, Unit] | None = None
        self._stood_at: float | None = None

    async def unit(self, number: int) -> Unit:
        if self._last is None or self._last[0] != number:
            if "still" not in self._mischief:
                self._stood_at = None
            elif self._stood_at is None:
                self._stood_at = self._seconds()
            at = self._seconds() if self._stood_at is None else self._stood_at
            self._last = number, await asyncio.to_thread(lambda: self._encoder.encode(self._source(at)))
        return self._last[1]
