"""From the fields of a form to a text of the site file, with what the check says of it put to the fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from courtyard.agent.page.commissioning.editor import Editor, changed, data_of
from courtyard.agent.page.commissioning.fields import (
    NAMED_BY,
    default_text,
    shown_settings,
    station_settings,
    value_given,
)
from courtyard.agent.web.commissioning.model import Form, Kind
from courtyard.agent.web.model import Refused, Words
from courtyard.config.edit import with_entries, with_values
from courtyard.config.mistakes import Mistake, path_text
from courtyard.config.read import Verdict

GONE: Final = Words("This entry is no longer in the site file.", "站点文件中已没有此项。")
_FIELD_OF: Final = {"password_file": "password", "ca_file": "authority", "key_file": "key"}
"""The field of what the form asks for in another way than the site file has it."""
HEAD: Final = (
    "# 本网关的站点文件。修改后用 `courtyard check` 检查；保存后几秒内自动生效。\n"
    "# The site file of this gateway.  `courtyard check` tells every mistake; a saved change takes effect in seconds.\n"
)


class Proposal(NamedTuple):
    """A site file with one entry changed or added: its text, the entry's name, and what the check says."""

    text: str
    name: str
    values: Mapping[str, Any]
    verdict: Verdict


class Place(NamedTuple):
    """Where an entry stands in the data; `number` None for a table, `raw` empty for a new entry."""

    number: int | None
    raw: Mapping[str, Any]
    is_new: bool


def place_of(data: Mapping[str, Any], kind: Kind, entry: str | None) -> Place:
    """Raises Refused for an entry that is not there."""
    if kind not in NAMED_BY:
        return Place(None, data.get(kind, {}), kind not in data)
    entries: Sequence[Mapping[str, Any]] = data.get(kind, ())
    if entry is None:
        return Place(len(entries), {}, True)
    for index, each in enumerate(entries):
        if each.get(NAMED_BY[kind]) == entry:
            return Place(index, each, False)
    raise Refused(GONE)


def values_of(kind: Kind, line_kind: str, raw: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """What the fields of the form say; a setting that stays at its default is not written down."""
    values: dict[str, Any] = {}
    for setting in shown_settings(kind, line_kind):
        text = given.get(setting.key, "")
        unwritten = setting.key not in raw and text.strip() == default_text(setting)
        value = value_given(setting, text)
        if not unwritten and not (value is None and setting.key not in raw):
            values[setting.key] = value
    return values


def station_of(raw: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The registration at a fire-control centre: what the file has, with what the form says."""
    station = dict(raw)
    for setting in station_settings():
        text = given.get(f"station.{setting.key}", "")
        if setting.key in raw or text.strip() != default_text(setting):
            station[setting.key] = value_given(setting, text)
    return {key: value for key, value in station.items() if value is not None}


async def propose(
    editor: Editor, kind: Kind, text: str, place: Place, values: Mapping[str, Any], also: Mapping[str, Any] = {}
) -> Proposal:
    """The site file with these values; tables in `also` are added where they are missing.  Raises Refused."""

    def change() -> str:
        new = text or HEAD
        if place.number is None:
            new = with_values(new, kind, values)
        elif place.is_new:
            new = with_entries(new, kind, [{key: value for key, value in values.items() if value is not None}])
        else:
            new = with_values(new, kind, values, place.number)
        known = data_of(text)
        for table, settings in also.items():
            new = new if table in known else with_values(new, table, settings)
        return new

    proposed = changed(change)
    verdict = await editor.check(proposed)
    named = NAMED_BY.get(kind, "id")
    return Proposal(proposed, str(values.get(named) or place.raw.get(named) or ""), values, verdict)


def with_mistakes(form: Form, editor: Editor, place: Place, mistakes: Iterable[Mistake]) -> Form:
    """The form with each mistake at its field, the others above it."""
    prefix = path_text((form.kind,) if place.number is None else (form.kind, place.number))
    by_field: dict[str, Mistake] = {}
    general = []
    names = {field.name for field in form.fields}
    for mistake in mistakes:
        name = mistake.path.removeprefix(f"{prefix}.") if mistake.path.startswith(f"{prefix}.") else ""
        name = name if name in names else _FIELD_OF.get(name, name)
        name = name if name in names else f"{name.partition('.')[0]}"
        if name in names:
            by_field.setdefault(name, mistake)
        else:
            general.append(mistake)
    fields = tuple(
        msgspec.structs.replace(field, error=Words.of(wrong.text), cure=Words.of(wrong.cure))
        if (wrong := by_field.get(field.name))
        else field
        for field in form.fields
    )
    return msgspec.structs.replace(form, fields=fields, mistakes=editor.told(general))
