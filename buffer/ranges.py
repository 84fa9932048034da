"""Sets of whole numbers kept as ranges: what was acknowledged, what is in flight, what is no longer there.

Invariants: ranges are inclusive, ascending, disjoint and never adjacent; `total` is how many numbers they hold.
Adding at the end, the common case, takes constant time; everything else is logarithmic plus the ranges touched.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class RangeSet:
    """A mutable set of integers >= 0, as inclusive ranges."""

    __slots__ = ("_firsts", "_lasts", "total")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.total = 0
        for first, last in ranges:
            self.add(first, last)

    @classmethod
    def parse(cls, text: str) -> RangeSet:
        """The inverse of `text`.  Raises ValueError when it is not a list of ranges such as `1-500,502-502`."""
        made = cls()
        for part in filter(None, text.split(",")):
            first, last = part.split("-")
            if int(first) > int(last):
                raise ValueError(f"range {part} runs backwards")
            made.add(int(first), int(last))
        return made

    def text(self, most: int | None = None) -> str:
        """`1-500,502-502`; with `most`, only so many of the lowest ranges."""
        return ",".join(f"{first}-{last}" for first, last in zip(self._firsts[:most], self._lasts[:most], strict=True))

    def copy(self, most: int | None = None) -> RangeSet:
        """An independent set; with `most`, only so many of the lowest ranges."""
        made = RangeSet()
        made._firsts, made._lasts = self._firsts[:most], self._lasts[:most]
        made.total = self.total if most is None or most >= len(self) else sum(b - a + 1 for a, b in made)
        return made

    def __len__(self) -> int:
        return len(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RangeSet({self.text()})"

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def add(self, first: int, last: int) -> None:
        """Puts `first..last` in; nothing when it is empty."""
        if last < first:
            return
        firsts, lasts = self._firsts, self._lasts
        if not lasts or first > lasts[-1] + 1:
            firsts.append(first)
            lasts.append(last)
            self.total += last - first + 1
            return
        low = bisect_left(lasts, first - 1)
        high = bisect_right(firsts, last + 1)
        if low < high:
            first, last = min(first, firsts[low]), max(last, lasts[high - 1])
            self.total -= sum(lasts[at] - firsts[at] + 1 for at in range(low, high))
        firsts[low:high], lasts[low:high] = [first], [last]
        self.total += last - first + 1

    def remove(self, first: int, last: int) -> None:
        """Takes `first..last` out, as far as it is in."""
        firsts, lasts = self._firsts, self._lasts
        low, high = bisect_left(lasts, first), bisect_right(firsts, last)
        if last < first or low >= high:
            return
        kept = [(a, b) for a, b in ((firsts[low], first - 1), (last + 1, lasts[high - 1])) if a <= b]
        self.total -= sum(lasts[at] - firsts[at] + 1 for at in range(low, high))
        firsts[low:high], lasts[low:high] = [a for a, _ in kept], [b for _, b in kept]
        self.total += sum(b - a + 1 for a, b in kept)

    def next_missing(self, number: int) -> int:
        """The lowest number >= `number` that is not in the set."""
        at = bisect_right(self._firsts, number) - 1
        return self._lasts[at] + 1 if at >= 0 and number <= self._lasts[at] else number

    def next_present(self, number: int) -> int | None:
        """The lowest number >= `number` that is in the set; None when there is none."""
        at = bisect_left(self._lasts, number)
        return max(number, self._firsts[at]) if at < len(self._firsts) else None

    def within(self, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of `first..last` that are in the set."""
        if last < first:
            return []
        low, high = bisect_left(self._lasts, first), bisect_right(self._firsts, last)
        return [(max(first, self._firsts[at]), min(last, self._lasts[at])) for at in range(low, high)]

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of `first..last` that are not in the set."""
        found, at = [], first
        for a, b in self.within(first, last):
            if at < a:
                found.append((at, a - 1))
            at = b + 1
        if at <= last:
            found.append((at, last))
        return found


def common(sets: Iterable[RangeSet]) -> RangeSet | None:
    """What all sets have in common; None when there are no sets (then nothing is excluded)."""
    met: RangeSet | None = None
    for other in sets:
        met = other.copy() if met is None else RangeSet(part for a, b in met for part in other.within(a, b))
    return met
