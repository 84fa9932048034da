"""TOML text to data, with every error of writing named, not only the first.

`tomllib` stops at the first error; here the statement is named, blanked, and reading goes on.  The diagnosis looks at
the line the way an installer wrote it: full-width punctuation, missing quotes, a bracket left open.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from courtyard.config.mistakes import Findings
from courtyard.config.redact import is_secret_name
from courtyard.drivers.base import Text

MOST_ERRORS = 20

_HALF_WIDTH = dict(
    zip(
        "“”‘’＂，、＝：；［］【】｛｝。．＃－—　\u00a0（）＿／０１２３４５６７８９",
        '""\'\'",,=:;[][]{}..#--  ()_/0123456789',
        strict=True,
    )
)
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"' r"|'[^']*'")
_HEADER = re.compile(r"\s*\[\[?[^\[\],]*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"\s*(?P<key>[\w.\"'-]+)\s*=\s*(?P<value>.*?)\s*(?:#.*)?$")
_DETAILS_ZH = {
    "Invalid value": "值的写法不正确",
    "Invalid statement": "语句不正确",
    "Expected newline or end of document after a statement": "语句之后有多余内容",
    "Invalid initial character for a key part": "键名含有不允许的字符",
    "Expected '=' after a key in a key/value pair": "键名之后应为等号",
    "Expected ']' at the end of a table declaration": "表头缺少 ]",
    "Expected ']]' at the end of an array declaration": "列表表头缺少 ]]",
    "Invalid date or datetime": "日期或时间不正确",
    "Unclosed array": "列表没有闭合",
    "Unclosed inline table": "内联表没有闭合",
    "Illegal character": "含有不允许的字符",
    "Found invalid character": "含有不允许的字符",
}


def parse(findings: Findings) -> tuple[dict[str, Any], bool]:
    """The data of the file, and whether all of it could be read.  Errors go to `findings`; never raises."""
    source = findings.source
    lines = source.text.split("\n")
    for count in range(MOST_ERRORS + 1):
        source.readable = "\n".join(lines)
        try:
            return tomllib.loads(source.readable), count == 0
        except RecursionError:
            deepest = max(range(len(lines)), key=lambda index: lines[index].count("[") + lines[index].count("{"))
            findings.add("toml.too_deep", line_column=(deepest + 1, 1))
            return {}, False
        except ValueError as error:  # TOMLDecodeError, and int() of a number with thousands of digits
            if count < MOST_ERRORS:
                _report(findings, lines, str(error))
    findings.add("toml.more", count=MOST_ERRORS)
    return {}, False


def _report(findings: Findings, lines: list[str], error: str) -> None:
    """Says what is wrong, and blanks the statement, so that the lines behind it keep their numbers."""
    at = _AT.search(error)
    detail = error[: at.start()] if at else error.partition(":")[0]
    index, column = (int(at[1]) - 1, int(at[2])) if at and at[1] else (len(lines), 1)
    start = max((number for number in range(min(index, len(lines))) if _begins(lines[number])), default=None)
    if start is not None and not _complete(lines[start:index]):
        if index == len(lines) or _begins(lines[index]):
            bare = _QUOTED.sub("", lines[start])
            bracket = next((char for char in reversed(bare) if char in "[{"), None)
            code = "toml.unclosed_bracket" if bracket else "toml.unclosed_text"
            findings.add(code, line_column=(start + 1, 1), bracket=bracket)
        else:
            _name(findings, lines[index], index + 1, column, detail)
            index = next((number for number in range(index, len(lines)) if _begins(lines[number])), len(lines))
        lines[start:index] = [""] * (index - start)
        return
    index = min(index, len(lines) - 1)
    _name(findings, lines[index], index + 1, column, detail)
    stop = index + 1
    if "[" in lines[index].partition("=")[0]:  # a header: its settings belong to no other table
        stop = next((number for number in range(stop, len(lines)) if _HEADER.match(lines[number])), len(lines))
    lines[index:stop] = [""] * (stop - index)


def _begins(line: str) -> bool:
    return bool(_ASSIGNMENT.match(line) or _HEADER.match(line))


def _complete(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return True


def _name(findings: Findings, line: str, number: int, column: int, detail: str) -> None:
    bare = _QUOTED.sub(lambda match: " " * len(match[0]), line).partition("#")[0]
    wide = next((position for position, char in enumerate(bare) if char in _HALF_WIDTH), None)
    assignment = _ASSIGNMENT.match(line)
    key, value = (assignment["key"], assignment["value"]) if assignment else ("", "")
    here = (number, column)
    if is_secret_name(key) or (key == "url" and "@" in value):
        code = "secret.in_url" if key == "url" else "secret.inline"
        findings.add(code, line_column=(number, 1), instead="password_file")
        return
    if wide is not None:
        findings.add("toml.full_width", line_column=(number, wide + 1), char=bare[wide], half=_HALF_WIDTH[bare[wide]])
    elif "overwrite a value" in detail or "Duplicate inline table key" in detail:
        findings.add("toml.duplicate_key", line_column=(number, 1), found=key or line.strip())
    elif "twice" in detail or "immutable namespace" in detail:
        findings.add("toml.duplicate_table", line_column=(number, 1), found=line.partition("#")[0].strip())
    elif assignment and not value:
        findings.add("toml.empty_value", line_column=here)
    elif "Unescaped '\\'" in detail or "Invalid hex value" in detail:
        findings.add("toml.backslash", line_column=here)
    elif "Unterminated string" in detail or "Illegal character '\\n'" in detail:
        findings.add("toml.unclosed_text", line_column=(number, 1))
    elif re.fullmatch(r"[+-]?0[0-9]+", value):
        findings.add("toml.leading_zero", line_column=here, found=value, number=int(value))
    elif value.lower() in ("true", "false", "yes", "no", "on", "off"):
        findings.add("toml.boolean", line_column=here, found=value)
    elif value and re.fullmatch(r"[^\"'\[\]{}=,]+", value):
        findings.add("toml.unquoted", line_column=(number, line.index(value) + 1), found=value, key=key)
    elif "=" not in bare and "[" not in bare:
        findings.add("toml.no_equals", line_column=(number, 1))
    else:
        zh = next((zh for en, zh in _DETAILS_ZH.items() if detail.startswith(en)), "TOML 语法错误")
        findings.add("toml.syntax", line_column=here, detail=Text(detail, zh))
