"""What else comes into lifts: bicycles, prams, wheelchairs, suitcases, trolleys, dogs, parcels, carts, robots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from hw_sim.lift.ebikes import PAINTS, basket, fender, wheel
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
    ellipsoid,
    join,
    loft,
    pair,
    sheet,
    torus,
    tube,
)

Rng = np.random.Generator


def paint(rng: Rng) -> Colour:
    return PAINTS[rng.integers(len(PAINTS))]


def bicycle(rng: Rng) -> Mesh:
    """Diamond, city, folding, or a child's: small, with training wheels at times, or stout with fat tyres."""
    style = str(rng.choice(("diamond", "city", "folding", "child", "stout", "stout")))
    if style == "stout":
        return _stout(rng)
    r = {"diamond": 0.33, "city": 0.31, "folding": 0.2}.get(style, rng.uniform(0.14, 0.24))
    base = {"diamond": 1.03, "city": 1.05, "folding": 0.96}.get(style, r * 3.2)
    tall = {"child": r * 1.7}.get(style, 0.62)
    front, rear, colour, thick = base / 2, -base / 2, paint(rng), 0.017 if style != "child" else 0.02
    tyre = rng.uniform(0.014, 0.026)
    crank, head = (-0.06, 0, r * 0.9), (front - 0.16 - 0.05 * tall, 0, tall * 1.25)
    seat, bar = (rear + 0.22 * tall / 0.6, 0.0, tall * 1.38), tall * 1.55
    low_top = (rear + 0.3 * tall, 0, tall * (0.62 if style in ("city", "folding") else 1.15))
    rods = [
        (head, low_top), (head, crank), (crank, seat), ((rear, 0.0, r), crank), (low_top, (rear, 0.0, r)),
        ((front, 0.0, r), head), (head, (head[0] - 0.02, 0, bar)),
    ]  # fmt: skip
    parts = [tube(rod, thick, colour, 0.5) for rod in rods]
    parts += [wheel(x, r, tyre, spokes=14, hub=0.025) for x in (front, rear)]
    parts.append(ellipsoid(seat, (0.13, 0.075, 0.035), BLACK))
    grip = (head[0] - 0.1, 0.27, bar)
    parts.append(pair(((head[0] - 0.02, 0, bar), (head[0] + 0.02, 0.13, bar), grip), 0.013, STEEL, 0.5))
    parts.append(pair(((head[0] - 0.05, 0.2, bar), grip), 0.018, RUBBER))
    parts.append(torus((crank[0], -0.05, crank[2]), 0.08, 0.008, STEEL, around=10))
    parts.append(tube(((crank[0] - 0.1, -0.12, crank[2] - 0.1), (crank[0] + 0.1, 0.12, crank[2] + 0.1)), 0.011, STEEL))
    if style == "child" and rng.random() < 0.6:
        parts += [wheel(rear, 0.07, 0.014).moved(y=side * 0.19) for side in (-1, 1)]
        parts.append(tube(((rear, -0.19, 0.07), (rear, 0, r), (rear, 0.19, 0.07)), 0.01, STEEL))
    if rng.random() < 0.35:
        parts.append(basket((front + 0.0, 0, bar - 0.12)).scaled(1, 1, 1))
    if style == "city":
        parts.append(box((rear - 0.02, 0, 2 * r + 0.06), (0.3, 0.13, 0.02), PLASTIC))
    return join(parts)


def _stout(rng: Rng) -> Mesh:
    """A child's mountain bicycle: small fat wheels, thick tubes, mudguards, a case over the chain; mostly dark."""
    r, tyre = rng.uniform(0.17, 0.27), rng.uniform(0.022, 0.045)
    base, tall = r * rng.uniform(2.9, 3.5), r * rng.uniform(1.5, 1.9)
    front, rear, thick = base / 2, -base / 2, rng.uniform(0.02, 0.036)
    colour, trim = (BLACK if rng.random() < 0.5 else paint(rng)), (BLACK if rng.random() < 0.5 else paint(rng))
    crank, head = (-0.04, 0, r * 0.95), (front - 0.1 - 0.05 * tall, 0, tall * 1.35)
    seat, bar = (rear + 0.3 * tall, 0.0, tall * rng.uniform(1.4, 1.75)), tall * rng.uniform(1.65, 2.0)
    low_top = (rear + 0.35 * tall, 0, tall * rng.uniform(0.9, 1.2))
    fork = ((front, 0.06, r), (head[0] + 0.02, 0.06, head[2] - 0.08))
    rods = [(head, low_top), (head, crank), (crank, seat), (low_top, (rear, 0.0, r)), ((rear, 0.0, r), crank)]
    parts = [tube(rod, thick, colour, 0.5) for rod in rods]
    parts += [pair(fork, 0.02, colour, 0.5), tube((head, (head[0] - 0.02, 0, bar)), thick, colour, 0.5)]
    spokes = int(rng.choice((0, 0, 12)))
    parts += [wheel(x, r, tyre, spokes=spokes, hub=0.035) for x in (front, rear)]
    parts.append(ellipsoid(seat, (rng.uniform(0.1, 0.15), 0.075, 0.045), BLACK))
    grip = (head[0] - 0.1, rng.uniform(0.2, 0.29), bar)
    parts.append(pair(((head[0] - 0.02, 0, bar), (head[0] + 0.02, 0.1, bar), grip), 0.014, BLACK, 0.3))
    parts.append(pair(((head[0] - 0.04, 0.15, bar), grip), 0.022, RUBBER))
    if rng.random() < 0.6:
        parts += [fender(x, r, tyre, trim, 0.5, 2.6) for x in (front, rear)]
    if rng.random() < 0.6:
        parts.append(box((crank[0] / 2 + rear / 2, -0.05, r), (abs(rear) + 0.1, 0.03, 0.11), trim, 0.3))
    if rng.random() < 0.35:
        parts.append(box(((head[0] + low_top[0]) / 2, 0, head[2] * 0.85), (0.2, 0.05, 0.16), trim, 0.3, 0.8))
    if rng.random() < 0.3:
        parts.append(basket((front, 0, bar - 0.12)))
    if rng.random() < 0.3:
        parts += [wheel(rear, 0.07, 0.014).moved(y=side * 0.19) for side in (-1, 1)]
    return join(parts)


def pram(rng: Rng) -> Mesh:
    cloth, frame = paint(rng), (CHROME, BLACK, STEEL)[rng.integers(3)]
    r, high = rng.uniform(0.07, 0.14), rng.uniform(0.92, 1.06)
    parts = [wheel(x, r, 0.02, hub=0.03).moved(y=y) for x in (0.34, -0.3) for y in (-0.24, 0.24)]
    parts.append(pair(((0.34, 0.22, r), (-0.1, 0.23, 0.55), (-0.48, 0.23, high)), 0.013, frame, 0.5))
    parts.append(pair(((-0.3, 0.22, r), (0.02, 0.23, 0.5)), 0.013, frame, 0.5))
    parts.append(tube(((-0.48, -0.23, high), (-0.5, 0, high + 0.02), (-0.48, 0.23, high)), 0.018, BLACK))
    parts.append(along(((-0.36, 0.55, 0.80, 0.2), (-0.1, 0.36, 0.62, 0.21), (0.3, 0.34, 0.52, 0.2)), cloth, 0.05))
    parts.append(along(((-0.33, 0.4, 0.42, 0.18), (0.2, 0.18, 0.24, 0.18)), BLACK, 0.05))
    start, angles = rng.uniform(0.4, 1.3), np.linspace(0, 1, 5)
    rings = [
        [(-0.18 + 0.38 * np.cos(a), 0.22 * np.cos(b), 0.62 + 0.34 * np.sin(a) * (0.5 + 0.5 * np.sin(b)))
         for b in np.linspace(0, np.pi, 7)] for a in start + angles * (2.9 - start)
    ]  # fmt: skip
    parts.append(loft(rings, cloth, 0.08, caps=False, thin=True))
    if rng.random() < 0.5:
        parts.append(ellipsoid((-0.12, 0, 0.72), (0.09, 0.085, 0.1), (0.5, 0.62, 0.8)))
    return join(parts)


def wheelchair(rng: Rng) -> Mesh:
    cloth = ((0.12, 0.12, 0.12), (0.3, 0.12, 0.08), (0.08, 0.08, 0.3))[rng.integers(3)]
    frame, r = (CHROME, STEEL, BLACK)[rng.integers(3)], 0.3 if rng.random() < 0.75 else 0.17
    parts = [wheel(-0.1, r, 0.014, spokes=12, hub=0.03).moved(y=y) for y in (-0.29, 0.29)]
    if r > 0.2:
        parts += [torus((-0.1, y, r), r - 0.04, 0.009, CHROME, 0.5, around=14) for y in (-0.33, 0.33)]
    parts += [wheel(0.33, 0.09, 0.016, hub=0.03).moved(y=y) for y in (-0.22, 0.22)]
    parts.append(pair(((-0.2, 0.23, 0.1), (-0.2, 0.23, 0.95), (-0.34, 0.23, 0.95)), 0.013, frame, 0.5))
    arms = ((-0.2, 0.23, 0.68), (0.22, 0.23, 0.68), (0.24, 0.23, 0.5), (-0.2, 0.23, 0.48))
    parts.append(pair(arms, 0.013, frame, 0.5))
    parts.append(pair(((0.24, 0.2, 0.5), (0.42, 0.18, 0.14), (0.55, 0.18, 0.12)), 0.012, frame, 0.5))
    parts.append(box((0.02, 0, 0.49), (0.42, 0.43, 0.06), cloth))
    parts.append(box((-0.2, 0, 0.72), (0.04, 0.43, 0.44), cloth))
    parts += [box((0.0, y, 0.69), (0.28, 0.06, 0.03), BLACK) for y in (-0.23, 0.23)]
    parts += [box((0.48, y, 0.12), (0.16, 0.13, 0.015), PLASTIC) for y in (-0.1, 0.1)]
    parts.append(pair(((-0.26, 0.23, 0.95), (-0.36, 0.23, 0.95)), 0.019, RUBBER))
    if r < 0.2:
        parts.append(box((-0.1, 0, 0.27), (0.4, 0.3, 0.2), PLASTIC))
    return join(parts)


def suitcase(rng: Rng) -> Mesh:
    high, colour = rng.uniform(0.48, 0.74), paint(rng)
    parts = [
        box((0, 0, 0.06 + high / 2), (0.27, high * 0.66, high), colour, 0.35),
        pair(((-0.12, 0.09, high), (-0.14, 0.09, high + 0.4)), 0.01, STEEL, 0.5),
    ]
    parts.append(tube(((-0.14, -0.09, high + 0.4), (-0.14, 0.09, high + 0.4)), 0.016, BLACK))
    parts += [box((0.137, 0, 0.1 + high * k), (0.012, high * 0.6, 0.012), BLACK) for k in (0.25, 0.5, 0.75)]
    return join(parts + [wheel(x, 0.03, 0.01).moved(y=y) for x in (-0.1, 0.1) for y in (-0.15, 0.15)])


def trolley(rng: Rng) -> Mesh:
    """A hand truck with parcels, or a shopping trolley."""
    if rng.random() < 0.5:
        parts = [wheel(x, 0.06, 0.014).moved(y=y) for x in (-0.35, 0.35) for y in (-0.22, 0.22)]
        parts.append(box((0, 0, 0.16), (0.8, 0.5, 0.04), PLASTIC))
        parts.append(pair(((-0.4, 0.22, 0.16), (-0.45, 0.22, 0.95), (-0.45, 0, 0.95)), 0.016, STEEL, 0.4))
        height = 0.18
        for _ in range(int(rng.integers(1, 4))):
            size = rng.uniform(0.2, 0.36)
            parts.append(box((rng.uniform(-0.1, 0.1), 0, height + size / 2), (0.55, 0.42, size), _card(rng)))
            height += size
        return join(parts)
    parts = [wheel(x, 0.06, 0.014).moved(y=y) for x in (-0.3, 0.3) for y in (-0.2, 0.2)]
    parts += [basket((0, 0, z)).scaled(2.4, 1.45, 1.0) for z in (0.55, 0.78)]
    parts.append(pair(((0.3, 0.2, 0.1), (-0.3, 0.2, 0.2), (-0.42, 0.22, 1.0), (-0.42, 0, 1.0)), 0.014, CHROME, 0.5))
    return join(parts)


def _card(rng: Rng) -> Colour:
    light = rng.uniform(0.6, 1.0)
    return 0.38 * light, 0.55 * light, 0.68 * light


def parcel(rng: Rng) -> Mesh:
    size = rng.uniform(0.25, 0.6, 3)
    return box((0, 0, size[2] / 2), size.tolist(), _card(rng), 0.05)


def dog(rng: Rng) -> Mesh:
    k = rng.uniform(0.45, 1.1)
    coat = ((0.15, 0.15, 0.15), (0.75, 0.8, 0.85), (0.2, 0.4, 0.6), (0.3, 0.35, 0.4))[rng.integers(4)]
    parts = [along(((-0.33, 0.33, 0.5, 0.08), (-0.1, 0.32, 0.55, 0.11), (0.25, 0.3, 0.56, 0.12)), coat)]
    parts += [tube(((x, y, 0.4), (x + 0.02, y, 0)), (0.05, 0.03), coat) for x in (-0.27, 0.2) for y in (-0.07, 0.07)]
    parts.append(tube(((0.22, 0, 0.48), (0.34, 0, 0.66)), (0.09, 0.07), coat))
    parts.append(ellipsoid((0.40, 0, 0.7), (0.12, 0.075, 0.08), coat))
    parts.append(tube(((-0.33, 0, 0.47), (-0.48, 0, 0.62)), (0.03, 0.015), coat))
    parts += [ellipsoid((0.35, y, 0.76), (0.03, 0.02, 0.06), BLACK) for y in (-0.06, 0.06)]
    return join(parts).scaled(k, k, k)


def cart(rng: Rng) -> Mesh:
    """A cleaner's cart: bag, buckets, mop."""
    parts = [wheel(x, 0.07, 0.016).moved(y=y) for x in (-0.4, 0.4) for y in (-0.2, 0.2)]
    parts += [box((0, 0, z), (0.85, 0.46, 0.04), (0.35, 0.35, 0.35)) for z in (0.15, 0.55)]
    parts.append(box((-0.35, 0, 0.6), (0.3, 0.42, 0.75), paint(rng), 0.05, 0.9))
    parts.append(box((0.25, 0, 0.32), (0.3, 0.36, 0.28), (0.1, 0.7, 0.8)))
    parts.append(pair(((0.42, 0.2, 0.15), (0.42, 0.2, 0.95), (-0.5, 0.2, 0.98)), 0.014, STEEL))
    parts.append(tube(((0.3, 0.1, 0.4), (0.2, 0.12, 1.4)), 0.012, (0.8, 0.8, 0.8)))
    return join(parts)


def robot(rng: Rng) -> Mesh:
    """A delivery robot."""
    body = ((0.9, 0.9, 0.9), (0.25, 0.25, 0.27))[rng.integers(2)]
    high = rng.uniform(0.75, 1.25)
    parts = [box((0, 0, high / 2 + 0.05), (0.5, 0.45, high), body, 0.4, 0.9)]
    parts.append(box((0, 0, 0.06), (0.52, 0.47, 0.08), BLACK))
    face = [(0.238, y, high + z) for y, z in ((-0.13, -0.25), (0.13, -0.25), (0.13, -0.08), (-0.13, -0.08))]
    return join([*parts, sheet(face, (0.7, 0.4, 0.1))])


MAKERS: Final[Mapping[str, Callable[[Rng], Mesh]]] = {
    "bicycle": bicycle,
    "pram": pram,
    "wheelchair": wheelchair,
    "suitcase": suitcase,
    "trolley": trolley,
    "dog": dog,
    "parcel": parcel,
    "cart": cart,
    "robot": robot,
}
"""Class to what makes one, the middle over the origin, looking along x."""
