"""Mistakes as people and programs see them."""

from __future__ import annotations

import json
from pathlib import Path

from courtyard.config.present import as_data, present
from tests.config_rig import changed, check


def test_a_mistake_shows_its_line_and_a_mark_under_the_place(tmp_path: Path) -> None:
    verdict = check(tmp_path, changed("address = 1", "address = 1\nevery = 60"))
    assert present(verdict.mistakes, "en") == "\n".join(
        [
            f"{tmp_path}/site.toml:20:9  devices[0].every",
            "  20 | every = 60",
            "     |         ^",
            "  mistake: every is 60.",
            '  Did you mean "60s"? Allowed: a duration such as "60s", "5m", "1h30m", "500ms", from 10ms to 7d.',
            "",
            "1 mistake.",
        ]
    )
    assert present(verdict.mistakes, "zh-CN") == "\n".join(
        [
            f"{tmp_path}/site.toml:20:9  devices[0].every",
            "  20 | every = 60",
            "     |         ^",
            "  错误：every 的值为 60。",
            '  是否应为 "60s"？允许的值：时长，例如 "60s"、"5m"、"1h30m"、"500ms"，10ms～7d。',
            "",
            "共 1 处错误。",
        ]
    )


def test_wide_characters_before_the_mark_take_two_columns(tmp_path: Path) -> None:
    verdict = check(tmp_path, changed("address = 1", 'options = { "水表" = 1, b = "x" }\naddress = 1'))
    mistake = next(each for each in verdict.mistakes if each.path == "devices[0].options.b")
    line, mark = present([mistake], "zh-CN").split("\n")[1:3]
    wide = sum(char > "\u2e80" for char in line[: line.index('"x"')])
    assert wide == 2
    assert mark.index("^") == line.index('"x"') + wide


def test_warnings_are_counted_apart(tmp_path: Path) -> None:
    text = changed('name = "community"', 'name = "community"\nusername = "me"\npassword_file = "pw"')
    verdict = check(tmp_path, text.replace("above = 3", "above = x").replace("address = 1\n", "address = y\n"))
    assert present(verdict.mistakes, "en").endswith("\n\n2 mistakes.")
    verdict = check(tmp_path, text)
    assert present(verdict.warnings, "zh-CN").endswith("\n\n共 1 处警告。")
    assert present((), "en") == ""


def test_programs_get_everything_in_both_languages(tmp_path: Path) -> None:
    verdict = check(tmp_path, changed("address = 1", "adress = 1"))
    (data,) = json.loads(json.dumps(as_data(verdict.mistakes)))
    settings = (
        "id",
        "profile",
        "line",
        "address",
        "place",
        "every",
        "install",
        "name",
        "options",
        "points",
        "writes",
        "key_file",
        "beacon",
        "commands",
    )
    en, zh = ", ".join(settings), "、".join(settings)
    assert data == {
        "severity": "mistake",
        "code": "key.unknown",
        "file": f"{tmp_path}/site.toml",
        "line": 19,
        "column": 1,
        "path": "devices[0].adress",
        "found": "adress",
        "allowed": {"en": en, "zh": zh},
        "nearest": "address",
        "text": {"en": "There is no setting adress here.", "zh": "此处没有名为 adress 的设置项。"},
        "cure": {
            "en": f"Did you mean address? Allowed: {en}.",
            "zh": f"是否应为 address？可用的设置项：{zh}。",
        },
    }
