"""`courtyard vision models` lists what the lifts are looked at with and what runs beside it; `activate` and `rollback`
of a hash let the site's own detector act, or bring the product's own back.  The gateway may run meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from courtyard.agent import own_model
from courtyard.agent.accounts.book import AccountBook
from courtyard.agent.cli.users import become_owner
from courtyard.agent.cli.vision_retrain import ACCOUNTS, who
from courtyard.agent.control import Refused
from courtyard.agent.records import instant
from courtyard.agent.refusal import Refusal
from courtyard.agent.vision import own_head
from courtyard.agent.vision.comparing import compared_file, in_force_file, read
from courtyard.agent.vision.own_head import DIGITS, Kind
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.config.lifts import SHIPPED
from courtyard.config.read import check_site
from courtyard.config.site_file import SiteFile
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Text

DIGEST: Final = re.compile(r"[0-9a-f]{12,64}", re.ASCII)
KINDS: Final[tuple[Kind, ...]] = ("active", "trial", "former")


class Beside(msgspec.Struct, frozen=True):
    """One lift: its heads by what they do, since when its model is in force, what was counted of both."""

    lift: str
    since_ms: int | None
    heads: dict[str, str]
    counted: dict[str, Any] | None


class Models(msgspec.Struct, frozen=True):
    """The detector of all lifts, and what each lift has of its own."""

    name: str
    digest: str
    acts: bool
    lifts: tuple[Beside, ...]


def run(options: argparse.Namespace) -> int:
    """Exit status 0.  Raises Refused."""
    snapshot = check_site(options.site).snapshot
    if snapshot is None:
        raise Refused(
            Text("The site file has mistakes: courtyard check", "站点文件有错误，请运行 courtyard check").say(
                options.lang
            ),
            2,
        )
    try:
        if options.action == "models":
            models = _models(snapshot, options.data / "vision")
            print(msgspec.json.encode(models).decode() if options.json else _told(models).say(options.lang))
            return 0
        become_owner(options.data, options.lang)
        for digest in options.targets:
            print(_changed(options, snapshot, digest).say(options.lang))
    except Refusal as refusal:
        raise Refused(refusal.text.say(options.lang)) from refusal
    return 0


def is_model(data: Path, target: str) -> bool:
    """Whether a target is the hash of a detector, and no lift that has learned something."""
    return DIGEST.fullmatch(target) is not None and not own_head.lessons_folder(data / "vision", target).exists()


def _models(snapshot: Snapshot, folder: Path) -> Models:
    vision = snapshot.site.vision
    manifest = MANIFEST if vision.model == SHIPPED else snapshot.directory / vision.model
    digest = own_model.digest_of(manifest)
    lifts = tuple(_beside(folder, lift.id) for lift in snapshot.site.lifts)
    return Models(vision.model, digest, own_model.acts(vision, digest) and not vision.shadow, lifts)


def _beside(folder: Path, lift: str) -> Beside:
    found = {kind: own_head.read_head(folder, lift, kind) for kind in KINDS}
    since, counted = read(in_force_file(folder, lift)), read(compared_file(folder, lift))
    heads = {str(kind): head.digest for kind, head in found.items() if head is not None}
    return Beside(lift, since.get("since_ms") if since else None, heads, counted)


def _told(models: Models) -> Text:
    name = (
        Text("the product's own detector", "产品自带模型") if models.name == SHIPPED else Text(models.name, models.name)
    )
    state = Text("acts", "已启用") if models.acts else Text("in shadow: nothing follows", "影子运行，不产生动作")
    lines = [(f"{name.en} {models.digest[:DIGITS]}: {state.en}", f"{name.zh} {models.digest[:DIGITS]}：{state.zh}")]
    for each in models.lifts:
        heads = [
            (f"{en} {each.heads[kind]}", f"{zh} {each.heads[kind]}")
            for kind, en, zh in (
                ("active", "head", "判别头"),
                ("trial", "on trial", "影子运行"),
                ("former", "before", "上一版"),
            )
            if kind in each.heads
        ] or [("no head of its own", "无判别头")]
        en, zh = ", ".join(head[0] for head in heads), "，".join(head[1] for head in heads)
        if each.since_ms is not None:
            en, zh = (
                f"{en}; looked at with this since {instant(each.since_ms)[:16]}",
                f"{zh}；自 {instant(each.since_ms)[:16]} 使用",
            )
        counted = each.counted
        if counted and counted.get("looks"):
            share = counted["agreed"] / counted["looks"]
            en += (
                f"; alarms {counted['before']}, with the head on trial {counted['trial_alarms']}, agreement {share:.1%}"
            )
            zh += f"；报警 {counted['before']} 次，启用影子版本后 {counted['trial_alarms']} 次，一致率 {share:.1%}"
        elif counted:
            en, zh = f"{en}; alarms {counted.get('alarms', 0)}", f"{zh}；报警 {counted.get('alarms', 0)} 次"
        lines.append((f"{each.lift}: {en}", f"{each.lift}：{zh}"))
    return Text("\n".join(line[0] for line in lines), "\n".join(line[1] for line in lines))


def _changed(options: argparse.Namespace, snapshot: Snapshot, digest: str) -> Text:
    file, vision = SiteFile(options.site, options.data), snapshot.site.vision
    if options.action == "activate":
        found = own_model.activate(file, vision, digest)
        _note(options, "vision.model_activated", vision.model, found)
        return Text(
            f"{vision.model} {found[:DIGITS]} acts from now on; a door is held only where it is calibrated.",
            f"{vision.model} {found[:DIGITS]} 现已启用；只有用它完成标定的电梯才会保持开门。",
        )
    before = own_model.roll_back(file, vision, digest)
    _note(options, "vision.model_rolled_back", before, digest)
    return Text(f"The product's own detector acts again, {before} no more.", f"已恢复产品自带模型，不再使用 {before}。")


def _note(options: argparse.Namespace, action: str, subject: str, digest: str) -> None:
    """One line of the audit trail, where the box has accounts."""
    folder: Path = options.data / ACCOUNTS
    if folder.exists():
        asyncio.run(_written(folder, action, subject, digest))


async def _written(folder: Path, action: str, subject: str, digest: str) -> None:
    book = AccountBook(folder, wall_ms=lambda: time.time_ns() // 1_000_000)
    await book.open()
    try:
        await book.note(who(), action, subject, details={"model": digest[:DIGITS]})
    finally:
        await book.close()
