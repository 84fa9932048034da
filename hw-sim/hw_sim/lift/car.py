"""A lift car: its measures, what its surfaces look like, and its empty picture through a lens.

x across, y from the rear wall to the door, z up.  The lobby begins at y = depth.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hw_sim.lift.lens import Lens
from hw_sim.lift.mesh import BLACK, Colour, Floats, Mesh, box, join, sheet, tube
from hw_sim.lift.raster import FINER, Layer, Lights, draw, faces
from hw_sim.lift.textures import Texture, floor, lobby_wall, wall

JAMB_M: Final = 0.16
LOBBY_M: Final = 2.2
NUMBER: Final = 255
"""The number of what belongs to the car itself."""


class Car(NamedTuple):
    """Inner measures in metres, the door's edges in x, the camera's place and looks; `seed` draws the surfaces."""

    width: float
    depth: float
    height: float
    door: tuple[float, float]
    door_height: float
    centre_opening: bool
    eye: tuple[float, float, float]
    at: tuple[float, float, float]
    view: float
    straight: float
    roll: float
    rail: bool
    seed: int


def draw_car(rng: np.random.Generator) -> Car:
    width, depth = rng.uniform(1.25, 1.85), rng.uniform(1.3, 2.1)
    height, gap = rng.uniform(2.2, 2.5), rng.uniform(0.8, min(1.1, width - 0.3))
    left = rng.uniform(0.12, width - gap - 0.12)
    side = rng.integers(2)
    in_front = rng.random() < 0.15
    x = rng.uniform(0.04, 0.25) if rng.random() < 0.85 else width * 0.5
    eye = (
        width - x if side else x,
        depth - 0.08 if in_front else rng.uniform(0.04, 0.2),
        height - rng.uniform(0.03, 0.2),
    )
    if in_front:
        at = (width * rng.uniform(0.35, 0.65), depth * rng.uniform(0.25, 0.5), rng.uniform(0.0, 0.7))
    else:
        at = (width * rng.uniform(0.4, 0.6), depth * rng.uniform(0.6, 1.0), rng.uniform(0.2, 0.95))
    return Car(
        width, depth, height, (left, left + gap), rng.uniform(2.0, 2.1), rng.random() < 0.55, eye, at,
        np.radians(rng.uniform(78, 118)), rng.uniform(0.25, 0.95), rng.normal(0, 0.05), rng.random() < 0.5,
        int(rng.integers(1 << 31)),
    )  # fmt: skip


def lens(car: Car, width: int, height: int) -> Lens:
    eye, at = np.array(car.eye, np.float32), np.array(car.at, np.float32)
    return Lens.looking(eye, at, view=car.view, straight=car.straight, roll=car.roll, width=width, height=height)


class Backdrop(NamedTuple):
    """The empty car and the lobby behind its door: pictures (BGR, 0 to 255), where the doorway is (0 to 1, also at
    twice the size), and for every pixel of the car's floor where it is in metres (NaN elsewhere)."""

    car: Floats
    lobby: Floats
    doorway: Floats
    doorway_fine: NDArray[np.bool_]
    floor: Floats


def lights(car: Car) -> Lights:
    """The car's lamps."""
    rng = np.random.default_rng(car.seed + 1)
    count = int(rng.integers(1, 4))
    lamps = [
        (car.width * rng.uniform(0.25, 0.75), car.depth * (k + 0.5) / count, car.height - 0.02) for k in range(count)
    ]
    strength = rng.uniform(0.45, 0.85)
    tint = np.array((rng.uniform(0.9, 1.08), 1.0, rng.uniform(0.9, 1.08)), np.float32)
    return Lights(np.array(lamps, np.float32), strength, 1.12 - strength, tint)


def lobby_lights(car: Car) -> Lights:
    rng = np.random.default_rng(car.seed + 2)
    lamp = np.array([(car.width / 2, car.depth + 1.2, 2.6)], np.float32)
    return Lights(lamp, 0.55, 0.5, np.array((rng.uniform(0.9, 1.1), 1.0, rng.uniform(0.95, 1.1)), np.float32))


def backdrop(car: Car, seen: Lens) -> Backdrop:
    rng = np.random.default_rng(car.seed)
    rays = seen.rays()
    low, high = np.zeros(3, np.float32), np.array((car.width, car.depth, car.height), np.float32)
    side = wall(rng)
    skins = {
        "left": side, "right": side if rng.random() < 0.7 else wall(rng),
        "rear": side if rng.random() < 0.5 else wall(rng),
        "front": wall(rng, plain=True), "floor": floor(rng), "ceiling": wall(rng, plain=True),
    }  # fmt: skip
    inside, place, front = _cast(rays, seen.position, low, high, skins, lights(car))
    doorway = front & (place[..., 0] > car.door[0]) & (place[..., 0] < car.door[1]) & (place[..., 2] < car.door_height)
    lobby_low = np.array((-rng.uniform(0.1, 1.5), car.depth, 0), np.float32)
    lobby_high = np.array((car.width + rng.uniform(0.1, 1.5), car.depth + LOBBY_M, 2.7), np.float32)
    plaster = lobby_wall(rng)
    around = dict.fromkeys(("left", "right", "rear", "front", "ceiling"), plaster) | {"floor": floor(rng)}
    beyond, _, _ = _cast(rays, seen.position, lobby_low, lobby_high, around, lobby_lights(car))
    picture = _over(inside, _fittings(car, rng), seen, lights(car))
    lobby = _over(beyond, _frame(car), seen, lights(car))
    ground = np.where((place[..., 2:3] < 1e-3) & ~doorway[..., None], place[..., :2], np.nan).astype(np.float32)
    mask = doorway.astype(np.float32)
    fine = cv2.resize(mask, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_LINEAR) > 0.5
    return Backdrop(picture, lobby, cv2.GaussianBlur(mask, (3, 3), 0.6), fine, ground)


def _cast(
    rays: Floats, eye: Floats, low: Floats, high: Floats, skins: dict[str, Texture], lamp: Lights
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The walls of a room that rays meet, from inside or through its open front; where, and which are the far one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(rays > 0, high - eye, low - eye) / rays
    steps = np.where(steps > 1e-4, steps, np.inf)
    axis, step = steps.argmin(2), steps.min(2)
    place = (eye + rays * step[..., None]).astype(np.float32)
    ahead = np.take_along_axis(rays, axis[..., None], 2)[..., 0] > 0
    names = (("left", "right"), ("rear", "front"), ("floor", "ceiling"))
    picture = np.zeros_like(rays)
    gaps = np.minimum(place - low, high - place)
    light = np.full(rays.shape[:2], lamp.ambient, np.float32)
    normal = np.zeros(rays.shape, np.float32)
    np.put_along_axis(normal, axis[..., None], np.where(ahead, -1.0, 1.0)[..., None].astype(np.float32), 2)
    for one in lamp.lamps:
        way = one - place
        away = np.linalg.norm(way, axis=2) + 0.2
        light += lamp.strength / len(lamp.lamps) * 1.9 * np.maximum((way * normal).sum(2), 0.12) / away**1.8
    for number, (u, v) in enumerate(((1, 2), (0, 2), (0, 1))):
        for forward in (False, True):
            mask = (axis == number) & (ahead == forward)
            if not mask.any():
                continue
            texture = skins[names[number][forward]]
            scale = texture.shape[0] / (high[v] - low[v]), texture.shape[1] / (high[u] - low[u])
            columns, rows = (place[..., u] - low[u]) * scale[1], (high[v] - place[..., v]) * scale[0]
            looked = cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            picture[mask] = looked[mask]
    corner = np.ones(rays.shape[:2], np.float32)
    for number in range(3):
        corner *= np.where(axis == number, 1.0, 1 - 0.32 * np.exp(-np.maximum(gaps[..., number], 0) / 0.12))
    shaded = picture * (light * corner)[..., None] * lamp.tint
    return np.clip(shaded, 0, 255).astype(np.float32), place, (axis == 1) & ahead


def _over(picture: Floats, mesh: Mesh, seen: Lens, lamp: Lights) -> Floats:
    layer: Layer = np.zeros((seen.height * FINER, seen.width * FINER, 4), np.uint8)
    draw(layer, faces([(NUMBER, mesh)]), lamp, seen)
    return blend(picture, layer)


def blend(picture: Floats, layer: Layer) -> Floats:
    """A layer over a picture of half its size, with smooth edges."""
    _, mask = cv2.threshold(layer[..., 3], 0, 255, cv2.THRESH_BINARY)
    x, y, w, h = cv2.boundingRect(mask)
    if not w:
        return picture
    x, y, right, bottom = x // FINER, y // FINER, -(-(x + w) // FINER), -(-(y + h) // FINER)
    part = np.s_[y * FINER : bottom * FINER, x * FINER : right * FINER]
    size = (right - x, bottom - y)
    colours = cv2.resize(layer[part], size, interpolation=cv2.INTER_AREA)[..., :3].astype(np.float32)
    free = 1 - cv2.resize(mask[part], size, interpolation=cv2.INTER_AREA)[..., None] * np.float32(1 / 255)
    made = picture.copy()
    made[y:bottom, x:right] = picture[y:bottom, x:right] * free + colours
    return made


def _fittings(car: Car, rng: np.random.Generator) -> Mesh:
    """Button panel, indicator, hand rails, framed posters, skirting."""
    right = car.width - car.door[1] > car.door[0]
    middle = (car.door[1] + car.width) / 2 if right else car.door[0] / 2
    wide = max(0.1, min(0.24, (car.width - car.door[1] if right else car.door[0]) - 0.06))
    steel: Colour = (0.22, 0.22, 0.23) if rng.random() < 0.6 else (0.6, 0.6, 0.62)
    y = car.depth - 0.012
    parts = [box((middle, y, 1.25), (wide, 0.024, 1.3), steel, 0.4)]
    parts.append(box((middle, y - 0.014, 1.72), (wide * 0.7, 0.004, 0.16), BLACK))
    for row in range(9):
        for x in (-0.22, 0.22):
            lit: Colour = (0.2, 0.7, 0.9) if rng.random() < 0.1 else (0.7, 0.7, 0.7)
            parts.append(box((middle + x * wide, y - 0.016, 0.85 + row * 0.075), (0.03, 0.008, 0.03), lit))
    if car.rail:
        for x in (0.05, car.width - 0.05):
            path = [(x, k * car.depth, 0.9) for k in np.linspace(0.1, 0.85, 8)]
            parts.append(tube(path, 0.02, (0.65, 0.65, 0.66), 0.6))
    for x in (0.004, car.width - 0.004):
        for k in range(6):
            ends = (car.depth * k / 6, car.depth * (k + 1) / 6)
            corners = [(x, ends[0], 0), (x, ends[1], 0), (x, ends[1], 0.08), (x, ends[0], 0.08)]
            parts.append(sheet(corners, (0.3, 0.3, 0.3)))
    return join(parts)


def _frame(car: Car) -> Mesh:
    """The doorway's sides and the sill, seen through the doorway."""
    a, b = car.door
    y, far = car.depth, car.depth + JAMB_M
    grey: Colour = (0.45, 0.45, 0.46)
    parts = [
        sheet([(x, y, 0), (x, far, 0), (x, far, car.door_height), (x, y, car.door_height)], grey, 0.3, cuts=(1, 8))
        for x in (a, b)
    ]
    for k in range(4):
        ends, light = (y + JAMB_M * k / 4, y + JAMB_M * (k + 1) / 4), 0.28 + 0.18 * (k % 2)
        corners = [(a, ends[0], 0.003), (b, ends[0], 0.003), (b, ends[1], 0.003), (a, ends[1], 0.003)]
        parts.append(sheet(corners, (light, light, light), 0.4, cuts=(8, 1)))
    return join(parts)


def panels(car: Car, openness: float) -> Mesh | None:
    """The door's panels; nothing when it is fully open.  `openness` 0 is shut."""
    rng = np.random.default_rng(car.seed + 3)
    light = rng.uniform(0.35, 0.62)
    colour: Colour = (light, light, light * rng.uniform(0.95, 1.02))
    a, b = car.door
    y, top, gap = car.depth + 0.05, car.door_height, b - a
    if car.centre_opening:
        half = gap / 2 * (1 - openness)
        spans = [(a, a + half), (b - half, b)]
    else:
        left = gap * (1 - openness)
        spans = [(a, a + left / 2), (a + left / 2, a + left)]
    parts = []
    for start, end in spans:
        if end - start < 0.01:
            continue
        corners = [(start, y, 0), (end, y, 0), (end, y, top), (start, y, top)]
        parts.append(sheet(corners, colour, 0.25, cuts=(3, 8)))
        for edge in (start, end - 0.012):
            corners = [(edge + dx, y - 0.002, z) for dx, z in ((0, 0), (0.012, 0), (0.012, top), (0, top))]
            parts.append(sheet(corners, (0.12, 0.12, 0.12), cuts=(1, 8)))
    return join(parts) if parts else None
