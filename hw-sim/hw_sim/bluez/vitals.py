"""What a body gives, second by second: numbers that wander around a person's own middle."""

from __future__ import annotations

import math
import random


class Vitals:
    """One resident at rest.  `excited` lifts pulse and pressure; `worn` is whether the band touches skin.

    `counting` makes the heart rate count up by one each beat report, so that every report can be told from the next.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._middle = self._chance.uniform(58, 78)
        self._pressure = self._chance.uniform(112, 142)
        self.heart_rate = round(self._middle)
        self.spo2 = self._chance.choice((95, 96, 97, 98))
        self.temperature = round(self._chance.uniform(36.2, 36.8), 1)
        self.weight = round(self._chance.uniform(48, 82), 1)
        self.excited = False
        self.worn = True
        self.counting = False
        self._beats = 0

    def pressure(self) -> tuple[int, int]:
        """Systolic and diastolic, mmHg."""
        systolic = round(self._pressure + (25 if self.excited else 0) + self._chance.gauss(0, 3))
        return systolic, round(systolic * 0.62)

    def beat(self) -> None:
        """One second later."""
        self._beats += 1
        if self.counting:
            self.heart_rate = 40 + self._beats % 200
            return
        goal = self._middle + (45 if self.excited else 0) + 4 * math.sin(self._beats / 7)
        step = max(-2.0, min(2.0, goal - self.heart_rate)) + self._chance.choice((-1, 0, 0, 1))
        self.heart_rate = max(45, min(160, round(self.heart_rate + step)))
        self.spo2 = max(92, min(99, self.spo2 + self._chance.choice((-1, 0, 0, 0, 0, 1))))
        self.temperature = round(max(36.0, min(37.4, self.temperature + self._chance.choice((-0.1, 0, 0, 0, 0.1)))), 1)
