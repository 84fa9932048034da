"""Draws meshes: far faces first, each in one colour, with the number of its thing beside the colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hw_sim.lift.lens import NEAREST_M, Lens
from hw_sim.lift.mesh import Floats, Mesh, join

Layer = NDArray[np.uint8]
"""height x width x (blue, green, red, number of the thing), twice the picture's size; number 0 is nothing."""
FINER: Final = 2
SHARPNESS: Final = 14
LARGEST: Final = 4000
"""Pixels of a face at most: what is larger touches the lens."""

cv2.setNumThreads(1)  # pictures are small: handing them to threads costs more than they save


class Lights(NamedTuple):
    """Lamps (n x 3) and how strong all of them are together; `ambient` comes from everywhere.  `tint` is BGR."""

    lamps: Floats
    strength: float
    ambient: float
    tint: Floats

    def dimmed(self, share: float) -> Lights:
        return self._replace(strength=self.strength * share, ambient=self.ambient * share)


class Faces(NamedTuple):
    """What is to be drawn, in the world: corners m x 4 x 3."""

    corners: Floats
    colours: Floats
    gloss: Floats
    thin: NDArray[np.bool_]
    numbers: NDArray[np.int32]

    @property
    def centres(self) -> Floats:
        corners = self.corners
        return np.asarray((corners[:, 0] + corners[:, 1] + corners[:, 2] + corners[:, 3]) * np.float32(0.25))

    def where(self, mask: NDArray[np.bool_]) -> Faces:
        return Faces(self.corners[mask], self.colours[mask], self.gloss[mask], self.thin[mask], self.numbers[mask])


def faces(numbered: Sequence[tuple[int, Mesh]]) -> Faces:
    """The faces of things, each with the number of its thing."""
    mesh = join([mesh for _, mesh in numbered])
    numbers = np.repeat([number for number, _ in numbered], [len(mesh.faces) for _, mesh in numbered])
    return Faces(mesh.points[mesh.faces], mesh.colours, mesh.gloss, mesh.thin, numbers.astype(np.int32))


def shade(faces: Faces, lights: Lights, eye: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Colours 0 to 255 (m x 3), and which faces are turned to the eye."""
    corners = faces.corners
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    centres = faces.centres
    sight = eye - centres
    sight /= np.linalg.norm(sight, axis=1, keepdims=True) + 1e-9
    facing = np.einsum("ij,ij->i", normals, sight)
    normals = np.where((faces.thin & (facing < 0))[:, None], -normals, normals)
    light = lights.ambient * (0.72 + 0.28 * normals[:, 2]) * (0.72 + 0.28 * np.clip(centres[:, 2] / 0.7, 0, 1))
    shine = np.zeros(len(centres), np.float32)
    for lamp in lights.lamps:
        way = lamp - centres
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        light += lights.strength / len(lights.lamps) * np.maximum(np.einsum("ij,ij->i", normals, way), 0)
        half = way + sight
        half /= np.linalg.norm(half, axis=1, keepdims=True) + 1e-9
        shine += np.maximum(np.einsum("ij,ij->i", normals, half), 0) ** SHARPNESS / len(lights.lamps)
    colours = faces.colours * light[:, None] + (faces.gloss * shine * lights.strength)[:, None]
    return np.clip(255 * colours * lights.tint, 0, 255), (facing > 0) | faces.thin


def draw(layer: Layer, faces: Faces, lights: Lights, lens: Lens) -> None:
    """Adds faces to a layer, in front of what is there."""
    if not len(faces.corners):
        return
    colours, facing = shade(faces, lights, lens.position)
    seen = np.flatnonzero(facing)
    pixels, depth = lens.project(faces.corners[seen].reshape(-1, 3))
    corners = pixels.reshape(-1, 4, 2) * FINER - 0.5
    low, high = _ends(corners)
    visible = (_ends(depth.reshape(-1, 4))[0] > NEAREST_M) & (high >= 0).all(1)
    visible &= (low[:, 0] < layer.shape[1]) & (low[:, 1] < layer.shape[0]) & (high - low < LARGEST).all(1)
    far = np.linalg.norm(faces.centres[seen] - lens.position, axis=1)
    order = np.flatnonzero(visible)
    order = order[np.argsort(-far[order], kind="stable")]
    drawn = np.rint(corners[order]).astype(np.int32)
    paints = np.column_stack((colours[seen[order]], faces.numbers[seen[order]])).tolist()
    fill = cv2.fillConvexPoly
    for shape, paint in zip(drawn, paints, strict=True):
        fill(layer, shape, paint)


def silhouette(faces: Faces, lens: Lens) -> NDArray[np.uint8]:
    """255 where these faces alone would be seen, at the picture's own size."""
    mask = np.zeros((lens.height, lens.width), np.uint8)
    pixels, depth = lens.project(faces.corners.reshape(-1, 3))
    corners = pixels.reshape(-1, 4, 2)
    one, two = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    turned = (one[:, 0] * two[:, 1] > one[:, 1] * two[:, 0]) | faces.thin  # the far side of a body covers the same
    kept = np.rint(corners[turned & (_ends(depth.reshape(-1, 4))[0] > NEAREST_M)]).astype(np.int32)
    for shape in kept:
        cv2.fillConvexPoly(mask, shape, 255)
    return mask


def _ends(corners: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest of the four corners of each face."""
    a, b, c, d = (corners[:, number] for number in range(4))
    return np.minimum(np.minimum(a, b), np.minimum(c, d)), np.maximum(np.maximum(a, b), np.maximum(c, d))
