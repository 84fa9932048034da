"""A lift car that people play with: things are wheeled in and out when somebody says so, and its door can be held."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

import cv2
import numpy as np

from hw_sim.camera.film import Picture
from hw_sim.control import Command
from hw_sim.lift.car import draw_car
from hw_sim.lift.parties import Party, entering, leaving
from hw_sim.lift.rolling import MAKERS
from hw_sim.lift.scene import Frame, Scene
from hw_sim.lift.script import DOOR_S, Event
from hw_sim.lift.sensor import Sensor
from hw_sim.lift.stills import Geometry
from hw_sim.lift.testset import TEST_CARS

LINGER_S: Final = 3.0
"""How long the door stays open once nobody moves."""
LABELS: Final = ("ebike", "person", *MAKERS)
MOST: Final = 8


class LiveLift:
    """`picture` is a camera's source: call it with times that never go back.  From any thread."""

    def __init__(
        self,
        seed: int = 1,
        *,
        geometry: Geometry = "test",
        width: int = 640,
        height: int = 360,
        rate_hz: float = 25.0,
    ) -> None:
        """Draws at most `rate_hz` pictures a second; between them the last one is shown again."""
        self._rng = np.random.default_rng(seed)
        car = TEST_CARS[seed % len(TEST_CARS)] if geometry == "test" else draw_car(self._rng)
        self.car, self._geometry, self._scene = car, geometry, Scene(car, width, height)
        self.sensor = Sensor(noise=2.5, vignette=0.3, text="LIFT 1", seed=seed)
        self.events: list[Event] = []
        """What was ordered, at the times at which it happens."""
        self.held = False
        self._every_s = 1 / rate_hz - 0.001
        self._parties: list[Party] = []
        self._now, self._door, self._open_until, self._number, self._lobby = 0.0, 0.0, 0.0, 1, 1.0
        self._lock = threading.Lock()
        self._last: Frame | None = None
        self.table: Mapping[str, Command] = {
            "wheel": Command(self._wheel, f"in [CLASS] [rear] | out [CLASS]: {', '.join(LABELS)}"),
            "hold": Command(self._hold, "on|off: the input that keeps the door open"),
            "light": Command(self._light, "CAR LOBBY: brightness, 1 is normal"),
            "truth": Command(lambda words: self.truth(), "door, and what is in the last picture"),
            "happened": Command(
                lambda words: [each._asdict() for each in self.events[-100:]], "events with their times"
            ),
        }

    def picture(self, seconds: float) -> Picture:
        """Height x width x RGB."""
        return np.asarray(cv2.cvtColor(self.frame(seconds).bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def frame(self, seconds: float) -> Frame:
        """The picture at so many seconds, with the truth."""
        with self._lock:
            if self._last is None or seconds >= self._last.seconds + self._every_s:
                self._advance(seconds)
                things = [each for party in self._parties for each in party.placed(seconds)]
                self._last = self._scene.frame(things, self.sensor, door=self._door, lobby=self._lobby, seconds=seconds)
            return self._last

    def come(self, label: str = "ebike", *, rear_first: bool = False) -> int:
        """Opens the door and brings one in; returns its number.  Raises ValueError."""
        if label not in LABELS:
            raise ValueError(f"known: {', '.join(LABELS)}")
        with self._lock:
            if len(self._parties) >= MOST:
                raise ValueError("the car is full")
            party = Party(label, self._number, int(self._rng.integers(1 << 31)), self._geometry)
            self._number += 2
            begun, spot = self._opened(), self.car.width * self._rng.uniform(0.4, 0.6)
            there, over = entering(party, self.car, begun, spot, rear_first=rear_first)
            self._parties.append(party)
            self._open_until = max(self._open_until, there + LINGER_S)
            self.events += [Event(over, "over-sill", label, party.number), Event(there, "inside", label, party.number)]
            return party.number

    def leave(self, label: str | None = None) -> int:
        """Opens the door and sends out the last one that came, of a class; returns its number.  Raises ValueError."""
        with self._lock:
            inside = [each for each in self._parties if each.until == np.inf and label in (None, each.label)]
            if not inside:
                raise ValueError("there is none in the car")
            party = inside[-1]
            begun = max(self._opened(), party.stops[-1].seconds)
            clear = leaving(party, self.car, begun)
            party.until = party.stops[-1].seconds
            self._open_until = max(self._open_until, party.until + LINGER_S)
            self.events.append(Event(clear, "clear", party.label, party.number))
            return party.number

    def truth(self) -> dict[str, Any]:
        """Of the last picture."""
        last = self._last
        return {
            "door": self._door,
            "held": self.held,
            "things": [] if last is None else [each._asdict() for each in last.truth],
        }

    def _opened(self) -> float:
        """Calls the door; when it will be open."""
        self._open_until = max(self._open_until, self._now + DOOR_S + LINGER_S)
        return self._now + (1 - self._door) * DOOR_S

    def _advance(self, seconds: float) -> None:
        passed = min(max(seconds - self._now, 0.0), 1.0)
        wanted = 1.0 if (self.held and self._door > 0) or seconds < self._open_until else 0.0
        was, step = self._door, passed / DOOR_S
        self._door = min(1.0, was + step) if wanted else max(0.0, was - step)
        for kind, happened in (
            ("door-opening", was == 0 < self._door), ("door-open", was < 1 == self._door),
            ("door-closing", was == 1 > self._door), ("door-closed", was > 0 == self._door),
        ):  # fmt: skip
            if happened:
                self.events.append(Event(seconds, kind))
        del self.events[:-1000]
        self._now = seconds
        self._parties = [each for each in self._parties if each.until > seconds]

    def _wheel(self, words: list[str]) -> int:
        if words[0] == "in":
            return self.come(words[1] if words[1:] else "ebike", rear_first=words[2:] == ["rear"])
        if words[0] == "out":
            return self.leave(words[1] if words[1:] else None)
        raise ValueError("in or out")

    def _hold(self, words: list[str]) -> bool:
        if words[0] not in ("on", "off"):
            raise ValueError("on or off")
        self.held = words[0] == "on"
        return self.held

    def _light(self, words: list[str]) -> None:
        car, lobby = (min(max(float(word), 0.02), 3.0) for word in words[:2])
        self.sensor, self._lobby = self.sensor._replace(exposure=car), lobby
