"""Switching an ability of the site off or on, as the page sees it."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from courtyard.agent.web.commissioning.model import Saved
from courtyard.agent.web.commissioning.step_model import DiffLine
from courtyard.agent.web.model import Mistake, Words


class AbilityChange(msgspec.Struct, frozen=True):
    """The site file with an ability switched over, before it is saved.

    `entries` names some of the `count` things in its tables; `mistakes` say what forbids the change.
    """

    ability: str
    title: Words
    turns: Literal["on", "off"]
    mark: str
    entries: tuple[str, ...]
    count: int
    guards_lives: bool
    diff: tuple[DiffLine, ...]
    mistakes: tuple[Mistake, ...] = ()


class Abilities(Protocol):
    """Both raise Refused for an unknown ability, and for a site file that cannot be read or changed."""

    async def look(self, ability: str) -> AbilityChange: ...
    async def switch(self, ability: str, mark: str, reason: str) -> AbilityChange | Saved: ...
