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
    buildings: dict[str, list[Device]] = defaultdict(list)
    for device in devices:
        found = _PLACE.fullmatch(device.place)
        buildings[found[1] if found else ""].append(device)
    ordered = sorted(buildings, key=lambda name: (not name, _natural(name)))
    return [_building(name, buildings[name]) for name in ordered]


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
