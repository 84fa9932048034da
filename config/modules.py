"""What a site may switch off as a whole: abilities with tables of their own in the site file.

The tables of an ability that is off stay in the file, are checked, and count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from courtyard.config.convert import Draft

Ability = Literal["fire", "residents", "cameras", "lifts", "outputs", "rules", "escalation", "sms", "platforms"]
ABILITIES: Final[tuple[Ability, ...]] = get_args(Ability)
TABLES: Final[Mapping[Ability, tuple[str, ...]]] = {
    "fire": ("fire_panels", "fire_modbus_panels"),
    "residents": ("residents", "answer", "presence"),
    "cameras": ("cameras",),
    "lifts": ("lifts",),
    "outputs": ("outputs",),
    "rules": ("rules",),
    "escalation": ("escalations",),
    "sms": ("modem",),
    "platforms": ("uplinks",),
}
GUARDS_LIVES: Final[frozenset[Ability]] = frozenset({"fire", "residents", "lifts", "outputs", "escalation", "sms"})
"""Somebody must say why these are switched off."""


def leave_out(site: Draft) -> None:
    """Takes the tables of abilities that are off out of a site that was read."""
    gateway = site.get("gateway")
    for ability in (gateway.get("off") if isinstance(gateway, Draft) else None) or ():
        for table in TABLES.get(ability, ()):
            if isinstance(site.values.get(table), tuple):
                site.values[table] = ()  # there are none: what names one is a mistake
            else:
                site.values.pop(table, None)
