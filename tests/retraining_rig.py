"""Heads, looks and bases for tests, in few columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from courtyard.agent.vision.lessons import Look, Looks
from courtyard.agent.vision.own_head import Figures, Head
from courtyard.agent.vision.retraining import Base

MODEL = "5e88" * 16
FIGURES = Figures(100, 0.9, 0.88, 200, 0.1, 0.06, 40, 0.5, 0.1)
COLUMNS = 6


def head(lift: str = "lift-1", model: str = MODEL, bias: float = -1.0, columns: int = COLUMNS) -> Head:
    return Head(lift, model, 1_000, 40, 3, 1.5, FIGURES, (0.5,) * columns, bias)


def look(at_ms: int, logit: float, number: float = 0.0) -> Look:
    return Look(at_ms, logit, np.full(COLUMNS, number, np.float16))


def base(seed: int = 1, count: int = 400) -> Base:
    """E-bikes are high in column 0, other things low; the detector tells them well, not perfectly."""
    rng = np.random.default_rng(seed)
    ebike = np.arange(count) % 2 == 0
    rows = rng.normal(size=(count, COLUMNS))
    rows[:, 0] += np.where(ebike, 3, -3)
    logits = np.where(ebike, 2, -2) + rng.normal(size=count)
    return Base(logits.astype(np.float32), rows.astype(np.float16), ebike, np.arange(count) // 8 % 4 == 3)


def prams(count: int, seed: int = 2) -> Looks:
    """What one lift's detector takes for e-bikes: high in column 3, where the base has nothing."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, COLUMNS))
    rows[:, 3] += 6
    return Looks(np.arange(count) * 60_000, rng.uniform(0.5, 2, count).astype(np.float32), rows.astype(np.float16))


def overlooked(seed: int = 3, count: int = 120) -> tuple[Base, Looks]:
    """A base whose judging e-bikes are of another kind than those learned from, and a site full of that kind."""
    rng, known = np.random.default_rng(seed), base()
    rows = known.rows.astype(np.float64)
    kind = known.ebike & known.held
    rows[kind, 0] -= 3
    rows[kind, 4] += 8
    site = rng.normal(size=(count, COLUMNS))
    site[:, 4] += 8
    logits = rng.uniform(1, 3, count).astype(np.float32)
    looks = Looks(np.arange(count) * 60_000, logits, site.astype(np.float16))
    return known._replace(rows=rows.astype(np.float16)), looks


def write_base(path: Path, made: Base, model: str) -> None:
    np.savez(path, model=np.array(model), **made._asdict())
