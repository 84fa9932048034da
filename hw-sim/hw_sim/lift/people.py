"""People: of all sizes, in all clothes, walking, standing, pushing."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from hw_sim.lift.ebikes import PAINTS
from hw_sim.lift.mesh import BLACK, Colour, Mesh, along, box, ellipsoid, join, loft, tube, upward

CLOTHES: Final = (
    (0.85, 0.85, 0.86), (0.08, 0.08, 0.08), (0.35, 0.2, 0.12), (0.6, 0.35, 0.15), (0.15, 0.15, 0.6), (0.2, 0.6, 0.75),
    (0.3, 0.45, 0.2), (0.45, 0.45, 0.47), (0.55, 0.4, 0.7), (0.2, 0.22, 0.26), (0.4, 0.55, 0.65), (0.5, 0.25, 0.1),
)  # fmt: skip
SKINS: Final = ((0.48, 0.6, 0.8), (0.4, 0.52, 0.72), (0.55, 0.66, 0.84))
HAIR: Final = ((0.06, 0.06, 0.07), (0.1, 0.12, 0.16), (0.55, 0.55, 0.56), (0.08, 0.1, 0.14))


class Person(NamedTuple):
    """Measures and clothes of one person; metres."""

    height: float
    girth: float
    skin: Colour
    hair: Colour
    long_hair: bool
    top: Colour
    stripes: Colour | None
    trousers: Colour
    skirt: bool
    sleeves: bool
    hat: Colour | None
    bag: str
    bag_colour: Colour


def draw_person(rng: np.random.Generator, *, child: bool = False) -> Person:
    def cloth() -> Colour:
        return CLOTHES[rng.integers(len(CLOTHES))]

    return Person(
        rng.uniform(0.95, 1.4) if child else rng.uniform(1.5, 1.85),
        rng.uniform(0.85, 1.25),
        SKINS[rng.integers(len(SKINS))],
        HAIR[rng.integers(len(HAIR))],
        rng.random() < 0.4,
        cloth(),
        cloth() if rng.random() < 0.2 else None,
        cloth() if rng.random() < 0.3 else ((0.1, 0.1, 0.1), (0.3, 0.2, 0.12), (0.25, 0.25, 0.27))[rng.integers(3)],
        rng.random() < 0.12,
        rng.random() < 0.55,
        PAINTS[rng.integers(len(PAINTS))] if rng.random() < 0.18 else None,
        str(rng.choice(("", "", "", "back", "hand", "hand", "umbrella"))),
        cloth(),
    )


def person(
    who: Person, *, phase: float = 0.0, stride: float = 0.0, hands: tuple[tuple[float, float, float], ...] = (),
    lean: float = 0.0,
) -> Mesh:  # fmt: skip
    """Stands over the origin, looks along x.  `phase` of the steps (radians), `stride` 0 to 1; `hands` are where the
    left and the right hand hold something; `lean` forward, radians."""
    k, g = who.height / 1.7, who.girth * who.height / 1.7
    parts: list[Mesh] = []
    for side, swing in ((1, np.sin(phase)), (-1, -np.sin(phase))):
        step = 0.28 * k * stride * swing
        hip, foot = (0.0, side * 0.09 * g, 0.86 * k), (step, side * 0.1 * k, 0.07 * k)
        knee = (step * 0.45 + 0.05 * k * stride, side * 0.1 * k, 0.47 * k)
        shin = who.skin if who.skirt else who.trousers
        parts.append(tube((hip, knee), (0.095 * g, 0.065 * g), who.trousers, 0.02, sides=6))
        parts.append(tube((knee, foot), (0.062 * g, 0.045 * g), shin, 0.02, sides=6))
        parts.append(
            along(((step - 0.07 * k, 0, 0.08 * k, 0.04 * k), (step + 0.18 * k, 0, 0.05 * k, 0.045 * k)), BLACK)
        )
    if who.skirt:
        skirt = ((0.45 * k, -0.2 * g, 0.2 * g, 0.24 * g), (0.95 * k, -0.12 * g, 0.12 * g, 0.16 * g))
        parts.append(upward(skirt, who.trousers))
    dx = np.sin(lean)
    stripes = who.stripes or who.top
    heights = (0.80, 0.96, 1.12, 1.27, 1.40, 1.46)
    torso = [
        (z * k, back * g + dx * (z - 0.9) * k, fore * g + dx * (z - 0.9) * k, half * g)
        for z, back, fore, half in zip(
            heights, (-0.12, -0.11, -0.12, -0.12, -0.09, -0.04), (0.12, 0.13, 0.13, 0.12, 0.08, 0.04),
            (0.17, 0.17, 0.18, 0.205, 0.19, 0.06), strict=True)
    ]  # fmt: skip
    parts.append(upward(torso, (who.top, stripes, who.top, stripes, who.top), 0.03))
    neck = dx * 0.55 * k
    for side in (1, -1):
        shoulder = np.array((dx * 0.46 * k, side * 0.2 * g, 1.39 * k))
        if hands:
            hand = np.minimum(hands[0 if side > 0 else 1], (9.0, 9.0, 0.72 * who.height))
        else:
            sway = -side * np.sin(phase) * 0.2 * stride
            hand = shoulder + np.array((sway + 0.06, side * 0.06, -0.56)) * k
        reach = hand - shoulder
        length = float(np.linalg.norm(reach))
        hand = shoulder + reach * min(1.0, 0.6 * k / (length + 1e-6))
        bend = np.sqrt(max(0.0, (0.3 * k) ** 2 - min(length, 0.6 * k) ** 2 / 4))
        elbow = (shoulder + hand) / 2 + np.array((-0.35, side * 0.5, -0.75)) * bend
        parts.append(tube((shoulder, elbow), (0.058 * g, 0.046 * g), who.top, 0.03, sides=6))
        parts.append(tube((elbow, hand), (0.043 * g, 0.032 * g), who.top if who.sleeves else who.skin, 0.03, sides=6))
        parts.append(ellipsoid(hand.tolist(), (0.05 * k, 0.04 * k, 0.045 * k), who.skin, around=6, up=3))
        if side > 0 and who.bag == "hand" and not hands:
            parts.append(box((hand[0], hand[1], hand[2] - 0.2 * k), (0.14, 0.28, 0.3), who.bag_colour))
        if side > 0 and who.bag == "umbrella" and not hands:
            parts.append(tube((hand.tolist(), (hand[0] - 0.06, hand[1], 0.05)), (0.015, 0.04), who.bag_colour))
    parts += _head(who, neck, k)
    if who.bag == "back":
        parts.append(box((-0.2 * g + dx * 0.3 * k, 0, 1.2 * k), (0.17, 0.3 * k, 0.4 * k), who.bag_colour))
    return join(parts)


def _head(who: Person, x: float, k: float) -> list[Mesh]:
    big = 1.0 if who.height > 1.45 else 1.2
    h = big * min(k, 1.0) if who.height > 1.45 else big * 0.8
    z = who.height - 0.12 * h
    parts = [
        tube(((x * 0.85, 0, 1.42 * k), (x, 0, z)), 0.05 * h, who.skin),
        ellipsoid((x + 0.015, 0, z - 0.02), (0.095 * h, 0.078 * h, 0.125 * h), who.skin, around=10, up=6),
        ellipsoid(
            (x - 0.018, 0, z + 0.025), (0.1 * h, 0.088 * h, 0.11 * h), who.hat or who.hair, 0.08, around=10, up=6
        ),
    ]
    if who.hat is not None:
        brim = [[(x + c * 0.2 * h, s * 0.1 * h, z + 0.05 * h) for c, s in ((0, 1), (1, 0.6), (1, -0.6), (0, -1))]]
        parts.append(loft([*brim, [(a, b, c + 0.012) for a, b, c in brim[0]]], who.hat))
    if who.long_hair:
        back = ((z - 0.22 * h, x - 0.12 * h, x - 0.05, 0.075 * h), (z, x - 0.12 * h, x, 0.085 * h))
        parts.append(upward(back, who.hair))
    return parts
