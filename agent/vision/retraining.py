"""A lift's own head, learned on the box from looks that the detector got wrong there.  Pure but for reading the base.

What came with the product - looks at e-bikes and at other things, as numbers - is learned along, so that a head does
not forget what an e-bike is; a part of it, and a part of the lift's own looks, is never learned from and judges it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from courtyard.agent.vision.lessons import Looks
from courtyard.agent.vision.logistic import fitted, sigmoid
from courtyard.agent.vision.own_head import Figures, Head
from courtyard.agent.vision.verdicts import LEAST, corrections
from courtyard.drivers.base import DriverError, Fault, Text

PENALTY: Final = 30.0
EBIKES, OTHERS, SITE = 3000.0, 500.0, 500.0
"""What all e-bikes, all other things and all looks of the site count for together."""
MOST_EACH: Final = 5.0
"""What one look of the site counts for at most, so that a few do not outvote everything."""
FEWEST: Final = 5
BLOCKS: Final = 16
HELD: Final = 4
"""Looks of the site are cut into BLOCKS by time; one of HELD judges."""
MOST_LOST: Final = 0.05
"""By how much the share of the product's e-bikes that are found may fall; a head that loses more is refused."""
EVEN: Final = 1e-3


class Base(NamedTuple):
    """Looks that came with the product: logits and rows as in `lessons`, which are e-bikes, which judge."""

    logits: npt.NDArray[np.float32]
    rows: npt.NDArray[np.float16]
    ebike: npt.NDArray[np.bool_]
    held: npt.NDArray[np.bool_]


def base_file(manifest: Path) -> Path:
    """Beside the manifest of the model that it goes with."""
    return manifest.with_suffix(".base.npz")


def read_base(path: Path, model: str) -> Base:
    """Raises DriverError when there is none, or one of another model."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            made_for, base = str(kept["model"]), Base(*(kept[name] for name in Base._fields))
    except (OSError, ValueError, KeyError) as error:
        raise _refused(
            "base",
            f"{path.name}, the examples that a head must not forget, cannot be read.",
            f"无法读取 {path.name}（重新训练所需的基础样本）。",
            "Install the package again; a model of the site needs such a file beside its manifest.",
            "请重新安装软件包；自备模型须在清单旁提供该文件。",
        ) from error
    if made_for != model:
        raise _refused(
            "base",
            f"{path.name} was made for the model {made_for[:12]}, in use is {model[:12]}.",
            f"{path.name} 属于模型 {made_for[:12]}，当前模型为 {model[:12]}。",
            "Install model and examples together again.",
            "请将模型与基础样本一并重新安装。",
        )
    return base


def retrained(lift: str, model: str, base: Base, site: Looks, marked: int, score: float, now_ms: int) -> Head:
    """A head for one lift; `score` is the least that counts as seen, `marked` how many of the looks were marked.

    Raises DriverError when there is too little to learn from, or when the head would find too few e-bikes.
    """
    began_s = time.perf_counter()
    if len(site.logits) < FEWEST:
        raise _refused(
            "few",
            f"There are {len(site.logits)} looks of {lift} to learn from; at least {FEWEST} are needed.",
            f"{lift} 可供学习的样本只有 {len(site.logits)} 个，至少需要 {FEWEST} 个。",
            "Calibrate the lift from a day without e-bikes, or mark events that were none.",
            "请先用没有电动自行车的一天完成标定，或标记误报事件。",
        )
    judges = _held(len(site.logits))
    order = np.argsort(site.at_ms, kind="stable")
    logits, rows = site.logits[order], site.rows[order]
    learned = ~base.held
    ebikes, others = (base.ebike & learned).sum(), (~base.ebike & learned).sum()
    own = int((~judges).sum())
    inputs = np.concatenate((base.rows[learned], rows[~judges])).astype(np.float64)
    middle, spread = _scale(base.rows[learned].astype(np.float64))
    found = fitted(
        (inputs - middle) / spread,
        np.concatenate((base.logits[learned], logits[~judges])).astype(np.float64),
        np.concatenate((base.ebike[learned], np.zeros(own))).astype(np.float64),
        np.concatenate(
            (
                np.where(base.ebike[learned], EBIKES / max(ebikes, 1), OTHERS / max(others, 1)),
                np.full(own, min(SITE / max(own, 1), MOST_EACH)),
            )
        ),
        PENALTY,
    )
    weights = found.weights / spread
    bias = found.bias - float(weights @ middle)
    figures = _figures(weights, bias, base, logits[judges], rows[judges], score)
    if figures.found_after < figures.found_before - MOST_LOST:
        raise _refused(
            "recall",
            f"Refused: of the product's e-bikes the head would find {figures.found_after:.1%}, "
            f"without it {figures.found_before:.1%}; it may lose {MOST_LOST:.0%}.",
            f"已拒绝：重新训练后只能识别出产品自带样本中 {figures.found_after:.1%} 的电动自行车"
            f"（之前 {figures.found_before:.1%}），允许下降不超过 {MOST_LOST:.0%}。",
            "There may be e-bikes among the looks of the site: forget them and take a day that surely has none.",
            "现场样本中可能混有电动自行车：请清除后改用确无电动自行车的一天。",
        )
    return Head(
        lift,
        model,
        now_ms,
        len(logits) - marked,
        marked,
        round(time.perf_counter() - began_s, 2),
        figures,
        tuple(map(float, weights)),
        bias,
    )


def _figures(
    weights: npt.NDArray[np.float64],
    bias: float,
    base: Base,
    logits: npt.NDArray[np.float32],
    rows: npt.NDArray[np.float16],
    score: float,
) -> Figures:
    """Before and after, on what was held out."""

    def shares(own: npt.NDArray[np.float32], seen: npt.NDArray[np.float16]) -> tuple[int, float, float]:
        before = sigmoid(own.astype(np.float64))
        lowered = np.minimum(corrections(seen, weights, bias), 0.0)
        after = sigmoid(own.astype(np.float64) + np.where(before >= LEAST, lowered, 0.0))
        return len(own), _share(before >= score), _share(after >= score)

    ebikes, others = base.held & base.ebike, base.held & ~base.ebike
    return Figures(
        *shares(base.logits[ebikes], base.rows[ebikes]),
        *shares(base.logits[others], base.rows[others]),
        *shares(logits, rows),
    )


def _held(count: int) -> npt.NDArray[np.bool_]:
    """Which of so many looks, in order of time, judge."""
    block = np.arange(count) * min(BLOCKS, count) // count
    return np.asarray(block % HELD == HELD - 1)


def _scale(rows: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return rows.mean(0), rows.std(0) + EVEN


def _share(these: npt.NDArray[np.bool_]) -> float:
    return round(float(these.mean()), 4) if these.size else 0.0


def _refused(code: str, en: str, zh: str, cure_en: str, cure_zh: str) -> DriverError:
    return DriverError(Fault(f"retraining.{code}", Text(en, zh), Text(cure_en, cure_zh)))
