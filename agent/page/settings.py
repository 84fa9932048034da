"""The site as it is in force, each setting with the line that gives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from courtyard.agent.web.model import Setting, SettingsTable, Words
from courtyard.config.generate.schema import plain
from courtyard.config.generate.toml_text import value_text
from courtyard.config.redact import Redactor
from courtyard.config.shape import Items, Table, Variants, table_of
from courtyard.config.shape import Setting as Described
from courtyard.config.site import Site
from courtyard.config.source import Source
from courtyard.config.text_file import read_text

MOST_ENTRIES: Final = 5000
"""Entries of one list that are kept for the page, which shows some at a time and finds the others by words."""


def tables(site: Site, file: Path) -> tuple[SettingsTable, ...]:
    """All tables, with line numbers of the file where it can be read.  Takes its time: call it in a thread."""
    _, findings = read_text(file)
    return tuple(_tables(site, findings.source))


def _tables(site: Site, source: Source) -> Iterator[SettingsTable]:
    for top in table_of(Site).settings.values():
        value = getattr(site, top.attribute)
        if value is None:
            continue
        if not isinstance(top.shape, Items):
            yield SettingsTable(f"[{top.key}]", tuple(_settings(top.shape, value, (top.key,), source)))
            continue
        for number, entry in enumerate(value[:MOST_ENTRIES]):
            path = (top.key, number)
            told = tuple(_settings(top.shape.item, entry, path, source, explain=number == 0))
            yield SettingsTable(f"[[{top.key}]]", told)
        if len(value) > MOST_ENTRIES:
            more = Setting("…", f"+{len(value) - MOST_ENTRIES}", None)
            yield SettingsTable(f"[[{top.key}]]", (more,))


def _settings(
    shape: Any, entry: Any, path: tuple[str | int, ...], source: Source, *, explain: bool = True
) -> Iterator[Setting]:
    redact = Redactor()
    table = _table(shape, entry)
    for described in table.settings.values():
        value = getattr(entry, described.attribute)
        where = source.position((*path, described.key), "key")
        written = where is not None and where != source.position(path, "key")
        if value is None or (not written and value in ((), {})):
            continue
        name = str(redact.value(described.key, value_text(plain(value, described.shape))))
        yield Setting(
            described.key, name, where[0] if written and where else None, _help(described) if explain else None
        )


def _table(shape: Any, entry: Any) -> Table:
    if isinstance(shape, Variants):
        return next(table for table in shape.tables.values() if isinstance(entry, table.cls))
    assert isinstance(shape, Table)
    return shape


def _help(described: Described) -> Words | None:
    return Words.of(described.help) if described.help else None
