"""What no training picture ever shows: 3 e-bikes, 2 wheelchairs, 2 prams, 2 cars.

Training draws within ranges; each of these lies outside of them in at least one measure, so that none can be drawn.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hw_sim.lift.car import Car
from hw_sim.lift.ebikes import Ebike, ebike
from hw_sim.lift.mesh import Mesh
from hw_sim.lift.rolling import pram, wheelchair

TEST_EBIKES: Final = (
    Ebike("moped", 1.38, 0.25, 0.052, 0.38, 1.11, (0.05, 0.45, 0.55), (0.2, 0.2, 0.2), (0.06, 0.06, 0.12), 0.17,
          True, "top", False, None, False, True, (0.2, 0.5, 0.25)),
    Ebike("light", 1.20, 0.225, 0.038, 0.29, 0.95, (0.5, 0.7, 0.3), (0.1, 0.1, 0.4), (0.15, 0.2, 0.35), 0.05,
          False, "rack", True, None, False, False, (0.85, 0.85, 0.85)),
    Ebike("moped", 1.12, 0.195, 0.051, 0.255, 0.955, (0.75, 0.7, 0.55), (0.5, 0.2, 0.1), (0.3, 0.3, 0.32), 0.18,
          True, "", True, None, True, False, (0.1, 0.6, 0.8)),
)  # fmt: skip
TEST_CARS: Final = (
    Car(1.2, 1.45, 2.18, (0.2, 0.98), 1.98, True, (0.10, 0.12, 2.10), (0.7, 1.2, 0.5), 1.75, 0.5, 0.02, True, 900_001),
    Car(
        1.9,
        1.75,
        2.52,
        (0.4, 1.52),
        2.12,
        False,
        (1.78, 0.10, 2.40),
        (0.85, 1.3, 0.45),
        1.6,
        0.7,
        -0.03,
        False,
        900_002,
    ),
)
STRETCH: Final = {"wheelchair": ((0.92, 1.12, 1.06), (1.1, 0.9, 0.95)), "pram": ((1.14, 0.9, 1.05), (0.88, 1.1, 0.93))}
"""Proportions of the test set's wheelchairs and prams; training has only (1, 1, 1)."""
MAKERS: Final = {"wheelchair": wheelchair, "pram": pram}


def held_out(rng: np.random.Generator, label: str) -> Mesh | None:
    """One of the test set; nothing for a class that has none."""
    if label == "ebike":
        return ebike(TEST_EBIKES[rng.integers(len(TEST_EBIKES))], rng.uniform(-0.5, 0.5))
    if label not in STRETCH:
        return None
    which = int(rng.integers(2))
    return MAKERS[label](np.random.default_rng(700 + which)).scaled(*STRETCH[label][which])
