"""The command line speaks the language of the person; `check` that of the site."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.cli.arguments import in_chinese
from courtyard.agent.cli.gateway import asked
from courtyard.agent.cli.parser import build, command_first, preferred_language
from courtyard.agent.cli.system_errors import reason_of
from courtyard.agent.control import Refused
from courtyard.drivers.base import Language
from tests.config_rig import GOOD, changed


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (["status", "--lang", "zh-CN"], {"LANG": "en_GB.UTF-8"}, "zh-CN"),
        (["status", "--lang=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["status", "--lang"], {"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        (["status", "--lang", "fr"], {}, "en"),
        (["status", "--lang", "zh"], {}, "zh-CN"),
        (["--lang=zh_CN", "status"], {}, "zh-CN"),
        (["status", "--lang", "en-US"], {"LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_that_of_the_locale(
    arguments: list[str], environment: dict[str, str], language: Language
) -> None:
    assert preferred_language(arguments, environment) == language


@pytest.mark.parametrize(
    ("arguments", "en", "zh"),
    [
        ([], "the following arguments are required: COMMAND", "缺少必需的参数：命令"),
        (["read"], "the following arguments are required: DEVICE", "缺少必需的参数：设备"),
        (["status", "more"], "unrecognized arguments: more", "无法识别的参数：more"),
        (
            ["scan", "radio"],
            "error: invalid choice: 'radio'. Known: modbus,",
            "错误：无效的取值 'radio'。可选：modbus、",
        ),
        (["chek"], "'chek'. Did you mean check? Known: run,", "无效的取值 'chek'。是否指 check？可选：run、"),
        (["status", "--lang", "fr"], "argument --lang: invalid choice: 'fr'", "参数 --lang：无效的取值 'fr'（可选："),
        (["drill", "x", "--wait", "y"], "invalid float value: 'y'", "参数 --wait：'y' 不是有效的数字"),
        (["decode", "modbus", "01", "--address", "q"], "invalid number value: 'q'", "--address：'q' 不是有效的数字"),
        (["drill", "x", "--wait"], "expected one argument", "参数 --wait：需要一个值"),
        (["scan", "cameras", "--hosts"], "expected at least one argument", "参数 --hosts：至少需要一个值"),
        (["scan", "modbus", "--line", "a", "--port", "b"], "not allowed with", "不能与参数 --line 同时使用"),
        (["status", "--json=1"], "ignored explicit argument '1'", "参数 --json：不接受值 '1'"),
        (["scan", "modbus", "--hosts-f", "a", "--s", "b"], "ambiguous option: --s", "选项 --s 不明确，可能是："),
    ],
)
def test_what_is_wrong_with_the_arguments_is_said_in_both_languages(
    arguments: list[str], en: str, zh: str, capsys: pytest.CaptureFixture[str]
) -> None:
    languages: tuple[tuple[Language, str], ...] = (("en", en), ("zh-CN", zh))
    for language, words in languages:
        with pytest.raises(SystemExit) as ended:
            build(language, "1").parse_args(arguments)
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.startswith("usage: courtyard" if language == "en" else "用法：courtyard")
        assert "--help" in said.splitlines()[-1]


def test_a_message_that_is_not_known_stays_as_it_is() -> None:
    assert in_chinese("something new") == "something new"
    assert in_chinese("argument x: something new") == "argument x: something new"


@pytest.mark.parametrize("command", [[], ["scan"], ["decode"], ["journal"], ["check"]])
def test_help_in_chinese_has_no_english_of_the_library(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build("zh-CN", "1").parse_args([*command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("用法：courtyard")
    assert "选项" in shown
    assert [word for word in ("usage", "show this", "positional", "options:", "COMMAND") if word in shown] == []


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        (["--lang", "zh", "check", "x"], ["check", "--lang", "zh", "x"]),
        (["--json", "--lang=en", "status"], ["status", "--json", "--lang=en"]),
        (["status", "--json"], ["status", "--json"]),
        (["--lang", "zh"], []),
        (["--version"], ["--version"]),
        ([], []),
    ],
)
def test_what_every_command_takes_may_stand_before_it(typed: list[str], taken: list[str]) -> None:
    assert command_first(typed) == taken


@pytest.mark.parametrize(
    ("error", "en", "zh"),
    [
        (FileNotFoundError(), "No gateway answers at s.", "s 处没有运行中的网关。"),
        (ConnectionRefusedError(), "No gateway answers at s.", "s 处没有运行中的网关。"),
        (PermissionError(), "No permission for s.", "没有访问 s 的权限。"),
        (TimeoutError(), "does not answer in time", "未按时应答"),
    ],
)
def test_why_a_gateway_cannot_be_asked_is_said_with_its_cure(error: OSError, en: str, zh: str) -> None:
    languages: tuple[tuple[Language, str], ...] = (("en", en), ("zh-CN", zh))
    for language, words in languages:
        with pytest.raises(Refused, match=words), asked(Path("s"), language):
            raise error


def test_what_the_system_refuses_is_said_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for language, words in (("en", "there is no such file or directory"), ("zh", "文件或目录不存在")):
        assert main(["--lang", language, "users", "list", "--data", str(tmp_path / "none")]) == 1
        assert words in capsys.readouterr().err
    assert reason_of(OSError(errno.ENOSPC, "No space left on device")).zh == "磁盘已满"
    assert reason_of(OSError(errno.EXDEV, "Invalid cross-device link")).zh == "Invalid cross-device link"


ENGLISH, CHINESE = GOOD, changed('language = "en"', 'language = "zh-CN"')


@pytest.mark.parametrize(
    ("site", "asked", "words"),
    [
        (ENGLISH, [], "The site can run."),
        (CHINESE, [], "站点文件可以使用。"),
        (ENGLISH, ["--lang", "zh-CN"], "站点文件可以使用。"),
        (CHINESE, ["--lang", "en"], "The site can run."),
        (ENGLISH.replace("address = 1\n", "address = 999\n"), [], "mistake: "),
        (CHINESE.replace("address = 1\n", "address = 999\n"), [], "错误："),
        (CHINESE.replace("address = 1\n", "address = 999\n"), ["--lang", "en"], "mistake: "),
        ("", [], "错误："),
        ("", ["--lang", "en"], "mistake: "),
    ],
)
def test_a_site_is_checked_in_its_own_language_unless_another_is_asked_for(
    site: str, asked: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(site, "utf-8")
    assert main(["check", str(path), *asked]) == (0 if "can run" in words or "可以" in words else 2)
    assert words in capsys.readouterr().out
