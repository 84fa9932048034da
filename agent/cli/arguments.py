"""The argument parser of the standard library in the language of the person: help, usage, and what is wrong."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from courtyard.drivers.base import Language, Text


class Arguments(argparse.ArgumentParser):
    """Says everything in `language`.  Sub-commands are made with the same class and take `language` too."""

    def __init__(self, prog: str | None = None, *, language: Language, description: str | None = None) -> None:
        formatter = _Chinese if language == "zh-CN" else argparse.HelpFormatter
        super().__init__(prog, description=description, add_help=False, formatter_class=formatter)
        self._language: Language = language
        self.add_argument("-h", "--help", action="help", help=Text("show this help", "显示帮助").say(language))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Names the word that was probably meant; of options, the library's own message names the option."""
        if action.option_strings or action.choices is None or value in action.choices:
            super()._check_value(action, value)
            return
        known = [str(choice) for choice in action.choices]
        near = difflib.get_close_matches(str(value), known, 1)
        meant = Text(f" Did you mean {near[0]}?", f"是否指 {near[0]}？") if near else Text("", "")
        text = Text(
            f"invalid choice: {value!r}.{meant.en} Known: {', '.join(known)}",
            f"无效的取值 {value!r}。{meant.zh}可选：{'、'.join(known)}",
        )
        raise argparse.ArgumentError(None, text.say(self._language))

    def error(self, message: str) -> NoReturn:
        """Ends with status 2, after the usage and what is wrong with it."""
        self.print_usage(sys.stderr)
        text = Text(f"error: {message}", f"错误：{in_chinese(message)}").say(self._language)
        more = Text(f"All arguments: {self.prog} --help", f"全部参数：{self.prog} --help").say(self._language)
        self.exit(2, f"{self.prog}: {text}\n{more}\n")


class _Chinese(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        super().start_section({"positional arguments": "参数", "options": "选项"}.get(heading or "", heading))


_MESSAGES = tuple(
    (re.compile(pattern, re.DOTALL), chinese)
    for pattern, chinese in (
        (r"argument (.+?): ((?:invalid|expected|not allowed|ignored|conflicting).+)", r"参数 \1：{}"),
        (r"the following arguments are required: (.+)", r"缺少必需的参数：\1"),
        (r"one of the arguments (.+) is required", r"必须给出以下参数之一：\1"),
        (r"unrecognized arguments: (.+)", r"无法识别的参数：\1"),
        (r"invalid choice: (.+) \(choose from (.+)\)", r"无效的取值 \1（可选：\2）"),
        (r"invalid (?:int|float|number) value: (.+)", r"\1 不是有效的数字"),
        (r"invalid .+? value: (.+)", r"无效的取值 \1"),
        (r"expected one argument", "需要一个值"),
        (r"expected at least one argument", "至少需要一个值"),
        (r"expected at most one argument", "最多一个值"),
        (r"expected (\d+) arguments?", r"需要 \1 个值"),
        (r"not allowed with argument (.+)", r"不能与参数 \1 同时使用"),
        (r"ambiguous option: (.+) could match (.+)", r"选项 \1 不明确，可能是：\2"),
        (r"ignored explicit argument (.+)", r"不接受值 \1"),
    )
)


def in_chinese(message: str) -> str:
    """What argparse says, in Chinese; as it is when it is none of the usual messages."""
    for pattern, chinese in _MESSAGES:
        if found := pattern.fullmatch(message):
            inner = in_chinese(found[2]) if "{}" in chinese else ""
            return found.expand(chinese).replace("{}", inner)
    return message
