"""One kind of entry of the site file as a step: its list, its form, a look at the change, and the change itself."""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from courtyard.agent.page.commissioning.editor import Editor, changed, data_of
from courtyard.agent.page.commissioning.fields import NAMED_BY
from courtyard.agent.page.commissioning.proposal import Place, Proposal, place_of, propose
from courtyard.agent.web.commissioning.model import Field, Form, Kind, Saved
from courtyard.agent.web.commissioning.step_model import DiffLine, Listed, Preview, Template
from courtyard.agent.web.model import Words
from courtyard.config.edit import with_entries, without_entry
from courtyard.config.mistakes import Mistake, path_text
from courtyard.config.quantities import duration_s
from courtyard.config.shape import Items, Scalar, Setting
from courtyard.config.site_file import SiteText

AROUND: Final = 2
"""Lines of the file that are shown around a change."""
MOST_LINES: Final = 200
_BETWEEN: Final = re.compile(r"[\s,，;；、]+")
_INDEX: Final = re.compile(r"\[(\d+)\]")


class Wrong(NamedTuple):
    """What is wrong with a field, and its cure."""

    what: Words
    cure: Words


class Given(NamedTuple):
    """What a form says: the entry, devices that come with it, and what is wrong before the file is even checked."""

    values: Mapping[str, Any]
    devices: Sequence[Mapping[str, Any]] = ()
    errors: Mapping[str, Wrong] = {}


class EntryStep(ABC):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk`, but for what each kind adds."""

    kind: Kind

    def __init__(self, editor: Editor) -> None:
        self._editor = editor

    @abstractmethod
    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """The form with what was `given`, else with what the site file has."""

    @abstractmethod
    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """What was typed as the site file will have it; None takes a setting away."""

    @abstractmethod
    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """One entry in words."""

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """The field of a path below the entry, such as `steps.1.numbers.0`."""
        return path

    def templates(self) -> Sequence[Template]:
        """Beginnings for a new entry."""
        return ()

    async def keep(self, given: Mapping[str, str], proposal: Proposal) -> None:
        """Writes the files that the entry names, before it is saved; most name none."""
        return

    def kept(self, given: Mapping[str, str]) -> Collection[str]:
        """Settings whose files `keep` will write: that they are missing now is no news."""
        return ()

    async def look(self, proposal: Proposal, place: Place) -> Preview:
        """What a look at the change shows besides the change."""
        return Preview(())

    async def listed(self) -> Sequence[Listed]:
        """The entries of the file."""
        data = data_of((await self._editor.read()).text)
        found = data.get(self.kind, ())
        entries = [found] if isinstance(found, dict) else found
        return tuple(self.entry(raw, data) for raw in entries if isinstance(raw, dict))

    async def form(self, entry: str | None, given: Mapping[str, str]) -> Form:
        """The form of an entry as it stands, or of a new one.  Raises Refused."""
        text = await self._editor.read()
        data = data_of(text.text)
        place = place_of(data, self.kind, entry)
        return Form(self.kind, entry, text.mark, tuple(self.fields(place, given, data)))

    async def preview(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, Preview | None]:
        """The change before it is made.  Raises Refused."""
        before = await self._editor.read()
        form, proposal = await self._proposed(entry, given, before)
        if proposal is None:
            return form, None
        place = place_of(data_of(proposal.text), self.kind, proposal.name if self.kind in NAMED_BY else None)
        seen = await self.look(proposal, place)
        sentence = self.entry(place.raw, data_of(proposal.text)).sentence
        prefix, kept = self._prefix(place), self.kept(given)
        own = [each for each in proposal.verdict.warnings if each.path.startswith(prefix)]
        warnings = self._editor.told(each for each in own if each.path.removeprefix(f"{prefix}.") not in kept)
        diff = diff_of(before.text, proposal.text)
        return form, msgspec.structs.replace(seen, diff=diff, warnings=warnings, sentence=sentence)

    async def save(self, entry: str | None, given: Mapping[str, str]) -> Form | Saved:
        """Writes the entry.  Raises Refused."""
        async with self._editor.at(given.get("mark", "")) as before:
            form, proposal = await self._proposed(entry, given, before)
            if proposal is None:
                return form
            await self.keep(given, proposal)
            return Saved(proposal.name or self.kind, *await self._editor.write(proposal.text, before))

    async def remove(self, entry: str, mark: str) -> Form | Saved:
        """Takes an entry away; a Form says what still needs it.  Raises Refused."""
        async with self._editor.at(mark) as before:
            data = data_of(before.text)
            place = place_of(data, self.kind, entry)
            text = changed(lambda: without_entry(before.text, self.kind, place.number or 0))
            verdict = await self._editor.check(text)
            if verdict.snapshot is None:
                form = Form(self.kind, entry, mark, tuple(self.fields(place, {}, data)))
                return msgspec.structs.replace(form, mistakes=self._editor.told(verdict.mistakes))
            return Saved(entry, *await self._editor.write(text, before))

    async def _proposed(
        self, entry: str | None, given: Mapping[str, str], before: SiteText
    ) -> tuple[Form, Proposal | None]:
        data = data_of(before.text)
        place = place_of(data, self.kind, entry)
        form = Form(self.kind, entry, before.mark, tuple(self.fields(place, given, data)))
        wanted = self.given(place, given, data)
        if wanted.errors:
            return with_errors(form, wanted.errors), None
        text, devices = before.text, wanted.devices
        if devices:
            text = changed(lambda: with_entries(before.text, "devices", devices))
        values = {key: value for key, value in wanted.values.items() if value != place.raw.get(key)}
        proposal = await propose(self._editor, self.kind, text, place, values)
        if proposal.verdict.snapshot is None:
            values = {**place.raw, **wanted.values}
            return self._placed(form, place, values, proposal.verdict.mistakes, data), None
        return form, proposal

    def _prefix(self, place: Place) -> str:
        return path_text((self.kind,) if place.number is None else (self.kind, place.number))

    def _placed(
        self,
        form: Form,
        place: Place,
        values: Mapping[str, Any],
        mistakes: Iterable[Mistake],
        data: Mapping[str, Any],
    ) -> Form:
        """The form with each mistake at its field, the others above it."""
        own, device = self._prefix(place), path_text(("devices", len(data.get("devices", ()))))
        names = {field.name for field in form.fields}
        errors: dict[str, Wrong] = {}
        general = []
        for mistake in mistakes:
            name = ""
            if mistake.path.startswith(own):
                name = self.field_of(_INDEX.sub(r".\1", mistake.path.removeprefix(own)).lstrip("."), values)
            elif mistake.path.startswith(device):
                name = f"device{mistake.path.removeprefix(device)}"
            while name and name not in names:
                name = name.rpartition(".")[0]
            if name:
                errors.setdefault(name, Wrong(Words.of(mistake.text), Words.of(mistake.cure)))
            else:
                general.append(mistake)
        return msgspec.structs.replace(with_errors(form, errors), mistakes=self._editor.told(general))


def with_errors(form: Form, errors: Mapping[str, Wrong]) -> Form:
    """The form with what is wrong at its fields."""
    fields = tuple(
        msgspec.structs.replace(field, error=errors[field.name].what, cure=errors[field.name].cure)
        if field.name in errors
        else field
        for field in form.fields
    )
    return msgspec.structs.replace(form, fields=fields)


def parts(text: str) -> list[str]:
    """The names in a field of several."""
    return [part for part in _BETWEEN.split(text.strip()) if part]


def setting_value(setting: Setting, text: str, *, written: bool = False) -> Any:
    """What the site file gets for the text of a field; None for nothing, and for a default that is not `written` yet.

    A text that is none of what is allowed stays a text: the check of the file says what is wrong with it.
    """
    text, shape = text.strip(), setting.shape
    if not text:
        return None
    value: Any = text
    if isinstance(shape, Items):
        value = parts(text)
        return None if not written and value == list(setting.default or ()) else value
    kind = shape.kind if isinstance(shape, Scalar) else "either"
    if kind == "duration":
        value = f"{int(text)}s" if text.isdecimal() and len(text) < 10 else text
        return None if not written and duration_s(value) == setting.default else value
    if kind in ("integer", "number", "either"):
        value = number_or_text(text)
    return None if not written and value == setting.default else value


def number_or_text(text: str) -> int | float | str:
    """A number as people type it, else the text itself."""
    try:
        return int(text) if len(text) < 16 and text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return text


def diff_of(before: str, after: str) -> tuple[DiffLine, ...]:
    """What changes in the file, with a few lines around it."""
    lines: list[DiffLine] = []
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=AROUND, lineterm="")
    for number, line in enumerate(found):
        if number < 2:
            continue  # names of the two files
        if line.startswith("@@"):
            lines += [DiffLine("apart", "⋯")] if lines else []
        else:
            mark: Any = {"+": "more", "-": "less"}.get(line[0], "same")
            lines.append(DiffLine(mark, line[1:]))
    return tuple(lines[:MOST_LINES])
