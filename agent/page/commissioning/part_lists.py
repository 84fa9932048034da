"""Tables of what the detectors of a fire panel are called, between their upload and the decision to save them."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from courtyard.agent.page.commissioning.editor import Editor, changed, data_of
from courtyard.agent.page.commissioning.lists import FORGOTTEN, NOTHING
from courtyard.agent.page.commissioning.proposal import place_of
from courtyard.agent.web.commissioning.model import CellMistake, Import, Kind, Saved
from courtyard.agent.web.model import Refused, Words
from courtyard.config.edit import with_values
from courtyard.config.mistakes import Findings, Mistake
from courtyard.config.panels import CHARSETS
from courtyard.config.part_names import PartNames, read_part_names
from courtyard.config.site_file import SiteText
from courtyard.config.source import Source
from courtyard.config.text_file import read_text
from courtyard.drivers.fire.naming import Naming, naming

FOLDER: Final = "names"
MOST: Final = 3


class _Read(NamedTuple):
    """A table as read: names by address, what is wrong, and the rows that may be saved."""

    parts: PartNames
    findings: Findings
    good: str


class _Waiting(NamedTuple):
    panel: str
    before: SiteText
    text: str
    rows: int


class PanelPartLists:
    """Implements `courtyard.agent.web.commissioning.equipment_model.PartLists`."""

    def __init__(self, editor: Editor, panels: Callable[[], Sequence[str]]) -> None:
        """`panels` gives the ids of the site's panels."""
        self._editor, self._panels = editor, panels
        self._waiting: dict[str, _Waiting] = {}

    def panels(self) -> Sequence[str]:
        """Panels that may have such a table."""
        return tuple(self._panels())

    async def judge(self, panel: str, data: bytes) -> Import:
        """Judges a file against the way in which this panel names its parts.  Raises Refused."""
        before = await self._editor.read()
        site = data_of(before.text)
        raw = place_of(site, _table_of(site, panel), panel).raw
        how = naming(str(raw.get("protocol") or raw.get("model")), str(raw.get("addresses", "loop-point")))
        read = await asyncio.to_thread(_read, data, how)
        token = secrets.token_urlsafe(16)
        count = len({*read.parts.names, *read.parts.places})
        if read.good:
            self._waiting[token] = _Waiting(panel, before, read.good, count)
        while len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        mistakes = [each for each in read.findings.mistakes if _is_wrong(each)]
        bad = {each.line for each in mistakes}
        return Import(
            token,
            before.mark,
            count + len(bad),
            tuple(_rows(read.parts)) if read.good else (),
            ("address", "place", "text"),
            tuple(
                CellMistake(each.line or 1, "", each.found or "", Words.of(each.text), Words.of(each.cure))
                for each in mistakes
            ),
            (),
            self._editor.told(each for each in read.findings.mistakes if not _is_wrong(each)),
        )

    async def save(self, token: str) -> tuple[Saved, int]:
        """Writes the good rows beside the site file, and their file into the panel.  Raises Refused."""
        waiting = self._waiting.get(token)
        if waiting is None:
            raise Refused(FORGOTTEN)
        if not waiting.rows:
            raise Refused(NOTHING)
        async with self._editor.at(waiting.before.mark) as before:
            site = data_of(before.text)
            table = _table_of(site, waiting.panel)
            place, name = place_of(site, table, waiting.panel), f"{waiting.panel}.csv"
            text = changed(lambda: with_values(before.text, table, {"names": f"{FOLDER}/{name}"}, place.number))
            await self._editor.keep(FOLDER, name, waiting.text, 0o640)
            verdict = await self._editor.check(text)
            if verdict.snapshot is None:
                told = verdict.mistakes[0]
                raise Refused(Words(f"{told.text.en} {told.cure.en}", f"{told.text.zh}{told.cure.zh}"))
            mark, restarting = await self._editor.write(text, before)
        del self._waiting[token]
        return Saved(waiting.panel, mark, restarting), waiting.rows


def _read(data: bytes, how: Naming) -> _Read:
    """The table, and the same without the rows that are wrong; empty where no row can be saved."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        text, findings = read_text(Path(file.name), shown_as="CSV", charsets=CHARSETS)
    if text is None:
        return _Read(PartNames({}, {}), findings, "")
    parts = read_part_names(text, how, findings)
    bad = {each.line for each in findings.mistakes if _is_wrong(each)}
    lines = [line for number, line in enumerate(text.splitlines(), start=1) if number not in bad]
    good = "\n".join((*lines, "")) if 1 not in bad else ""
    again = Findings(Source("CSV", good))
    kept = read_part_names(good, how, again) if good else PartNames({}, {})
    if any(map(_is_wrong, again.mistakes)):
        return _Read(parts, findings, "")  # a cell over several lines: no row can be left out alone
    return _Read(kept, findings, good)


def _table_of(site: Mapping[str, Any], panel: str) -> Kind:
    """The table of the site in which a panel stands."""
    others = site.get("fire_modbus_panels", ())
    return "fire_modbus_panels" if any(each.get("id") == panel for each in others) else "fire_panels"


def _is_wrong(mistake: Mistake) -> bool:
    """Whether it keeps its row from being saved: everything but a word about the heading."""
    return mistake.severity == "mistake" or (mistake.line or 1) > 1


def _rows(parts: PartNames) -> list[Mapping[str, str]]:
    return [
        {"address": each, "place": parts.places.get(each, ""), "text": parts.names.get(each, "")}
        for each in dict.fromkeys((*parts.names, *parts.places))
    ]
