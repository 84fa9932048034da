"""The detector that a site brings for its lifts: which one it is, and the line of the site file that lets it act.

No numpy in here.

Invariants
1. Only a detector whose file has the hash of its manifest is activated, and only under that hash.
2. Going back leaves the product's own detector in force, never none.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from courtyard.agent.refusal import Refusal
from courtyard.config.edit import Unchangeable, with_values
from courtyard.config.lifts import SHIPPED, Vision
from courtyard.config.present import present
from courtyard.config.site_file import Changed, SiteFile
from courtyard.drivers.base import Text

LARGEST_MANIFEST: Final = 64_000
TABLE: Final = "vision"
NONE: Final = Refusal(
    "vision.model.none",
    Text(
        "The site names no detector of its own: write its manifest into `model` of [vision].",
        "站点没有自备模型：请在 [vision] 的 model 中填写其清单文件。",
    ),
)
OTHER: Final = Refusal(
    "vision.model.other",
    Text(
        "The detector beside the site file is another one by now. Look again at which one it is.",
        "站点文件旁的模型已更换，请重新确认。",
    ),
)
BROKEN: Final = Refusal(
    "vision.model.broken",
    Text(
        "The detector cannot be read, or has not the hash of its manifest. `courtyard check` says more.",
        "无法读取模型，或其哈希与清单不符。请运行 courtyard check 查看详情。",
    ),
)
BY_HAND: Final = Refusal(
    "site.by_hand",
    Text("This part of the site file can only be changed by hand.", "站点文件的这一部分只能手工修改。"),
)


def digest_of(manifest: Path) -> str:
    """The hash of a detector; blocks for reading it.  Raises Refusal."""
    try:
        with manifest.open("rb") as file:
            told = tomllib.loads(file.read(LARGEST_MANIFEST).decode())
        with manifest.with_name(Path(str(told["file"])).name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError) as error:
        raise BROKEN from error
    if found != told.get("sha256"):
        raise BROKEN
    return found


def acts(vision: Vision, digest: str) -> bool:
    """Whether a detector with this hash may act."""
    return vision.model == SHIPPED or (vision.activated is not None and digest.startswith(vision.activated))


def activate(site_file: SiteFile, vision: Vision, digest: str) -> str:
    """Lets the site's own detector act, if it is the one with this hash; the whole hash.  Blocks.  Raises Refusal."""
    if vision.model == SHIPPED:
        raise NONE
    found = digest_of(site_file.path.parent / vision.model)
    if not found.startswith(digest):
        raise OTHER
    _write(site_file, {"activated": found})
    return found


def roll_back(site_file: SiteFile, vision: Vision, digest: str) -> str:
    """Puts the product's own detector in force; which manifest the site named before.  Blocks.  Raises Refusal."""
    if vision.model == SHIPPED:
        raise NONE
    if not _known_as(vision, site_file.path.parent / vision.model).startswith(digest):
        raise OTHER
    _write(site_file, {"model": None, "activated": None})
    return vision.model


def _known_as(vision: Vision, manifest: Path) -> str:
    """The hash of the site's own detector; where it cannot be read, the one that the site file lets act."""
    try:
        return digest_of(manifest)
    except Refusal:
        return vision.activated or ""


def _write(site_file: SiteFile, values: Mapping[str, Any]) -> None:
    try:
        before = site_file.read()
        text = with_values(before.text, TABLE, values)
        verdict = site_file.check(text)
        if verdict.snapshot is None:
            said = Text(present(verdict.mistakes, "en"), present(verdict.mistakes, "zh-CN"))
            raise Refusal("site.mistakes", said)
        site_file.write(text, before)
    except (Unchangeable, Changed, ValueError) as error:
        raise BY_HAND from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        text_ = Text(f"The site file cannot be written: {reason}.", f"无法写入站点文件：{reason}。")
        raise Refusal("site.disk", text_) from error
