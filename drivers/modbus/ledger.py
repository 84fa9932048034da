"""Which answers units still owe, so that a late one is never taken for the answer to another request.  Pure.

RTU answers carry no number: what tells them apart is unit, function and length.  Hence:

1. Every request that did not end in its own answer, whole or damaged behind its first three bytes, leaves a debt:
   its unit, function and answer length.
2. A later request is asked in a way whose answer no debt resembles: with one, two or three registers more, which are
   cut off again.  Such a request can follow at once.
3. When no such way is left, the unit is let alone until the profile's `late` has passed since the debt arose, and is
   then asked a shorter question first; its answer proves that a unit which takes requests in turn owes nothing older.
   When these are owed too, the oldest is asked again after five times `late`.
4. A debt ends when its answer is seen, when (3) proves it void, or when it is old and the unit has answered since.
"""

from __future__ import annotations

from typing import NamedTuple

from courtyard.drivers.modbus.frames import READS, Expected, read_request
from courtyard.drivers.modbus.reads import BIT_FUNCTIONS, Read
from courtyard.drivers.modbus.timing import TICK_S

FORGET_AFTER_S = 60.0
FORGET_AFTER_LATES = 20
REUSE_AFTER_LATES = 5
LONGEST_PROOF = 4
"""Registers of the question that proves a unit clear."""


class Way(NamedTuple):
    """How to ask now: the read to send, or a question to put before it."""

    read: Read
    proof: bool


class Ledger:
    """The debts of all units of one line."""

    def __init__(self) -> None:
        self._debts: dict[int, dict[Expected, float]] = {}
        self._answered: dict[int, float] = {}

    def owe(self, expected: Expected, asked_at: float) -> None:
        """A request ended without its own answer."""
        self._debts.setdefault(expected.head[0], {})[expected] = asked_at

    def owes(self, unit: int) -> bool:
        """Whether anything of this unit may still come."""
        return unit in self._debts

    def owes_lately(self, unit: int, late_s: float, now: float) -> bool:
        """Whether something of this unit may come within the time in which it has been seen to answer."""
        return any(now < at + late_s for at in self._debts.get(unit, {}).values())

    def answered(self, unit: int, now: float) -> None:
        """The unit gave the answer that was wanted."""
        if unit in self._debts:
            self._answered[unit] = now

    def void(self, unit: int, late_s: float, now: float) -> None:
        """The unit has answered a question that came after all its debts; those that may still be late remain."""
        self._drop(unit, [shape for shape, at in self._debts.get(unit, {}).items() if at + late_s <= now + TICK_S])

    def settle(self, adu: bytes) -> bool:
        """Whether this answer was owed; if so, it is no longer."""
        debts = self._debts.get(adu[0], {})
        shape = Expected(adu[:3] if adu[1] in READS else adu[:6], len(adu))
        if debts.pop(shape, None) is None:
            return False
        if not debts:
            del self._debts[adu[0]]
        return True

    def choose(self, unit: int, ways: tuple[Read, ...], late_s: float, now: float) -> Way | float:
        """How to ask for the first of `ways` (all of which bring it), or the time until which not to ask."""
        if unit not in self._debts:
            return Way(ways[0], False)
        self._forget(unit, late_s, now)
        debts = self._debts.get(unit, {})
        shapes = [read_request(unit, read).expected for read in ways]
        for read, shape in zip(ways, shapes, strict=True):
            if shape not in debts:
                return Way(read, False)
        clear_at = max(debts[shape] for shape in shapes) + late_s
        if now + TICK_S < clear_at:
            return clear_at
        return self._proof(unit, ways[0], late_s, now)

    def _proof(self, unit: int, read: Read, late_s: float, now: float) -> Way | float:
        """A question within the registers of `read`: the longest that nothing owed resembles, else the oldest again."""
        debts, step = self._debts[unit], 8 if read.function in BIT_FUNCTIONS else 1
        most = min(LONGEST_PROOF, (read.quantity - 1) // step)
        shorter = [read._replace(quantity=steps * step) for steps in range(most, 0, -1)]
        since = {question: debts.get(read_request(unit, question).expected) for question in shorter or [read]}
        oldest = min(since, key=lambda question: since[question] or 0.0)
        again_at = (since[oldest] or 0.0) + REUSE_AFTER_LATES * late_s
        if since[oldest] is not None and now + TICK_S < again_at:
            return again_at
        return Way(oldest, oldest is not read)

    def _forget(self, unit: int, late_s: float, now: float) -> None:
        answered, age_s = self._answered.get(unit, 0.0), max(FORGET_AFTER_S, FORGET_AFTER_LATES * late_s)
        debts = self._debts[unit].items()
        self._drop(unit, [shape for shape, at in debts if at < answered and now - at > age_s])

    def _drop(self, unit: int, shapes: list[Expected]) -> None:
        for shape in shapes:
            del self._debts[unit][shape]
        if not self._debts.get(unit, True):
            del self._debts[unit]
