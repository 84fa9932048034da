"""Logistic regression beside a score that is there already.  Pure: arrays in, weights out; numpy only.

The chance of row i is sigmoid(offset[i] + row[i] . weights + bias): what is learned is only a correction.  Newton's
method with halved steps (Boyd and Vandenberghe, Convex Optimization, 9.5), on a loss that the penalty makes strictly
convex.

Invariants
1. At most STEPS steps of at most HALVINGS trials each; no step raises the loss.
2. Finite rows give finite weights.
3. Where rows say nothing, weights stay at nothing: the more penalty, the smaller they are.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
STEPS: Final = 30
HALVINGS: Final = 20
ENOUGH: Final = 1e-6
"""The search ends when a step lowers the loss by less than this share of it."""
BIAS_SHARE: Final = 0.1
"""How much of the penalty the bias bears."""
FLAT: Final = 1e-9
FARTHEST: Final = 30.0


class Fitted(NamedTuple):
    """`weights`, one for each column, and `bias`."""

    weights: Array
    bias: float


def sigmoid(logits: Array) -> Array:
    """Chances; logits beyond FARTHEST are taken for it."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -FARTHEST, FARTHEST))))


def fitted(rows: Array, offset: Array, wanted: Array, counts: Array, penalty: float) -> Fitted:
    """The correction that fits best.

    `rows` are n x columns; `offset` (logits), `wanted` (0 or 1) and `counts` (how much each row counts) are n.
    `penalty` is that of the squared weights, greater than 0.  Raises ValueError for numbers that are not finite.
    """
    inputs = np.column_stack((rows, np.ones(len(rows)))).astype(np.float64)
    if not (np.isfinite(inputs).all() and np.isfinite(offset).all() and penalty > 0):
        raise ValueError("rows, offsets and penalty must be finite numbers")
    ridge = np.full(inputs.shape[1], penalty)
    ridge[-1] *= BIAS_SHARE
    now = np.zeros(inputs.shape[1])

    def loss(at: Array) -> float:
        logits = offset + inputs @ at
        return float(counts @ (np.logaddexp(0, logits) - wanted * logits) + ridge @ (at * at) / 2)

    least = loss(now)
    for _ in range(STEPS):
        chance = sigmoid(offset + inputs @ now)
        slope = inputs.T @ (counts * (chance - wanted)) + ridge * now
        bend = (inputs * (counts * chance * (1 - chance) + FLAT)[:, None]).T @ inputs + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        found = next((now - step / 2**n for n in range(HALVINGS) if loss(now - step / 2**n) <= least), now)
        before, now, least = least, found, loss(found)
        if before - least <= ENOUGH * before:
            break
    return Fitted(now[:-1], float(now[-1]))
