"""Switches abilities of the site off and on again: one setting of the site file, looked at before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from courtyard.agent.page.commissioning.editor import Editor, changed, data_of
from courtyard.agent.page.commissioning.entry_step import diff_of
from courtyard.agent.web.commissioning.ability_model import AbilityChange
from courtyard.agent.web.commissioning.model import Saved
from courtyard.agent.web.model import Refused, Words
from courtyard.agent.web.modules import MODULES
from courtyard.config.edit import with_values
from courtyard.config.modules import ABILITIES, GUARDS_LIVES, TABLES, Ability
from courtyard.config.site_file import SiteText

UNKNOWN: Final = Words("There is no such ability.", "没有此功能。")
WHY: Final = Words("Say why: this guards lives.", "此功能关系生命安全，请填写停用原因。")
MOST_NAMED: Final = 50
NAMED_BY: Final = ("id", "name", "url", "port")


class AbilitySwitch:
    """Implements `courtyard.agent.web.commissioning.ability_model.Abilities`."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor

    async def look(self, ability: str) -> AbilityChange:
        """What switching it, on or off, would change.  Raises Refused."""
        before = await self._editor.read()
        return (await self._change(_known(ability), before))[0]

    async def switch(self, ability: str, mark: str, reason: str) -> AbilityChange | Saved:
        """Switches it; an AbilityChange says what forbids that.  Raises Refused."""
        known = _known(ability)
        async with self._editor.at(mark) as before:
            change, text = await self._change(known, before)
            if change.mistakes:
                return change
            if change.turns == "off" and change.guards_lives and not reason.strip():
                raise Refused(WHY)
            return Saved(ability, *await self._editor.write(text, before))

    async def _change(self, ability: Ability, before: SiteText) -> tuple[AbilityChange, str]:
        data = data_of(before.text)
        off = [each for each in data.get("gateway", {}).get("off", ()) if each in ABILITIES]
        is_off = ability in off
        rest = [each for each in ABILITIES if (each in off) != (each == ability)]
        text = changed(lambda: with_values(before.text, "gateway", {"off": rest or None}))
        verdict = await self._editor.check(text)
        mistakes = self._editor.told(verdict.mistakes) if verdict.snapshot is None else ()
        change = AbilityChange(
            ability,
            next(module.title for module in MODULES if module.ability == ability),
            "on" if is_off else "off",
            before.mark,
            tuple(_entries(data, ability)[:MOST_NAMED]),
            len(_entries(data, ability)),
            ability in GUARDS_LIVES,
            diff_of(before.text, text),
            mistakes,
        )
        return change, text


def _known(ability: str) -> Ability:
    for each in ABILITIES:
        if each == ability:
            return each
    raise Refused(UNKNOWN)


def _entries(data: Mapping[str, Any], ability: Ability) -> list[str]:
    """What stands in the tables of an ability, by name."""
    names: list[str] = []
    for table in TABLES[ability]:
        found = data.get(table, ())
        for entry in found if isinstance(found, list) else [found]:
            names += [str(entry[key]) for key in NAMED_BY if isinstance(entry, dict) and key in entry][:1]
    return names
