"""E-bikes as they are sold in China: mopeds with a leg shield, light step-through ones, bare folding ones."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from hw_sim.lift.mesh import (
    BLACK,
    CHROME,
    PLASTIC,
    RUBBER,
    STEEL,
    Colour,
    Mesh,
    along,
    box,
    disc,
    ellipsoid,
    join,
    loft,
    pair,
    sheet,
    torus,
    tube,
    turn_z,
    upward,
)

PAINTS: Final = (
    (0.12, 0.05, 0.32), (0.10, 0.10, 0.10), (0.55, 0.16, 0.10), (0.85, 0.85, 0.85), (0.12, 0.12, 0.65),
    (0.62, 0.55, 0.25), (0.20, 0.62, 0.75), (0.62, 0.45, 0.75), (0.35, 0.42, 0.18), (0.30, 0.30, 0.32),
    (0.1, 0.35, 0.75),
)  # fmt: skip
SEATS: Final = (BLACK, (0.10, 0.09, 0.09), (0.10, 0.14, 0.22), (0.2, 0.2, 0.2))


class Ebike(NamedTuple):
    """Measures of one e-bike in metres; `kind` is moped, light or bare."""

    kind: str
    base: float
    wheel: float
    tyre: float
    width: float
    bar: float
    paint: Colour
    accent: Colour
    seat: Colour
    nose: float
    mirrors: bool
    case: str
    basket: bool
    quilt: Colour | None
    child_seat: bool
    bars: bool
    plate: Colour


def draw_ebike(rng: np.random.Generator) -> Ebike:
    """One of endlessly many."""
    kind = str(rng.choice(("moped", "light", "bare"), p=(0.6, 0.27, 0.13)))
    small = {"moped": (1.15, 1.36, 0.2, 0.245, 0.036, 0.05), "light": (1.0, 1.18, 0.17, 0.22, 0.026, 0.036),
             "bare": (0.85, 1.1, 0.15, 0.21, 0.024, 0.034)}[kind]  # fmt: skip
    quilt = PAINTS[rng.integers(len(PAINTS))] if rng.random() < 0.12 else None
    cases = ("", "", "", "top", "top", "delivery", "rack")
    return Ebike(
        kind,
        rng.uniform(*small[:2]),
        rng.uniform(*small[2:4]),
        rng.uniform(*small[4:]),
        rng.uniform(0.26, 0.37) * (1 if kind == "moped" else 0.75),
        rng.uniform(0.96, 1.1),
        PAINTS[rng.integers(len(PAINTS))],
        PAINTS[rng.integers(len(PAINTS))],
        SEATS[rng.integers(len(SEATS))],
        rng.uniform(0.06, 0.16),
        rng.random() < (0.75 if kind == "moped" else 0.3),
        str(rng.choice(cases)),
        rng.random() < {"moped": 0.12, "light": 0.65, "bare": 0.35}[kind],
        quilt,
        rng.random() < 0.08,
        rng.random() < 0.35,
        ((0.2, 0.5, 0.25), (0.85, 0.85, 0.85), (0.1, 0.6, 0.8))[rng.integers(3)],
    )


def wheel(x: float, radius: float, tyre: float, *, spokes: int = 0, hub: float = 0.06) -> Mesh:
    """A wheel that stands on the floor: with wire spokes, or cast."""
    centre = (x, 0.0, radius)
    rim = radius - 1.6 * tyre
    parts = [torus(centre, radius - tyre, tyre, RUBBER, 0.08), disc(centre, hub, 1.8 * tyre + 0.03, STEEL, 0.4)]
    parts.append(torus(centre, rim - 0.006, 0.011, CHROME if spokes else (0.3, 0.3, 0.3), 0.5, around=14))
    for number in range(spokes or 5):
        angle = 2 * np.pi * number / (spokes or 5)
        end = (x + rim * np.cos(angle), 0.0, radius + rim * np.sin(angle))
        parts.append(tube((centre, end), 0.0035 if spokes else 0.018, STEEL if spokes else (0.28, 0.28, 0.29), sides=3))
    return join(parts)


def fender(x: float, radius: float, tyre: float, paint: Colour, first: float, last: float) -> Mesh:
    """Over a wheel at `x`, between two angles from the front (radians)."""
    angles, rings = np.linspace(first, last, 7), []
    for angle in angles:
        out = np.array((np.cos(angle), 0.0, np.sin(angle))) * (radius + 0.025)
        middle = np.array((x, 0.0, radius)) + out
        side = np.array((0.0, tyre + 0.022, 0.0))
        rings.append((middle - side - out * 0.2, middle - side * 0.7, middle + side * 0.7, middle + side - out * 0.2))
    return loft(rings, paint, 0.3, thin=True)


def ebike(kind: Ebike, steer: float = 0.0) -> Mesh:
    """The e-bike on its wheels, its middle over the origin; `steer` turns the front to the left (radians)."""
    b = kind
    front, rear, w = b.base / 2, -b.base / 2, b.width / 2
    dark, moped = PLASTIC, b.kind == "moped"
    ahead, body = _front(b), [wheel(rear, b.wheel, b.tyre, hub=0.075)]
    body.append(fender(rear, b.wheel, b.tyre, dark, 0.35, 2.9))
    body.append(pair(((rear, b.tyre + 0.05, b.wheel), (rear + 0.35, b.tyre + 0.05, 0.27)), 0.02, dark))
    low = 0.26 if moped else 0.30
    seat = 0.76 if moped else 0.78
    if moped:
        body.append(upward(
            ((0.20, front - 0.50, front - 0.36, w * 0.9), (0.45, front - 0.38, front - 0.24, w),
             (0.75, front - 0.36, front - 0.20, w * 1.0), (0.95, front - 0.36, front - 0.20, w * 0.55)),
            b.paint, 0.35))  # fmt: skip
        body.append(box((front - 0.52, 0, low - 0.03), (0.5, b.width * 0.95, 0.12), dark, 0.1))
        tail = rear - b.wheel * 0.75
        body.append(along(
            ((tail, seat - 0.10, seat - 0.03, w * 0.35), (rear + 0.05, seat - 0.30, seat - 0.03, w * 0.8),
             (front - 0.92, low - 0.02, seat - 0.04, w * 0.95), (front - 0.72, low - 0.04, seat - 0.10, w * 0.8)),
            (b.paint, b.paint, b.accent if b.bars else b.paint), 0.35))  # fmt: skip
        body.append(along(
            ((rear - 0.14, seat, seat + 0.05, w * 0.7), (rear + 0.12, seat - 0.04, seat + 0.07, w),
             (rear + 0.32, seat - 0.05, seat + 0.02, w * 0.95), (front - 0.70, seat - 0.06, seat + 0.01, w * 0.55)),
            b.seat, 0.2))  # fmt: skip
        body.append(ellipsoid((tail, 0, seat - 0.07), (0.05, w * 0.5, 0.035), (0.1, 0.08, 0.75), 0.6))
        body.append(pair(((rear + 0.1, w * 0.8, seat), (rear - 0.22, w * 0.75, seat + 0.07),
                          (rear - 0.27, 0, seat + 0.08)), 0.013, CHROME, 0.6))  # fmt: skip
    else:
        body.append(tube(((front - 0.19, 0, 0.68), (front - 0.3, 0, 0.36), (rear + 0.4, 0, low), (rear, 0, b.wheel)),
                         0.03 if b.kind == "light" else 0.022, b.paint, 0.4))  # fmt: skip
        body.append(tube(((rear + 0.42, 0, low), (rear + 0.27, 0, seat)), 0.022, b.paint, 0.4))
        battery = (rear + 0.30, 0, 0.47) if b.base > 1.0 else (0.02, 0, low + 0.05)
        body.append(box(battery, (0.15, 0.11, 0.36) if b.base > 1.0 else (0.38, 0.12, 0.10), dark, 0.15))
        if b.kind == "light":
            body.append(box((front - 0.44, 0, low), (0.30, 0.22, 0.07), dark))
        body.append(ellipsoid((rear + 0.25, 0, seat + 0.03), (0.15, 0.1, 0.045), b.seat, 0.2))
        body.append(tube(((rear + 0.38, -0.16, 0.2), (rear + 0.38, 0.16, 0.2)), 0.015, dark))
        if b.case != "delivery":
            body.append(along(((rear - 0.2, 0.68, 0.76, 0.08), (rear + 0.16, 0.68, 0.75, 0.09)), b.seat))
        body.append(pair(((rear, 0.07, b.wheel), (rear - 0.18, 0.07, 0.67), (rear + 0.2, 0.07, 0.67)), 0.01, dark))
    body.append(_back(b, rear, seat))
    turned = ahead.turned(turn_z(steer), (front - 0.15, 0, 0))
    body.append(turned)
    if b.quilt is not None:
        body.append(_quilt(b, front).turned(turn_z(steer), (front - 0.15, 0, 0)))
    return join(body)


def _front(b: Ebike) -> Mesh:
    """What turns with the handlebar, and the nose above it."""
    front, w, moped = b.base / 2, b.width / 2, b.kind == "moped"
    grip = (front - 0.30, 0.34 if moped else 0.29, b.bar)
    parts = [wheel(front, b.wheel, b.tyre, spokes=0 if moped else 12)]
    parts.append(fender(front, b.wheel, b.tyre, b.paint, 0.45, 2.5))
    parts.append(pair(((front, b.tyre + 0.03, b.wheel), (front - 0.11, b.tyre + 0.03, 0.55)), 0.018, STEEL, 0.5))
    parts.append(tube(((front - 0.10, 0, 0.5), (front - 0.22, 0, b.bar - 0.04)), 0.026, PLASTIC))
    parts.append(pair(((front - 0.22, 0, b.bar - 0.04), (front - 0.22, 0.16, b.bar), grip), 0.013, STEEL, 0.5))
    parts.append(pair(((front - 0.25, grip[1] - 0.13, b.bar), (front - 0.31, grip[1], b.bar)), 0.02, RUBBER))
    parts.append(pair(((front - 0.19, 0.16, b.bar), (front - 0.20, 0.29, b.bar - 0.005)), 0.007, CHROME))
    lamp = (0.92, 0.95, 0.95)
    if moped:
        nose = front - 0.2 + b.nose
        parts.append(upward(
            ((0.42, front - 0.22, nose - 0.02, w * 0.35), (0.62, front - 0.25, nose + 0.03, w * 0.75),
             (0.85, front - 0.27, nose, w * 0.8), (0.98, front - 0.28, nose - 0.08, w * 0.4)),
            b.paint, 0.4))  # fmt: skip
        parts.append(ellipsoid((nose, 0, 0.82), (0.05, 0.085, 0.07), lamp, 0.7))
        parts.append(ellipsoid((front - 0.23, 0, b.bar), (0.10, 0.19, 0.06), b.paint, 0.4))
        dials = [
            (front - 0.31, -0.08, b.bar + 0.05), (front - 0.31, 0.08, b.bar + 0.05),
            (front - 0.26, 0.08, b.bar + 0.068), (front - 0.26, -0.08, b.bar + 0.068),
        ]  # fmt: skip
        parts.append(sheet(dials, (0.75, 0.6, 0.45), 0.5))
    else:
        glass = lamp if b.kind == "light" else PLASTIC
        parts.append(ellipsoid((front - 0.09, 0, 0.83), (0.06, 0.06, 0.06), glass, 0.6))
        parts.append(box((front - 0.2, 0, b.bar), (0.08, 0.11, 0.05), PLASTIC))
    if b.mirrors:
        for side in (-1, 1):
            stalk = ((front - 0.22, side * 0.2, b.bar), (front - 0.2, side * 0.29, b.bar + 0.13))
            parts.append(tube(stalk, 0.007, BLACK))
            parts.append(ellipsoid((front - 0.2, side * 0.32, b.bar + 0.17), (0.02, 0.065, 0.045), BLACK, 0.5))
    if b.basket:
        parts.append(basket((front + 0.02, 0, 0.80)))
    if b.bars and moped:
        parts.append(pair(((front - 0.3, w * 0.6, 0.25), (front - 0.08, w + 0.05, 0.35), (front - 0.04, w + 0.06, 0.62),
                           (front - 0.18, w * 0.8, 0.75)), 0.012, CHROME, 0.7))  # fmt: skip
    return join(parts)


def basket(centre: tuple[float, float, float]) -> Mesh:
    """A wire basket."""
    x, y, z = centre
    parts = []
    for level, reach in ((-0.11, 0.8), (0.0, 0.9), (0.11, 1.0)):
        a, c = 0.13 * reach, 0.17 * reach
        ring = [(x + p * a, y + q * c, z + level) for p, q in ((1, 1), (-1, 1), (-1, -1), (1, -1), (1, 1))]
        parts.append(tube(ring, 0.006, BLACK, sides=3))
    for p, q in ((1, 1), (1, 0), (1, -1), (0, 1), (0, -1), (-1, 1), (-1, 0), (-1, -1)):
        rod = ((x + p * 0.105, y + q * 0.136, z - 0.11), (x + p * 0.13, y + q * 0.17, z + 0.11))
        parts.append(tube(rod, 0.005, BLACK, sides=3))
    floor = [(x + p * 0.1, y + q * 0.13, z - 0.11) for p, q in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    return join([*parts, sheet(floor, (0.09, 0.09, 0.09))])


def _back(b: Ebike, rear: float, seat: float) -> Mesh:
    parts = [box((rear - b.wheel - 0.02, 0, 0.42), (0.012, 0.19, 0.13), b.plate)]
    if b.case == "top":
        parts.append(box((rear - 0.16, 0, seat + 0.19), (0.32, 0.38, 0.24), b.paint if b.bars else PLASTIC, 0.4, 0.88))
        parts.append(box((rear - 0.325, 0, seat + 0.16), (0.012, 0.26, 0.05), (0.1, 0.08, 0.7), 0.5))
    elif b.case == "delivery":
        parts.append(box((rear - 0.12, 0, seat + 0.28), (0.45, 0.45, 0.43), b.accent, 0.15))
    elif b.case == "rack":
        parts.append(basket((rear - 0.2, 0, seat + 0.14)))
    if b.child_seat:
        parts.append(box((rear - 0.02, 0, seat + 0.14), (0.26, 0.26, 0.06), b.accent))
        parts.append(box((rear - 0.14, 0, seat + 0.30), (0.05, 0.27, 0.32), b.accent))
        parts.append(pair(((rear - 0.12, 0.14, seat + 0.3), (rear + 0.13, 0.14, seat + 0.28)), 0.014, PLASTIC))
    return join(parts)


def _quilt(b: Ebike, front: float) -> Mesh:
    """A wind-proof quilt over handlebar and knees."""
    assert b.quilt is not None
    rings = [[(front - 0.12 + dx, y * wide, z) for y in np.linspace(-1, 1, 7)] for dx, wide, z in
             ((-0.22, 0.36, b.bar + 0.04), (0.0, 0.38, b.bar + 0.03), (0.05, 0.34, 0.75),
              (0.0, 0.30, 0.40))]  # fmt: skip
    return loft(rings, b.quilt, 0.1, caps=False, thin=True)
