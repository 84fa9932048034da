"""The correction that a lift's own head learns: it separates what can be separated, stays finite, ends."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.vision.logistic import fitted, sigmoid

MOST_S = 20.0
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 12), st.integers(8, 80))
def test_what_can_be_separated_is_separated(seed: int, columns: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=columns)
    direction /= np.linalg.norm(direction)
    wanted = (np.arange(count) % 2).astype(np.float64)
    rows = rng.normal(size=(count, columns))
    rows += ((2 * wanted - 1) * 2 - rows @ direction)[:, None] * direction
    found = fitted(rows, np.zeros(count), wanted, np.ones(count), 1e-3)
    assert (((rows @ found.weights + found.bias) > 0) == (wanted > 0)).all()


@settings(max_examples=80, deadline=None)
@given(
    SEEDS,
    st.integers(0, 6),
    st.integers(1, 40),
    st.floats(1e-6, 1e6),
    st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
    st.floats(1e-3, 1e3),
)
def test_any_finite_rows_give_finite_weights_that_fit_no_worse_than_none(
    seed: int, columns: int, count: int, penalty: float, scale: float, weight: float
) -> None:
    rng = np.random.default_rng(seed)
    rows = scale * rng.normal(size=(count, columns))
    offset, wanted = rng.normal(0, 10, count), rng.integers(0, 2, count).astype(np.float64)
    counts = np.full(count, weight)
    found = fitted(rows, offset, wanted, counts, penalty)
    assert np.isfinite(found.weights).all()
    assert np.isfinite(found.bias)

    def loss(logits: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        return float(counts @ (np.logaddexp(0, logits) - wanted * logits))

    before, after = loss(offset), loss(offset + rows @ found.weights + found.bias)
    assert after <= before * (1 + 1e-9) + 1e-9


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_what_already_fits_is_hardly_changed_and_more_penalty_changes_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, wanted = rng.normal(size=(60, 4)), (np.arange(60) % 2).astype(np.float64)
    loose, firm = (fitted(rows, np.zeros(60), wanted, np.ones(60), each) for each in (0.1, 1e5))
    assert np.linalg.norm(firm.weights) <= np.linalg.norm(loose.weights) + 1e-9
    assert np.abs(firm.weights).max() < 0.01
    sure = fitted(rows, 25 * (2 * wanted - 1), wanted, np.ones(60), 1.0)
    assert np.abs(sure.weights).max() < 1e-6


def test_as_many_looks_as_are_ever_kept_take_seconds() -> None:
    rng = np.random.default_rng(4)
    rows, wanted = rng.normal(size=(3000, 384)), (np.arange(3000) % 3 == 0).astype(np.float64)
    began_s = time.process_time()
    found = fitted(rows, rng.normal(size=3000), wanted, np.ones(3000), 10.0)
    assert time.process_time() - began_s < MOST_S
    assert np.isfinite(found.weights).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    rows = np.zeros((3, 2))
    rows[1, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        fitted(rows, np.zeros(3), np.zeros(3), np.ones(3), 1.0)


def test_chances_are_chances() -> None:
    assert sigmoid(np.array([-1e9, 0.0, 1e9])) == pytest.approx([0.0, 0.5, 1.0], abs=1e-9)
