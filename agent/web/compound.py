"""The compound as a drawing: buildings with their units, floors and rooms, from the places of the devices."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from courtyard.agent.web.model import Device, State

WORST: Final[dict[State, int]] = {"ok": 0, "waiting": 1, "stale": 2, "fault": 3, "alarm": 4}
CELL_WIDTH, CELL_HEIGHT, GAP, LABEL_WIDTH, UNIT_GAP, BASE_HEIGHT, ROOF_HEIGHT = 30, 22, 4, 26, 12, 18, 12
MOST_ABREAST: Final = 8
"""What stands in a building without floor and room is set out in rows of so many."""
_PLACE = re.compile(r"(?:.*/)?(b[^/]+)(?:/(u[^/]+))?(?:/(f[^/]+))?(?:/(r[^/]+))?((?:/x-[^/]+)*)")


class Cell(msgspec.Struct, frozen=True):
    """One place with its devices; coordinates are user units of the building's drawing."""

    x: int
    y: int
    place: str
    state: State
    devices: tuple[Device, ...]


class Label(msgspec.Struct, frozen=True):
    """The name of a floor or unit; `segment` is the place segment."""

    x: int
    y: int
    segment: str


class Building(msgspec.Struct, frozen=True):
    """One drawing of `width` by `height` user units; `segment` is empty for what stands in no building."""

    segment: str
    width: int
    height: int
    walls: tuple[tuple[int, int, int, int], ...]
    cells: tuple[Cell, ...]
    floors: tuple[Label, ...]
    units: tuple[Label, ...]
    state: State


def draw(devices: Iterable[Device]) -> list[Building]:
    """A drawing for each building, in their order, then one for what stands in none."""
    return Draughtsman().draw(tuple(devices))


class Draughtsman:
    """Draws a compound, and draws again only the buildings in which a state or a name has changed.

    Invariant: a building that looks as before is the same object as before.
    """

    def __init__(self) -> None:
        self._seen: Sequence[Device] = ()
        self._places: list[str] = []
        self._members: dict[str, list[int]] = {}
        self._drawn: dict[str, tuple[list[tuple[str, str | None, State]], Building]] = {}
        self._shown: list[Building] = []

    def draw(self, devices: Sequence[Device]) -> list[Building]:
        """A drawing for each building, in their order, then one for what stands in none."""
        if devices is self._seen:
            return self._shown
        places = [device.place for device in devices]
        if places != self._places:
            self._places, self._members = places, _buildings(places)
        shown = []
        for name, members in self._members.items():
            looks = [(devices[n].id, devices[n].name, devices[n].state) for n in members]
            known = self._drawn.get(name)
            if known is None or known[0] != looks:
                known = self._drawn[name] = looks, _building(name, [devices[n] for n in members])
            shown.append(known[1])
        self._drawn = {name: known for name, known in self._drawn.items() if name in self._members}
        self._seen, self._shown = devices, shown
        return shown


def _buildings(places: Iterable[str]) -> dict[str, list[int]]:
    """Which places are in which building, by number, in the order of the drawing."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, place in enumerate(places):
        found = _PLACE.fullmatch(place)
        members[found[1] if found else ""].append(number)
    return {name: members[name] for name in sorted(members, key=lambda name: (not name, _natural(name)))}


def _building(name: str, devices: Sequence[Device]) -> Building:
    rooms: dict[str, dict[str, dict[str, list[Device]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    others: dict[str, list[Device]] = defaultdict(list)
    for device in devices:
        found = _PLACE.fullmatch(device.place)
        if found and found[3]:
            rooms[found[2] or ""][found[3]][device.place].append(device)
        else:
            others[device.place if found else device.id].append(device)
    floors = sorted({floor for unit in rooms.values() for floor in unit}, key=_height, reverse=True)
    cells, walls, labels, x, top = [], [], [], LABEL_WIDTH, ROOF_HEIGHT
    for unit in sorted(rooms, key=_natural):
        across = max(len(places) for places in rooms[unit].values())
        width = across * (CELL_WIDTH + GAP) + GAP
        walls.append((x, top, width, len(floors) * (CELL_HEIGHT + GAP) + GAP))
        labels.append(Label(x + width // 2, top + len(floors) * (CELL_HEIGHT + GAP) + GAP + 13, unit))
        for row, floor in enumerate(floors):
            for column, place in enumerate(sorted(rooms[unit][floor])):
                at = x + GAP + column * (CELL_WIDTH + GAP), top + GAP + row * (CELL_HEIGHT + GAP)
                cells.append(_cell(*at, place, rooms[unit][floor][place]))
        x += width + UNIT_GAP
    marks = [Label(LABEL_WIDTH - 6, top + GAP + n * (CELL_HEIGHT + GAP) + 15, floor) for n, floor in enumerate(floors)]
    bottom = top + (len(floors) * (CELL_HEIGHT + GAP) + GAP + BASE_HEIGHT if floors else 0)
    right = max(x - UNIT_GAP, LABEL_WIDTH)
    for number, place in enumerate(sorted(others)):
        row, column = divmod(number, MOST_ABREAST)
        at = LABEL_WIDTH + GAP + column * (CELL_WIDTH + GAP), bottom + GAP + row * (CELL_HEIGHT + GAP)
        cells.append(_cell(*at, others[place][0].place, others[place]))
        right = max(right, at[0] + CELL_WIDTH + GAP)
    if others:
        depth = -(-len(others) // MOST_ABREAST) * (CELL_HEIGHT + GAP) + GAP
        walls.append((LABEL_WIDTH, bottom, right - LABEL_WIDTH, depth))
        bottom += depth
    worst = max((cell.state for cell in cells), key=WORST.__getitem__)
    return Building(name, right + GAP, bottom + GAP, tuple(walls), tuple(cells), tuple(marks), tuple(labels), worst)


def _cell(x: int, y: int, place: str, devices: Sequence[Device]) -> Cell:
    return Cell(x, y, place, max((device.state for device in devices), key=WORST.__getitem__), tuple(devices))


def _natural(text: str) -> tuple[int, str]:
    digits = re.search(r"\d+", text)
    return (int(digits[0]) if digits else 0, text)


def _height(floor: str) -> int:
    number = int(re.sub(r"\D", "", floor) or 0)
    return -number if floor.startswith("fb") else number
