"""The CSV file that says what and where the parts of a fire panel are, as installers export it from the panel.

The first line names the columns, in English or Chinese, in any order; what separates them is a comma, a semicolon or a
tab.  UTF-8 and GB18030 are read.  Every row that is wrong is reported with its line; the others hold.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from courtyard.config.describe import names as listed
from courtyard.config.forms import PLACE_ALLOWED, is_place
from courtyard.config.mistakes import Findings, nearest_name
from courtyard.drivers.fire.naming import Naming, source

MOST_ROWS = 50_000
LONGEST_TEXT = 120
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "controller": ("controller", "panel", "控制器", "控制器号", "主机", "主机号", "机号"),
    "loop": ("loop", "zone", "回路", "回路号", "分区"),
    "address": ("address", "point", "code", "地址", "地址号", "点号", "部位号", "编码", "用户编码", "二次码"),
    "place": ("place", "location", "位置", "安装位置"),
    "text": ("text", "name", "description", "描述", "说明", "注释", "名称", "部位描述", "位置描述"),
}
"""Columns by what people call them."""
_WORDS = {word: column for column, words in HEADINGS.items() for word in words}


class PartNames(NamedTuple):
    """What is known of the parts of a panel, by address."""

    names: dict[str, str]
    places: dict[str, str]


def read_part_names(text: str, naming: Naming, findings: Findings) -> PartNames:
    """The table in `text`; what is wrong with it goes to `findings`."""
    found, first_line = PartNames({}, {}), dict[str, int]()
    rows = _rows(text, findings)
    columns = _columns(next(rows, (1, [])), naming, findings)
    if columns is None:
        return found
    for line, row in rows:
        cells = {name: row[index].strip() for name, index in columns.items() if index < len(row)}
        if not any(cells.values()):
            continue
        address = _address(line, cells, naming, findings)
        if address is None:
            continue
        if address in first_line:
            findings.add("names.twice", line_column=(line, 1), found=address, first=first_line[address])
            continue
        first_line[address] = line
        words, place = cells.get("text", ""), cells.get("place", "")
        if place and not is_place(place):
            findings.add("names.place", line_column=(line, 1), found=place, allowed=PLACE_ALLOWED)
        elif not place and not words:
            findings.add("names.empty", line_column=(line, 1), found=address)
        if len(words) > LONGEST_TEXT:
            findings.add("names.long", line_column=(line, 1), found=words[:20], limit=LONGEST_TEXT)
        if words:
            found.names[address] = words
        if place:
            found.places[address] = place
    return found


def _rows(text: str, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line, empty ones left out."""
    head = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        for count, row in enumerate(reader):
            if count > MOST_ROWS:
                findings.add("names.too_many", line_column=(reader.line_num, 1), limit=MOST_ROWS)
                return
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        findings.add("names.quote", line_column=(max(reader.line_num, 1), 1), detail=str(error))


def _columns(header: tuple[int, list[str]], naming: Naming, findings: Findings) -> dict[str, int] | None:
    """Where each column is; None when the header does not say it."""
    line, words = header
    columns: dict[str, int] = {}
    for index, word in enumerate(words):
        column = _WORDS.get(word.strip().lower())
        if column is None:
            near = nearest_name(word, _WORDS)
            findings.add(
                "names.column", line_column=(line, 1), found=word.strip(), nearest=near, allowed=listed(HEADINGS)
            )
        elif column in columns:
            findings.add("names.column_twice", line_column=(line, 1), found=word.strip())
        columns.setdefault(column or word, index)
    missing: list[str] = [column for column in naming.columns if column != "controller" and column not in columns]
    if "text" not in columns and "place" not in columns:
        missing.append("text")
    if missing:
        findings.add("names.header", line_column=(line, 1), allowed=listed(missing))
    return None if missing else columns


def _address(line: int, cells: Mapping[str, str], naming: Naming, findings: Findings) -> str | None:
    for column in naming.columns:
        word = cells.get(column, "")
        if any(char.isspace() for char in word) or not word.isprintable():
            findings.add("names.address", line_column=(line, 1), found=word, column=column)
            return None
    try:
        return source(naming, cells)  # type: ignore[arg-type]  # cells has further columns
    except KeyError as missing:
        findings.add("names.missing", line_column=(line, 1), column=str(missing.args[0]))
        return None
