"""A day of traffic: visits that are drawn from a seed, with the time of everything that matters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from hw_sim.lift.car import Car, draw_car
from hw_sim.lift.parties import PUSHED, Party, entering, leaving
from hw_sim.lift.scene import Frame, Scene
from hw_sim.lift.sensor import Sensor
from hw_sim.lift.stills import Geometry
from hw_sim.lift.testset import TEST_CARS

DOOR_S: Final = 2.0
"""From shut to open."""
OTHERS: Final = ("person", "bicycle", "pram", "wheelchair", "suitcase", "trolley", "dog", "parcel", "cart", "robot")
OFTEN: Final = (0.55, 0.09, 0.08, 0.06, 0.06, 0.04, 0.04, 0.03, 0.03, 0.02)


class Event(NamedTuple):
    """What happens when.  `kind`: door-opening, door-open, door-closing, door-closed; over-sill (the first end of a
    thing comes over the sill), inside (it stands in the car), clear (all of it is out again)."""

    seconds: float
    kind: str
    label: str = ""
    thing: int = 0


@dataclasses.dataclass
class Script:
    """What happens in one car; `door` are (seconds, 0 to 1), with straight lines between."""

    car: Car
    sensor: Sensor
    parties: list[Party] = dataclasses.field(default_factory=list)
    door: list[tuple[float, float]] = dataclasses.field(default_factory=lambda: [(0.0, 0.0)])
    lobby: list[tuple[float, float]] = dataclasses.field(default_factory=lambda: [(0.0, 1.0)])
    events: list[Event] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def traffic(
    seed: int,
    *,
    visits: int = 10,
    ebikes: float = 0.3,
    geometry: Geometry = "train",
    gap_s: tuple[float, float] = (2, 20),
) -> Script:
    """So many visits, a share `ebikes` of them with an e-bike."""
    rng = np.random.default_rng(seed)
    car = TEST_CARS[rng.integers(len(TEST_CARS))] if geometry == "test" else draw_car(rng)
    sensor = Sensor(
        exposure=rng.uniform(0.7, 1.15), contrast=rng.uniform(0.85, 1.2), saturation=rng.uniform(0.5, 1.1),
        night=rng.random() < 0.1, noise=rng.uniform(1, 4), vignette=rng.uniform(0, 0.5), text="LIFT 1",
        seed=seed % 1000, flicker=0.04 if rng.random() < 0.15 else 0.0,
    )  # fmt: skip
    made, now, number = Script(car, sensor), 1.0, 1
    for _ in range(visits):
        if rng.random() < ebikes:
            labels = ["ebike", *(["person"] if rng.random() < 0.25 else [])]
        else:
            labels = [str(rng.choice(OTHERS, p=OFTEN)) for _ in range(1 + (rng.random() < 0.35))]
        now = _visit(made, rng, labels, now + rng.uniform(*gap_s), number, geometry)
        number += 2 * len(labels)
    made.seconds = now + 2.0
    made.events.sort()
    return made


def _visit(
    script: Script, rng: np.random.Generator, labels: Sequence[str], start: float, number: int, geometry: Geometry
) -> float:
    car, now = script.car, _open(script, start, float(rng.choice((1.0, 1.0, 0.8, 0.25))))
    came, spots = [], np.linspace(0, 1, len(labels) + 2)[1:-1] * car.width
    for place, label in enumerate(labels):
        party = Party(label, number + 2 * place, int(rng.integers(1 << 31)), geometry)
        begun = now + rng.uniform(0, 1.0)
        rear_first = label in PUSHED and rng.random() < 0.3
        now, over = entering(party, car, begun, float(spots[place]), rear_first=rear_first)
        script.events += [Event(over, "over-sill", label, party.number), Event(now, "inside", label, party.number)]
        came.append(party)
    shut = _shut(script, now + rng.uniform(1.5, 4.0))
    now = _open(script, shut + rng.uniform(4.0, 15.0), 1.0)
    for party in reversed(came):
        clear = leaving(party, car, now + rng.uniform(0.2, 0.8))
        script.events.append(Event(clear, "clear", party.label, party.number))
        now = max(clear, now)
    shut = _shut(script, now + rng.uniform(1.5, 4.0))
    script.parties += came
    for party in came:
        party.until = shut
    return shut


def _open(script: Script, start: float, lobby: float) -> float:
    script.door += [(start, 0.0), (start + DOOR_S, 1.0)]
    script.lobby += [(start - 0.1, script.lobby[-1][1]), (start, lobby)]
    script.events += [Event(start, "door-opening"), Event(start + DOOR_S, "door-open")]
    return start + DOOR_S


def _shut(script: Script, start: float) -> float:
    script.door += [(start, 1.0), (start + DOOR_S, 0.0)]
    script.events += [Event(start, "door-closing"), Event(start + DOOR_S, "door-closed")]
    return start + DOOR_S


def render(
    script: Script,
    *,
    width: int = 640,
    height: int = 360,
    fps: float = 25,
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[Frame]:
    """The frames of a script, or of a part of it."""
    count = int(((script.seconds if end is None else end) - start) * fps)
    return render_at(script, (start + number / fps for number in range(count)), width=width, height=height)


def render_at(script: Script, times: Iterable[float], *, width: int = 640, height: int = 360) -> Iterator[Frame]:
    """The frames of a script at these times, in seconds."""
    scene = Scene(script.car, width, height)
    door_times, opened = zip(*script.door, strict=True)
    lobby_times, lobby = zip(*script.lobby, strict=True)
    for now in times:
        things = [each for party in script.parties for each in party.placed(now)]
        door = float(np.interp(now, door_times, opened))
        yield scene.frame(
            things, script.sensor, door=door, lobby=float(np.interp(now, lobby_times, lobby)), seconds=now
        )
