"""What the camera makes of the light: exposure, colours, night mode, dirt, blur, noise, compression, time text."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hw_sim.lift.mesh import Floats

NOISE_SIDE: Final = 1024
START: Final = datetime.datetime(2026, 3, 2, 6, 0, 0)


class Sensor(NamedTuple):
    """`exposure` and `saturation` are 1 for none; `contrast` is a gamma; `quality` 0 leaves packing to an encoder."""

    exposure: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    night: bool = False
    blur: float = 0.0
    noise: float = 2.0
    vignette: float = 0.25
    dirt: float = 0.0
    bloom: float = 0.0
    quality: int = 0
    text: str = ""
    flicker: float = 0.0
    seed: int = 0

    def expose(self, picture: Floats, seconds: float) -> NDArray[np.uint8]:
        """The picture that leaves the camera, from light 0 to 255."""
        height, width = picture.shape[:2]
        gain = self.exposure * (1 + self.flicker * np.sin(seconds * 2.1))
        light = cv2.multiply(picture, _falloff(height, width, self.vignette, self.dirt, self.seed), scale=float(gain))
        if self.bloom:
            glare = cv2.GaussianBlur(np.maximum(light - 190, 0), (0, 0), width / 40)
            light = cv2.scaleAdd(glare, self.bloom, light)
        seen = cv2.convertScaleAbs(light)
        if self.night or self.saturation != 1.0:
            colour = 0.0 if self.night else self.saturation
            grey = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            seen = cv2.addWeighted(seen, colour, grey, 1 - colour, 0)
        if self.contrast != 1.0:
            seen = cv2.LUT(seen, np.asarray(255 * (np.arange(256) / 255) ** self.contrast, np.uint8))
        if self.blur:
            seen = cv2.GaussianBlur(seen, (0, 0), self.blur)
        if self.noise:
            spot = np.random.default_rng((self.seed, round(seconds * 1000)))
            x, y = spot.integers(0, NOISE_SIDE, 2)
            grain = np.rint(_grain()[y : y + height, x : x + width] * self.noise).astype(np.int16)
            seen = cv2.add(seen, cv2.merge((grain, grain, grain)), dtype=cv2.CV_8U)
        if self.text:
            _write(seen, self.text, START + datetime.timedelta(seconds=seconds))
        if self.quality:
            _, packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        return np.asarray(seen, np.uint8)


def draw_sensor(rng: np.random.Generator, *, encoded: bool = True) -> Sensor:
    """A camera of whatever kind; `encoded` spoils the picture as a thin stream would."""
    night = rng.random() < 0.1
    return Sensor(
        exposure=rng.uniform(0.5, 1.35) if rng.random() > 0.12 else rng.uniform(1.35, 2.0),
        contrast=rng.uniform(0.75, 1.35),
        saturation=rng.uniform(0.3, 1.3),
        night=night,
        blur=rng.uniform(0.35, 1.3) if rng.random() < 0.6 else 0.0,
        noise=rng.uniform(0.5, 9 if night else 5),
        vignette=rng.uniform(0, 0.6),
        dirt=rng.uniform(0.1, 0.4) if rng.random() < 0.25 else 0.0,
        bloom=rng.uniform(0.3, 1.2) if rng.random() < 0.3 else 0.0,
        quality=int(rng.integers(30, 90)) if encoded else 0,
        text=str(rng.choice(("", "Camera 01", "88-2", "LIFT 3"))),
        flicker=rng.uniform(0.0, 0.05) if rng.random() < 0.2 else 0.0,
        seed=int(rng.integers(1 << 20)),
    )


@cache
def _grain() -> Floats:
    raw = np.random.default_rng(7).normal(0, 1, (3 * NOISE_SIDE, 3 * NOISE_SIDE)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(raw, (0, 0), 0.6) * 1.9, np.float32)


@cache
def _falloff_whole(height: int, width: int, tenths: int, dirt: int, seed: int) -> Floats:
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    loss = 1 - tenths / 20 * (rows**2 * 0.5 + columns**2) ** 1.2 / 1.5
    if dirt:
        rng = np.random.default_rng(seed)
        for _ in range(8):
            x, y, size = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0.05, 0.25)
            loss -= dirt / 20 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / size**2)
    return np.repeat(np.clip(loss, 0.1, 1)[..., None], 3, axis=2).astype(np.float32)


def _falloff(height: int, width: int, vignette: float, dirt: float, seed: int) -> Floats:
    return _falloff_whole(height, width, round(vignette * 20), round(dirt * 20), seed % 8 if dirt else 0)


def _write(picture: NDArray[Any], name: str, now: datetime.datetime) -> None:
    height, width = picture.shape[:2]
    size, font = width / 640, cv2.FONT_HERSHEY_SIMPLEX
    clock = (f"{now:%Y-%m-%d %H:%M:%S}", (round(14 * size), round(26 * size)))
    places = (clock, (name, (round(500 * size), height - round(18 * size))))
    for text, place in places:
        cv2.putText(picture, text, place, font, 0.55 * size, (20, 20, 20), max(1, round(3 * size)))
        cv2.putText(picture, text, place, font, 0.55 * size, (240, 240, 240), 1)
