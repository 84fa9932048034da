"""A table of devices or residents as people keep it in a spreadsheet: many at once, judged row by row.

The first line names the columns, in English or Chinese, in any order; what separates them is a comma, a semicolon or a
tab.  UTF-8 (with or without byte order mark), UTF-16 with one, and GB18030 are read: what Excel writes.  Parsing is
pure; whether a row may stand in the site is asked of the same check as for any site file.
"""

from __future__ import annotations

import codecs
import csv
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from courtyard.config.describe import names as listed
from courtyard.config.edit import with_entries
from courtyard.config.mistakes import Mistake, nearest_name
from courtyard.config.read import Verdict
from courtyard.drivers.base import Text

MOST_ROWS: Final = 5000
LONGEST_CELL: Final = 500
ROUNDS: Final = 6
"""A row that is left out may make another one wrong; after so many looks the rest counts as it is."""
HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "device", "编号", "设备编号", "设备id"),
    "profile": ("profile", "model", "type", "模板", "设备模板", "型号"),
    "line": ("line", "bus", "线路", "总线"),
    "address": ("address", "unit", "unit_id", "slave", "地址", "从站地址", "表地址", "通讯地址"),
    "place": ("place", "location", "位置", "安装位置"),
    "every": ("every", "interval", "period", "周期", "读取周期", "采集周期"),
    "name": ("name", "title", "名称", "备注"),
    "install": ("install", "第几块表", "安装序号"),
}
"""Columns by what people call them; `options.NAME` gives a number that the profile asks for."""
RESIDENT_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "resident", "编号", "代号", "住户", "住户代号"),
    "wearables": ("wearables", "wearable", "band", "手环", "佩戴设备", "穿戴设备"),
    "buttons": ("buttons", "button", "按钮", "求助按钮"),
    "report": ("report", "上报", "上报内容"),
    "not_seen": ("not_seen", "失联", "失联时间"),
    "heartbeat": ("heartbeat", "心跳", "按钮心跳"),
    "not_worn": ("not_worn", "未佩戴", "未佩戴时间"),
    "battery_below": ("battery_below", "battery", "低电量", "电量"),
}


class Columns(NamedTuple):
    """What the rows of a table are: entries of `table`, with these columns, of which some are `required`."""

    table: str
    headings: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]

    def key_of(self, heading: str) -> str | None:
        """The setting that a heading means."""
        option = _OPTION.fullmatch(heading) if self.table == "devices" else None
        if option:
            return f"options.{option[1]}"
        return next((key for key, words in self.headings.items() if heading in words), None)


DEVICES: Final = Columns("devices", HEADINGS, ("id", "profile", "line", "address"))
RESIDENTS: Final = Columns("residents", RESIDENT_HEADINGS, ("id",))
_LISTS: Final = ("wearables", "buttons")
_BETWEEN: Final = re.compile(r"[\s,，;；、/]+")
_OPTION: Final = re.compile(r"options?\.([a-z][a-z0-9_]*)")
_AT: Final = re.compile(r"(?:devices|residents)\[(\d+)\](?:\.([a-z_]+))?(?:\.([a-z0-9_]+)|\[\d+\])?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,9})?")


class CellMistake(NamedTuple):
    """One thing that is wrong: the line of the file (from 1), the column as its heading has it, what stood there."""

    line: int
    column: str
    found: str
    text: Text
    cure: Text


class Row(NamedTuple):
    """One device: the line of the file, and the entry as the site file would have it."""

    line: int
    entry: dict[str, Any]


class DeviceList(NamedTuple):
    """The table as read; `headings` gives the heading of each setting."""

    rows: tuple[Row, ...]
    headings: Mapping[str, str]
    mistakes: tuple[CellMistake, ...]
    table: str = "devices"


class Judged(NamedTuple):
    """Rows that may stand in the site, with the text of the site that has them; what is wrong with the others; and what
    keeps even the good ones from being saved."""

    good: tuple[Row, ...]
    text: str
    mistakes: tuple[CellMistake, ...]
    general: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]


def read_device_list(data: bytes, columns: Columns = DEVICES) -> DeviceList:
    """The entries in a file.  Never raises: what is wrong with it is among the mistakes."""
    text = _decoded(data)
    if text is None:
        return _refused(
            1,
            Text("The file is neither UTF-8 nor GB18030 text.", "文件既不是 UTF-8 也不是 GB18030 文本。"),
            Text(
                "Save it as CSV (comma separated), not as a workbook.", "请另存为 CSV（逗号分隔），不要使用工作簿格式。"
            ),
        )
    head = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        return _refused(
            max(reader.line_num, 1),
            Text(f"A quoted cell is not closed ({error}).", f"带引号的单元格没有闭合（{error}）。"),
            Text("Close the quotation marks, or leave them out.", "请补全或去掉引号。"),
        )
    if not table:
        return _refused(1, Text("The file is empty.", "文件为空。"), _columns_cure(columns.required))
    if len(table) - 1 > MOST_ROWS:
        return _refused(
            table[MOST_ROWS][0],
            Text(f"More than {MOST_ROWS} rows.", f"超过 {MOST_ROWS} 行。"),
            Text("Split the file.", "请拆分文件。"),
        )
    return _rows(table, columns)


def judge(devices: DeviceList, text: str, check: Callable[[str], Verdict]) -> Judged:
    """Asks the check for each row until the rest holds.  Raises as `edit.with_entries`."""
    rows, mistakes = list(devices.rows), list(devices.mistakes)
    bad_lines = {mistake.line for mistake in mistakes}
    rows = [row for row in rows if row.line not in bad_lines]
    known = len(_before(text, devices.table))
    for _ in range(ROUNDS):
        proposed = with_entries(text, devices.table, [row.entry for row in rows]) if rows else text
        verdict = check(proposed)
        wrong: set[int] = set()
        general = []
        for mistake in verdict.mistakes:
            at = _AT.fullmatch(mistake.path) if mistake.path.startswith(devices.table) else None
            number = int(at[1]) - known if at else -1
            if at is None or not 0 <= number < len(rows):
                general.append(mistake)
                continue
            wrong.add(number)
            mistakes.append(_cell(mistake, rows[number], at, devices.headings))
        if not wrong:
            break
        rows = [row for number, row in enumerate(rows) if number not in wrong]
    ordered = tuple(sorted(mistakes, key=lambda each: each.line))
    return Judged(tuple(rows), proposed, ordered, tuple(general), verdict.warnings)


def _before(text: str, table: str) -> Sequence[Any]:
    found: Sequence[Any] = tomllib.loads(text).get(table, ())
    return found


def _decoded(data: bytes) -> str | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charsets: tuple[str, ...] = ("utf-16",)
    else:
        charsets = ("utf-8-sig", "gb18030")
    for charset in charsets:
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _rows(table: list[tuple[int, list[str]]], wanted: Columns) -> DeviceList:
    line, words = table[0]
    columns, headings, mistakes = dict[str, int](), dict[str, str](), list[CellMistake]()
    for index, word in enumerate(words):
        heading = word.strip()
        key = wanted.key_of(heading.lower())
        if key is None and heading:
            near = nearest_name(heading, [each for known in wanted.headings.values() for each in known])
            offer = Text(f"Did you mean {near}? ", f"是否应为“{near}”？") if near else Text("", "")
            cure = _columns_cure(wanted.headings)
            what = Text(f"There is no column {heading[:40]!r}.", f"没有名为“{heading[:40]}”的列。")
            mistakes.append(
                CellMistake(line, heading[:40], heading[:40], what, Text(offer.en + cure.en, offer.zh + cure.zh))
            )
        elif key in columns:
            what = Text(f"The column {heading} comes twice.", f"“{heading}”列出现两次。")
            mistakes.append(CellMistake(line, heading, heading, what, Text("Take one away.", "请删除其中一列。")))
        elif key is not None:
            columns[key], headings[key] = index, heading
    missing = [key for key in wanted.required if key not in columns]
    if missing:
        absent = listed(missing)
        what = Text(f"The columns {absent.en} are missing.", f"缺少列：{absent.zh}。")
        mistakes.append(CellMistake(line, "", "", what, _columns_cure(wanted.headings)))
    if mistakes:
        return DeviceList((), headings, tuple(mistakes), wanted.table)
    rows = []
    for number, cells in table[1:]:
        entry: dict[str, Any] = {}
        for key, index in columns.items():
            cell = cells[index].strip() if index < len(cells) else ""
            if len(cell) > LONGEST_CELL:
                what = Text(f"Longer than {LONGEST_CELL} characters.", f"超过 {LONGEST_CELL} 个字符。")
                mistakes.append(CellMistake(number, headings[key], cell[:20], what, Text("Shorten it.", "请缩短。")))
            elif cell:
                _put(entry, key, cell)
        rows.append(Row(number, entry))
    return DeviceList(tuple(rows), headings, tuple(mistakes), wanted.table)


def _put(entry: dict[str, Any], key: str, cell: str) -> None:
    number = _NUMBER.fullmatch(cell)
    if key.startswith("options."):
        value: Any = (float(cell) if number[1] else int(cell)) if number else cell
        entry.setdefault("options", {})[key.removeprefix("options.")] = value
    elif key in _LISTS:
        entry[key] = [part for part in _BETWEEN.split(cell) if part]
    elif key == "battery_below":
        entry[key] = float(cell) if number else cell
    elif key in ("address", "install"):
        entry[key] = int(cell) if number and not number[1] else cell
    elif key in ("every", "not_seen", "heartbeat", "not_worn") and cell.isdecimal():
        entry[key] = f"{int(cell)}s"
    else:
        entry[key] = cell


def _cell(mistake: Mistake, row: Row, at: re.Match[str], headings: Mapping[str, str]) -> CellMistake:
    key = f"options.{at[3]}" if at[2] == "options" and at[3] else at[2] or ""
    value = row.entry.get(at[2] or "", "")
    if isinstance(value, dict):
        value = value.get(at[3] or "", "")
    return CellMistake(row.line, headings.get(key, key), str(value)[:60], mistake.text, mistake.cure)


def _columns_cure(keys: Mapping[str, Any] | Sequence[str]) -> Text:
    wanted = listed(keys)
    return Text(f"The first line names the columns: {wanted.en}.", f"第一行为列名：{wanted.zh}。")


def _refused(line: int, what: Text, cure: Text) -> DeviceList:
    return DeviceList((), {}, (CellMistake(line, "", "", what, cure),))
