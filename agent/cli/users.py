"""`courtyard users`: accounts and tokens of the status page, also while the gateway runs."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.accounts import Token, User
from courtyard.agent.accounts.book import CONSOLE, FIRST_USER, AccountBook
from courtyard.agent.cli.system_errors import reason_of
from courtyard.agent.control import Refused
from courtyard.agent.records import instant
from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Language, Text

Answer = tuple[Any, Text | None]


def run(options: argparse.Namespace) -> int:
    """Exit status 0; 1 when it is refused, 2 when a name is missing."""
    if options.action in _NAMED and not options.name:
        raise Refused(Text("say the name", "请给出名称").say(options.lang), exit_status=2)
    become_owner(options.data, options.lang)
    try:
        data, text = asyncio.run(_act(options))
    except Refusal as refusal:
        raise Refused(refusal.text.say(options.lang)) from refusal
    if options.json:
        print(msgspec.json.encode(data).decode())
    elif text is not None:
        print(text.say(options.lang))
    else:
        _show(data, options)
    return 0


def become_owner(data: Path, language: Language) -> None:
    """Root goes on as the owner of the data directory, so that the service can use what is made.  Raises Refused."""
    try:
        owner = data.stat()
    except OSError as error:
        why = reason_of(error)
        text = Text(
            f"cannot use the data directory {data}: {why.en}. Use sudo, or say --data.",
            f"无法使用数据目录 {data}：{why.zh}。请使用 sudo，或用 --data 指定。",
        )
        raise Refused(text.say(language)) from error
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


async def _act(options: argparse.Namespace) -> Answer:
    book = AccountBook(options.data / "accounts", wall_ms=lambda: time.time_ns() // 1_000_000)
    first = await book.open()
    if first is not None:
        told = Text(f"New box: {FIRST_USER} comes in with {first}", f"新网关：{FIRST_USER} 的一次性代码为 {first}")
        print(told.say(options.lang), file=sys.stderr)
    try:
        return await _ACTIONS[options.action](book, options)
    finally:
        await book.close()


async def _list(book: AccountBook, options: argparse.Namespace) -> Answer:
    return await book.users(), None


async def _tokens(book: AccountBook, options: argparse.Namespace) -> Answer:
    return await book.tokens(), None


async def _add(book: AccountBook, options: argparse.Namespace) -> Answer:
    return _code(options.name, await book.add_user(options.name, options.role, by=CONSOLE))


async def _new_code(book: AccountBook, options: argparse.Namespace) -> Answer:
    return _code(options.name, await book.new_code(options.name, by=CONSOLE))


async def _remove(book: AccountBook, options: argparse.Namespace) -> Answer:
    await book.remove_user(options.name, by=CONSOLE)
    return {"removed": options.name}, Text(f"{options.name} is removed.", f"账户 {options.name} 已删除。")


async def _password(book: AccountBook, options: argparse.Namespace) -> Answer:
    await book.set_password(options.name, _ask_password(options), by=CONSOLE)
    text = Text(f"{options.name} has a new password.", f"账户 {options.name} 的密码已更新。")
    return {"changed": options.name}, text


async def _token(book: AccountBook, options: argparse.Namespace) -> Answer:
    secret = await book.add_token(options.name, options.scope or ["wall"], days=options.days, by=CONSOLE)
    text = Text(f"Token (shown once): {secret}", f"令牌（仅显示一次）：{secret}")
    return {"name": options.name, "token": secret}, text


async def _revoke(book: AccountBook, options: argparse.Namespace) -> Answer:
    await book.remove_token(options.name, by=CONSOLE)
    return {"removed": options.name}, Text(f"Token {options.name} is removed.", f"令牌 {options.name} 已删除。")


def _code(name: str, code: str) -> Answer:
    text = Text(f"{name} comes in once with the code {code}", f"{name} 可用一次性代码 {code} 登录")
    return {"name": name, "code": code}, text


def _ask_password(options: argparse.Namespace) -> str:
    """From the terminal without echo, twice; else one line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(Text("New password: ", "新密码：").say(options.lang))
    if first != getpass.getpass(Text("Once more: ", "再次输入：").say(options.lang)):
        raise Refused(Text("the passwords differ", "两次输入的密码不一致").say(options.lang))
    return first


def _show(rows: list[User] | list[Token], options: argparse.Namespace) -> None:
    headings = {
        ("list", "en"): ("name", "role", "password", "sessions", "last login"),
        ("list", "zh-CN"): ("名称", "角色", "密码", "会话", "上次登录"),
        ("tokens", "en"): ("name", "scopes", "made by", "expires", "last used"),
        ("tokens", "zh-CN"): ("名称", "权限", "创建者", "到期", "上次使用"),
    }
    table = Table(*headings[options.action, options.lang], box=None)
    for row in rows:
        if isinstance(row, User):
            has = Text("yes", "有") if row.has_password else Text("no", "无")
            table.add_row(row.name, row.role, has.say(options.lang), str(row.sessions), _time(row.last_login_ms))
        else:
            table.add_row(
                row.name, " ".join(row.scopes), row.created_by, _time(row.expires_ms), _time(row.last_used_ms)
            )
    Console().print(table)


def _time(at_ms: int | None) -> str:
    return "" if at_ms is None else instant(at_ms)


_ACTIONS: Mapping[str, Callable[[AccountBook, argparse.Namespace], Awaitable[Answer]]] = {
    "list": _list,
    "add": _add,
    "remove": _remove,
    "passwd": _password,
    "code": _new_code,
    "tokens": _tokens,
    "token": _token,
    "revoke": _revoke,
}
_NAMED = frozenset(_ACTIONS) - {"list", "tokens"}
