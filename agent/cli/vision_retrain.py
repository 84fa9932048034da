"""`courtyard vision retrain LIFT` learns a lift's own head from what the detector got wrong there; `activate`,
`rollback`, `forget`, `mark` and `heads` say what becomes of it.  The gateway may run meanwhile; it follows by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent.accounts.book import AccountBook
from courtyard.agent.cli.users import become_owner
from courtyard.agent.control import Refused
from courtyard.agent.records import instant
from courtyard.agent.vision import own_head
from courtyard.agent.vision.own_head import Head, NoHead
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import Text

ACCOUNTS: Final = "accounts"


def run(options: argparse.Namespace) -> int:
    """Exit status 0.  Raises Refused; DriverError when there is too little to learn from, or it would miss e-bikes."""
    become_owner(options.data, options.lang)
    for target in options.targets:
        try:
            if options.action != "mark":
                own_head.lessons_folder(options.data, target)  # raises ValueError for what is no name of a lift
            data, text = ACTIONS[options.action](options, options.data / "vision", target)
        except NoHead as error:
            raise Refused(_nothing(options.action, target).say(options.lang)) from error
        except ValueError as error:
            raise Refused(
                Text(f"{target} is no name of a lift.", f"{target} 不是电梯编号。").say(options.lang)
            ) from error
        print(msgspec.json.encode(data).decode() if options.json else text.say(options.lang))
    return 0


def who() -> str:
    """The person at the console."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _retrain(options: argparse.Namespace, folder: Path, lift: str) -> tuple[object, Text]:
    from courtyard.agent.vision.teaching import teach

    head = teach(folder, options.model or MANIFEST, lift, _now_ms())
    _note(options, "lift.head_made", head)
    return head, Text(
        f"{_figures(head).en}\nIt is on trial: the gateway counts what it would say, and nothing follows. "
        f"When a day of that looks right: courtyard vision activate {lift}",
        f"{_figures(head).zh}\n现处于影子运行：网关只统计其结果，不产生任何动作。观察一天确认无误后，"
        f"请运行 courtyard vision activate {lift}",
    )


def _activate(options: argparse.Namespace, folder: Path, lift: str) -> tuple[object, Text]:
    head = own_head.activate(folder, lift, who(), _now_ms())
    _note(options, "lift.head_activated", head)
    return {"lift": lift, "head": head.digest, "by": head.by}, Text(
        f"{lift}: the head {head.digest} acts from now on. The threshold stays; calibrate after another day without "
        "e-bikes, and it may become lower.",
        f"{lift}：{head.digest} 现已启用，阈值不变。再用没有电动自行车的一天标定后，阈值可能降低。",
    )


def _roll_back(options: argparse.Namespace, folder: Path, lift: str) -> tuple[object, Text]:
    now = own_head.roll_back(folder, lift)
    trial = own_head.read_head(folder, lift, "trial")
    if trial is not None:
        _note(options, "lift.head_rolled_back", trial)
    acting = now.digest if now is not None else None
    return {"lift": lift, "head": acting}, Text(
        f"{lift}: {f'the head {acting}' if acting else 'the detector alone'} acts again.",
        f"{lift}：已恢复为{acting if acting else '仅用检测模型'}。",
    )


def _forget(options: argparse.Namespace, folder: Path, lift: str) -> tuple[object, Text]:
    head = own_head.read_head(folder, lift, "active") or own_head.read_head(folder, lift, "trial")
    count = own_head.forget(folder, lift)
    if head is not None:
        _note(options, "lift.head_forgotten", head)
    return {"lift": lift, "files": count}, Text(
        f"{lift}: its heads and all that they learned from are deleted, {count} files.",
        f"{lift}：已删除其判别头及全部学习样本，共 {count} 个文件。",
    )


def _mark(options: argparse.Namespace, folder: Path, name: str) -> tuple[object, Text]:
    lift = own_head.mark(folder, name)
    return {"event": name, "lift": lift}, Text(
        f"{name}: no e-bike. The next `courtyard vision retrain {lift}` learns from it.",
        f"{name}：已标记为非电动自行车，下次运行 courtyard vision retrain {lift} 时学习。",
    )


def _heads(options: argparse.Namespace, folder: Path, lift: str) -> tuple[object, Text]:
    found = {kind: own_head.read_head(folder, lift, kind) for kind in ("active", "trial", "former")}
    named = {
        "active": Text("acts", "已启用"),
        "trial": Text("on trial", "影子运行"),
        "former": Text("before", "上一版"),
    }
    lines = [(named[kind], _figures(head)) for kind, head in found.items() if head is not None]
    nothing = [(Text("no head", "无判别头"), Text(f"{lift} has none.", f"{lift} 尚未重新训练。"))]
    return {kind: _brief(head) for kind, head in found.items()}, Text(
        "\n".join(f"{kind.en}: {figures.en}" for kind, figures in lines or nothing),
        "\n".join(f"{kind.zh}：{figures.zh}" for kind, figures in lines or nothing),
    )


def _brief(head: Head | None) -> dict[str, object] | None:
    if head is None:
        return None
    whole: dict[str, object] = msgspec.to_builtins(head)
    return {"digest": head.digest} | {name: value for name, value in whole.items() if name not in ("weights", "bias")}


def _figures(head: Head) -> Text:
    f = head.figures
    made = instant(head.made_ms)[:16]
    return Text(
        f"{head.lift}: head {head.digest} of {made}, from {head.gathered} gathered and {head.marked} marked looks, in "
        f"{head.seconds:.1f} s. On looks not learned from: e-bikes found {f.found_before:.1%} -> {f.found_after:.1%} "
        f"of {f.ebikes}, other things mistaken {f.wrong_before:.1%} -> {f.wrong_after:.1%} of {f.others}, in this lift "
        f"{f.site_before:.1%} -> {f.site_after:.1%} of {f.site}.",
        f"{head.lift}：判别头 {head.digest}（{made}），学习样本 {head.gathered} 个、人工标记 {head.marked} 个，"
        f"用时 {head.seconds:.1f} 秒。未参与训练的样本：电动自行车识别率 {f.found_before:.1%} → {f.found_after:.1%}"
        f"（{f.ebikes} 个），其他物体误判率 {f.wrong_before:.1%} → {f.wrong_after:.1%}（{f.others} 个），"
        f"本梯误判率 {f.site_before:.1%} → {f.site_after:.1%}（{f.site} 个）。",
    )


def _note(options: argparse.Namespace, action: str, head: Head) -> None:
    """One line of the audit trail, where the box has accounts."""
    folder: Path = options.data / ACCOUNTS
    if folder.exists():
        asyncio.run(_written(folder, action, head))


async def _written(folder: Path, action: str, head: Head) -> None:
    book = AccountBook(folder, wall_ms=_now_ms)
    await book.open()
    try:
        await book.note(who(), action, head.lift, details={"head": head.digest, "model": head.model[:12]})
    finally:
        await book.close()


def _nothing(action: str, target: str) -> Text:
    if action == "mark":
        return Text(
            f"Nothing to learn from is kept of {target}. See `courtyard vision evidence list`.",
            f"没有 {target} 的学习样本。请用 courtyard vision evidence list 查看。",
        )
    if action == "activate":
        return Text(
            f"{target} has no head on trial. Make one: courtyard vision retrain {target}",
            f"{target} 没有影子运行的判别头。请先运行 courtyard vision retrain {target}",
        )
    return Text(f"{target} has no head that acts.", f"{target} 没有已启用的判别头。")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


ACTIONS: Final[Mapping[str, Callable[[argparse.Namespace, Path, str], tuple[object, Text]]]] = {
    "retrain": _retrain,
    "activate": _activate,
    "rollback": _roll_back,
    "forget": _forget,
    "mark": _mark,
    "heads": _heads,
}
