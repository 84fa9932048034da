"""The camera: where it hangs, where it looks, and how its lens bends what it sees."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from hw_sim.lift.mesh import Floats

NEAREST_M: Final = 0.06


class Lens(NamedTuple):
    """A wide-angle lens.  `turn` has the camera's right, down and forward as rows.

    A ray at the angle a from the axis meets the picture at `focal` * tan(a * straight) / straight: 1 is a pin-hole,
    towards 0 a fish-eye with equal angles.
    """

    position: Floats
    turn: Floats
    focal: float
    straight: float
    width: int
    height: int

    @classmethod
    def looking(
        cls, position: Floats, at: Floats, *, view: float, straight: float, roll: float, width: int, height: int
    ) -> Lens:
        """`view` is the horizontal angle of view, all angles in radians."""
        forward = (at - position) / np.linalg.norm(at - position)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        c, s = np.cos(roll), np.sin(roll)
        turn = np.stack((c * right + s * down, c * down - s * right, forward)).astype(np.float32)
        focal = width / 2 * straight / np.tan(view / 2 * straight)
        return cls(position.astype(np.float32), turn, float(focal), straight, width, height)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels (n x 2) and distance along the axis (n); what is not in front of the lens is nearer than NEAREST_M."""
        seen = (points - self.position) @ self.turn.T
        depth = seen[:, 2]
        aside = np.hypot(seen[:, 0], seen[:, 1]) + 1e-9
        angle = np.arctan2(aside, depth)
        reach = np.tan(np.minimum(angle * self.straight, 1.5)) * (self.focal / self.straight)
        pixels = seen[:, :2] * (reach / aside)[:, None] + np.array((self.width / 2, self.height / 2), np.float32)
        return pixels, depth

    def rays(self) -> Floats:
        """Directions of all pixels in the world, height x width x 3."""
        rows, columns = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        x, y = columns + 0.5 - self.width / 2, rows + 0.5 - self.height / 2
        reach = np.hypot(x, y) + 1e-9
        angle = np.arctan(reach * (self.straight / self.focal)) / self.straight
        aside = np.sin(angle) / reach
        return (np.stack((x * aside, y * aside, np.cos(angle)), 2) @ self.turn).astype(np.float32)
