"""`courtyard vision evidence list` shows what is kept of lift alarms, `… evidence erase [NAME…]` deletes it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from courtyard.agent.control import Refused
from courtyard.drivers.base import Text


def run(options: argparse.Namespace) -> int:
    """Exit status 0; 1 when a name to erase is not there."""
    files = sorted(_files(options.data / "vision"), key=lambda path: path.name)
    action, *names = options.targets
    if action == "erase":
        return _erase(files, set(names), options)
    if action != "list":
        raise Refused(
            Text(f"{action}: write list or erase.", f"{action}：请填写 list 或 erase。").say(options.lang),
            exit_status=2,
        )
    for path in files:
        line = {"name": path.stem, "file": str(path), "bytes": path.stat().st_size}
        print(msgspec.json.encode(line).decode() if options.json else f"{line['bytes']:>10}  {path}")
    return 0


def _erase(files: list[Path], wanted: set[str], options: argparse.Namespace) -> int:
    chosen = [path for path in files if not wanted or path.stem in wanted or path.name in wanted]
    for path in chosen:
        path.unlink(missing_ok=True)
    if options.json:
        print(msgspec.json.encode({"erased": [path.name for path in chosen]}).decode())
    else:
        count = len(chosen)
        print(Text(f"{count} files erased.", f"已删除 {count} 个文件。").say(options.lang))
    return 1 if wanted and not chosen else 0


def _files(folder: Path) -> Iterator[Path]:
    for pictures in folder.glob("pictures*"):
        yield from (path for path in pictures.iterdir() if path.is_file())
