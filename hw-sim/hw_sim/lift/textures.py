"""What walls and floors look like: steel, wood, mirror, paint, boards, posters, tiles, stone; drawn from a seed."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from hw_sim.lift.mesh import Floats

Rng = np.random.Generator
Texture = Floats
"""Rows from the top down x columns x BGR, 0 to 255; stretched over its surface."""
ROWS: Final = 300
COLUMNS: Final = 240


def _plain(rng: Rng, low: float, high: float, tinge: float = 0.04) -> Texture:
    colour = rng.uniform(low, high) * (1 + rng.normal(0, tinge, 3))
    return np.full((ROWS, COLUMNS, 3), colour, np.float32)


def _noise(rng: Rng, rows: int, columns: int, amount: float) -> Floats:
    """Soft noise with so many patches each way."""
    small = rng.normal(0, amount, (rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(small, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)[..., None], np.float32)


def steel(rng: Rng) -> Texture:
    streaks = _noise(rng, 3, 120, 9) if rng.random() < 0.7 else _noise(rng, 150, 3, 9)
    return _plain(rng, 110, 190) + streaks + _noise(rng, 4, 3, 14)


def wood(rng: Rng) -> Texture:
    base = np.array((60, 95, 140), np.float32) * rng.uniform(0.5, 1.2)
    return np.asarray(base + _noise(rng, 4, 60, 10) + _noise(rng, 3, 8, 9), np.float32)


def painted(rng: Rng) -> Texture:
    return _plain(rng, 120, 215, 0.07) + _noise(rng, 5, 4, 5)


def boards(rng: Rng) -> Texture:
    """Protective boards or foil: panels, seams, tape, scribbles."""
    skin = np.full((ROWS, COLUMNS, 3), rng.uniform((60, 100, 120), (130, 170, 200)), np.float32) + _noise(
        rng, 30, 20, 8
    )
    for x in range(0, COLUMNS, int(rng.integers(60, 130))):
        skin[:, x : x + 3] *= 0.7
    for _ in range(int(rng.integers(0, 8))):
        ends = rng.integers(0, (COLUMNS, ROWS), (2, 2)).tolist()
        cv2.line(skin, ends[0], ends[1], rng.uniform(20, 220, 3).tolist(), 2)
    return skin


def _poster(rng: Rng, skin: Texture) -> None:
    wide, tall = int(rng.integers(50, 120)), int(rng.integers(70, 130))
    x, y = int(rng.integers(4, COLUMNS - wide - 4)), int(rng.integers(20, ROWS - tall - 70))
    cv2.rectangle(skin, (x - 3, y - 3), (x + wide + 3, y + tall + 3), rng.uniform(60, 230, 3).tolist(), -1)
    ground = rng.uniform(20, 245, 3)
    skin[y : y + tall, x : x + wide] = ground
    for _ in range(int(rng.integers(1, 5))):
        centre = (x + int(rng.integers(wide)), y + int(rng.integers(tall)))
        axes = (int(rng.integers(5, wide // 2)), int(rng.integers(5, tall // 3)))
        part = skin[y : y + tall, x : x + wide]
        colour = rng.uniform(0, 255, 3).tolist()
        cv2.ellipse(part, (centre[0] - x, centre[1] - y), axes, rng.uniform(0, 180), 0, 360, colour, -1)
    ink = (255 - ground).tolist()
    for _ in range(int(rng.integers(2, 9))):
        size = int(rng.integers(3, 14))
        row, at = y + int(rng.integers(4, tall - 16)), x + int(rng.integers(2, wide // 2))
        for glyph in range(at, min(at + wide // 2, x + wide - size), size + 2):
            for _ in range(3):
                ends = np.array((glyph, row)) + rng.integers(0, size, (2, 2))
                cv2.line(skin, ends[0].tolist(), ends[1].tolist(), ink, 1)


def wall(rng: Rng, *, plain: bool = False) -> Texture:
    """A wall of the car, with posters unless `plain`."""
    skin = (steel, steel, wood, painted, painted, boards)[rng.integers(6)](rng)
    seams = int(rng.integers(1, 5))
    for x in range(COLUMNS // seams, COLUMNS, COLUMNS // seams):
        skin[:, x : x + 1] *= 0.75
    if not plain:
        for _ in range(int(rng.choice((0, 1, 1, 2, 3)))):
            _poster(rng, skin)
        if rng.random() < 0.12:
            mirror = slice(40, 180), slice(20, COLUMNS - 20)
            skin[mirror] = skin[mirror] * 0.35 + 90 + _noise(rng, 5, 4, 25)[mirror]
    return np.asarray(np.clip(skin, 0, 255), np.float32)


def floor(rng: Rng) -> Texture:
    kind = rng.integers(4)
    skin = _plain(rng, 70, 190, 0.07)
    if kind == 0:
        skin += _noise(rng, 60, 60, 9) + _noise(rng, 5, 5, 6)
    elif kind == 1:
        step = int(rng.integers(40, 110))
        skin += _noise(rng, 8, 8, 8)
        skin[::step], skin[:, ::step] = skin[::step] * 0.6, skin[:, ::step] * 0.6
    elif kind == 2:
        skin += np.abs(_noise(rng, 9, 9, 1)) ** 0.5 * rng.uniform(15, 50) + _noise(rng, 50, 50, 5)
        cv2.rectangle(skin, (12, 12), (COLUMNS - 12, ROWS - 12), rng.uniform(20, 120, 3).tolist(), 6)
    else:
        step, other = int(rng.integers(20, 50)), rng.uniform(0.45, 0.9)
        rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
        skin[(rows // step + columns // step) % 2 == 0] *= other
    if rng.random() < 0.2:
        mat = slice(40, ROWS - 40), slice(30, COLUMNS - 30)
        skin[mat] = rng.uniform(20, 140, 3) + _noise(rng, 60, 60, 8)[mat]
    return np.asarray(np.clip(skin + _noise(rng, 6, 6, 5), 0, 255), np.float32)


def lobby_wall(rng: Rng) -> Texture:
    skin = _plain(rng, 130, 235, 0.05) + _noise(rng, 5, 5, 7)
    if rng.random() < 0.5:
        skin[ROWS // 2 :] *= rng.uniform(0.55, 0.9)
    if rng.random() < 0.4:
        x = int(rng.integers(20, COLUMNS - 70))
        cv2.rectangle(skin, (x, 90), (x + 50, ROWS - 60), (40, 30, 170), -1)
    if rng.random() < 0.5:
        x = int(rng.integers(10, COLUMNS - 90))
        cv2.rectangle(skin, (x, 70), (x + 75, ROWS), rng.uniform(30, 130, 3).tolist(), -1)
    return np.asarray(np.clip(skin, 0, 255), np.float32)
