"""A step whose entry may bring changes of other tables along: the line of a panel, a coil of a relay board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from courtyard.agent.page.commissioning.editor import changed, data_of
from courtyard.agent.page.commissioning.entry_step import EntryStep, with_errors
from courtyard.agent.page.commissioning.fields import default_text, field_for, table_for, value_shown
from courtyard.agent.page.commissioning.proposal import Place, Proposal, place_of, propose
from courtyard.agent.web.commissioning.model import Choice, Field, Form
from courtyard.agent.web.model import Words
from courtyard.config.mistakes import Mistake
from courtyard.config.site_file import SiteText

NOT_YET = Words("–", "–")


class EquipmentStep(EntryStep):
    """As `EntryStep`; `wanted` says what must be chosen before the other fields can be asked for."""

    def wanted(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """The fields of a first form; none where it is not needed."""
        return []

    def prepared(self, text: str, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> str:
        """The site file with what the entry needs of other tables.  Raises what `config.edit` raises."""
        return text

    def brought(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Mapping[str, str]:
        """Paths of what `prepared` writes, such as `lines[3]`, with the field at which its mistakes stand when they
        have none of their own."""
        return {}

    async def form(self, entry: str | None, given: Mapping[str, str]) -> Form:
        """The form of an entry as it stands, or of a new one.  Raises Refused."""
        text = await self._editor.read()
        data = data_of(text.text)
        return self._form(entry, text.mark, place_of(data, self.kind, entry), given, data)

    async def proposed(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, Proposal | None]:
        """The form, and the site file with it when nothing is wrong.  Raises Refused."""
        return await self._proposed(entry, given, await self._editor.read())

    async def _proposed(
        self, entry: str | None, given: Mapping[str, str], before: SiteText
    ) -> tuple[Form, Proposal | None]:
        data = data_of(before.text)
        place = place_of(data, self.kind, entry)
        form = self._form(entry, before.mark, place, given, data)
        if not form.complete:
            return form, None
        wanted = self.given(place, given, data)
        if wanted.errors:
            return with_errors(form, wanted.errors), None
        text = changed(lambda: self.prepared(before.text, place, given, data))
        values = {key: value for key, value in wanted.values.items() if value != place.raw.get(key)}
        proposal = await propose(self._editor, self.kind, text, place, values)
        if proposal.verdict.snapshot is None:
            brought = self.brought(place, given, data)
            names = {field.name for field in form.fields}
            found = [self._moved(each, brought, place, names) for each in proposal.verdict.mistakes]
            return self._placed(form, place, {**place.raw, **wanted.values}, found, data), None
        return form, proposal

    def _form(
        self, entry: str | None, mark: str, place: Place, given: Mapping[str, str], data: Mapping[str, Any]
    ) -> Form:
        first = self.wanted(place, given, data)
        if first:
            return Form(self.kind, entry, mark, tuple(first), complete=False)
        return Form(self.kind, entry, mark, tuple(self.fields(place, given, data)))

    def _moved(self, mistake: Mistake, brought: Mapping[str, str], place: Place, names: Iterable[str]) -> Mistake:
        """A mistake of what was brought along, as one of the entry itself."""
        for path, field in brought.items():
            if mistake.path == path or mistake.path.startswith((f"{path}.", f"{path}[")):
                own = mistake.path.removeprefix(path).strip(".").partition("[")[0]
                is_own = own in names and own not in ("name", "id")  # those of the entry itself
                moved = f"{self._prefix(place)}.{own if is_own else field}"
                return msgspec.structs.replace(mistake, path=moved)
        return mistake

    def _setting(
        self, key: str, label: Words, place: Place, given: Mapping[str, str], *, name: str = "", **more: Any
    ) -> Field:
        """One setting of the entry as a field, with what was `given`, else with what the site file has."""
        setting = table_for(self.kind).settings[key]
        text = given.get(name or key)
        if text is None:
            text = value_shown(place.raw[key]) if key in place.raw else default_text(setting)
        return field_for(setting, text, label=label, **({"name": name} if name else {}), **more)


def chosen(name: str, label: Words, value: str, choices: Mapping[str, Words], **more: Any) -> Field:
    """A field of which one value is chosen."""
    offered = tuple(Choice(each, words) for each, words in choices.items())
    return Field(name, label, "select", value, choices=offered, **more)


def same(text: str) -> Words:
    """A name that is the same in every language."""
    return Words(text, text)
