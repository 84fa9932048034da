"""How much water a household draws, minute by minute.

A day is a list of draws (start, duration, litres a second) made from a seed and the date alone, so the same
household has the same curve in every run and at every speed.  Nobody draws anything most of the night; what
flows then is a leak.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

DAY_S = 86_400
UTC_OFFSET_S = 8 * 3600
"""Local time of the simulated compounds."""


class Habit(NamedTuple):
    """One kind of draw: how often a day and person (or household), how much, how fast, and at which hours."""

    times: float
    shared: bool
    litres: tuple[float, float]
    litres_per_s: float
    hours: tuple[tuple[float, float, int], ...]
    """(from, to, weight) in local hours."""


MORNING_EVENING = ((6.0, 8.5, 4), (8.5, 17.0, 2), (17.0, 23.0, 4))
HABITS = (
    Habit(5.0, False, (4.5, 6.5), 0.10, MORNING_EVENING),  # toilet
    Habit(0.15, False, (4.5, 6.5), 0.10, ((0.0, 5.5, 1),)),  # toilet at night, once a week
    Habit(7.0, False, (1.2, 4.0), 0.08, MORNING_EVENING),  # wash basin
    Habit(0.9, False, (35.0, 65.0), 0.14, ((6.3, 8.0, 1), (19.0, 22.8, 3))),  # shower
    Habit(3.0, True, (8.0, 20.0), 0.11, ((6.5, 8.0, 1), (11.0, 13.0, 2), (17.0, 19.5, 3))),  # kitchen
    Habit(0.5, True, (45.0, 70.0), 0.15, ((9.0, 20.5, 1),)),  # washing machine
    Habit(0.2, True, (15.0, 30.0), 0.12, ((8.0, 11.0, 1), (14.0, 17.0, 1))),  # cleaning
)


class Day(NamedTuple):
    """Draws of one day as a rising broken line: at `at[i]` seconds `litres[i]` have flowed, then `rate[i]` flows."""

    at: tuple[float, ...]
    litres: tuple[float, ...]
    rate: tuple[float, ...]
    total: float

    def volume(self, second: float) -> float:
        i = bisect_right(self.at, second) - 1
        return self.litres[i] + (second - self.at[i]) * self.rate[i]

    def flow(self, second: float) -> float:
        return self.rate[bisect_right(self.at, second) - 1]


class Household:
    """Water demand of one flat.

    seed: anything printable; people: residents (0 is an empty flat).
    """

    def __init__(self, seed: object, people: int = 3) -> None:
        self.seed = seed
        self.people = people
        self._days: dict[int, Day] = {}
        self._newest: int | None = None
        self._before = 0.0

    def volume_l(self, now: float) -> float:
        """Litres drawn since the beginning of the local day of the first call; ask forward only."""
        day, second = divmod(now + UTC_OFFSET_S, DAY_S)
        number = int(day)
        if self._newest is None:
            self._newest = number
        if number < self._newest:
            raise ValueError("simulated time ran back over midnight")
        while self._newest < number:
            self._before += self._day(self._newest).total
            del self._days[self._newest]
            self._newest += 1
        return self._before + self._day(number).volume(second)

    def flow_l_per_h(self, now: float) -> float:
        day, second = divmod(now + UTC_OFFSET_S, DAY_S)
        return self._day(int(day)).flow(second) * 3600

    def _day(self, number: int) -> Day:
        day = self._days.get(number)
        if day is None:
            day = self._days[number] = self._draw(number)
        return day

    def _draw(self, number: int) -> Day:
        chance = random.Random(f"{self.seed}/{number}")
        changes: list[tuple[float, float]] = []
        for habit in HABITS if self.people else ():
            mean = habit.times * (1 if habit.shared else self.people)
            count = int(mean + chance.random())
            for _ in range(count):
                span = chance.choices(habit.hours, [weight * (to - start) for start, to, weight in habit.hours])[0]
                start = chance.uniform(span[0], span[1]) * 3600
                duration = chance.uniform(*habit.litres) / habit.litres_per_s
                end = min(start + duration, DAY_S - 1.0)
                changes += [(start, habit.litres_per_s), (end, -habit.litres_per_s)]
        changes.sort()
        at, litres, rate = [0.0], [0.0], [0.0]
        for second, change in changes:
            litres.append(litres[-1] + (second - at[-1]) * rate[-1])
            at.append(second)
            rate.append(round(rate[-1] + change, 6))
        return Day(tuple(at), tuple(litres), tuple(rate), litres[-1] + (DAY_S - at[-1]) * rate[-1])


class Rate:
    """A constant flow that can be changed at run time (a leak, a reverse flow), and its integral."""

    def __init__(self) -> None:
        self.l_per_h = 0.0
        self._litres = 0.0
        self._since = 0.0

    def change(self, now: float, l_per_h: float) -> None:
        self._litres = self.litres(now)
        self._since = now
        self.l_per_h = l_per_h

    def litres(self, now: float) -> float:
        return self._litres + self.l_per_h * (now - self._since) / 3600


class Dial:
    """A counter driven by a rising quantity, which can be held, and set to any reading."""

    def __init__(self, source: Callable[[float], float], now: float, start: float) -> None:
        self._source = source
        self._offset = start - source(now)
        self._held: dict[str, float] = {}

    def read(self, now: float) -> float:
        if self._held:
            return next(iter(self._held.values()))
        return self._source(now) + self._offset

    def hold(self, why: str, now: float) -> None:
        self._held.setdefault(why, self.read(now))

    def release(self, why: str, now: float) -> None:
        """Goes on from the held reading: what flowed meanwhile was not counted."""
        reading = self._held.pop(why, None)
        if reading is not None and not self._held:
            self._offset = reading - self._source(now)

    def set(self, reading: float, now: float) -> None:
        held = dict.fromkeys(self._held, reading)
        self._held.clear()
        self._offset = reading - self._source(now)
        self._held.update(held)
