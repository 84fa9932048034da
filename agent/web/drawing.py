"""The cells of a building as SVG: written here rather than in a template, because a compound has a thousand of them."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from courtyard.agent.web import words
from courtyard.agent.web.compound import CELL_HEIGHT, CELL_WIDTH, Building, Cell
from courtyard.agent.web.model import State
from courtyard.drivers.base import Language

SIGNS: Final[dict[State, str]] = {"waiting": "…", "stale": "?", "fault": "×", "alarm": "!"}
"""Beside the colour, for those who do not see it."""


def cells(building: Building, language: Language) -> Markup:
    """All cells, each a link to its device, or to the list of its devices."""
    return Markup("".join(_cell(cell, language) for cell in building.cells))


def _cell(cell: Cell, language: Language) -> str:
    one = cell.devices[0]
    alone = len(cell.devices) == 1
    label = escape(
        f"{one.name or one.id if alone else words.place(cell.place, language)}: {words.state(cell.state, language)}"
    )
    where = f"/devices/{quote(one.id)}" if alone else f"/devices?place={quote(cell.place)}"
    sign = SIGNS.get(cell.state)
    text = (
        f'<text x="{cell.x + 15}" y="{cell.y + 16}" text-anchor="middle" aria-hidden="true">{sign}</text>'
        if sign
        else ""
    )
    return (
        f'<a class="cell {cell.state}" href="{where}" aria-label="{label}"><title>{label}</title>'
        f'<rect x="{cell.x}" y="{cell.y}" width="{CELL_WIDTH}" height="{CELL_HEIGHT}" rx="3"/>{text}</a>'
    )
