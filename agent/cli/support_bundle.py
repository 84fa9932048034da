"""`courtyard support-bundle`: one file for who can help from afar; no secret is in it."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import msgspec

from courtyard.agent.cli.status import one_answer
from courtyard.agent.cli.system_errors import reason_of
from courtyard.agent.control import Refused
from courtyard.agent.tools.box import Box, output_of
from courtyard.agent.tools.bundle import cleaner, pack, secrets_of_site
from courtyard.agent.tools.doctor import examine
from courtyard.buffer import inspection
from courtyard.buffer.faults import DiskFault
from courtyard.config.present import as_data
from courtyard.config.read import check_site
from courtyard.drivers.base import Text

LOG_LINES = 5000


def run(options: argparse.Namespace) -> int:
    """Exit status 0; 1 when the file can not be written."""
    redactor = cleaner(secrets_of_site(options.site))
    bundle = pack(dict(_parts(options)), redactor)
    target: Path = options.output or Path(time.strftime("courtyard-support-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime()))
    try:
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(bundle)
    except OSError as error:
        why = reason_of(error)
        text = Text(f"cannot write {target}: {why.en}.", f"无法写入 {target}：{why.zh}。")
        raise Refused(text.say(options.lang)) from error
    if options.json:
        print(msgspec.json.encode({"file": str(target), "bytes": len(bundle)}).decode())
    else:
        text = Text(
            f"{target} ({len(bundle) / 1e3:.0f} kB). Secrets and phone numbers are masked; look before you send it.",
            f"{target}（{len(bundle) / 1e3:.0f} kB）。密码和电话号码已隐去；发送前请自行查看内容。",
        )
        print(text.say(options.lang))
    return 0


def _parts(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    yield "about.json", _about()
    yield "site.toml", _or_reason(lambda: options.site.read_text("utf-8", "replace"))
    yield "check.json", _or_reason(lambda: _check(options.site))
    yield "doctor.json", _or_reason(lambda: examine(Box(options.site, options.data, options.socket)))
    yield "status.json", _or_reason(lambda: asyncio.run(one_answer(options.socket, "status", options.lang)))
    yield "frames.json", _or_reason(lambda: asyncio.run(one_answer(options.socket, "frames", options.lang)))
    yield "journal.json", _or_reason(lambda: inspection.status(options.data / "journal"))
    log = output_of(["journalctl", "--unit=courtyard", f"--lines={LOG_LINES}", "--no-pager", "--output=cat"])
    yield "log.txt", log or "no log of the service courtyard could be read"


def _about() -> dict[str, Any]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": sys.version,
        "machine": platform.platform(),
        "packages": {each.metadata["Name"]: each.version for each in distributions()},
    }


def _check(site: Path) -> Any:
    verdict = check_site(site)
    return as_data((*verdict.mistakes, *verdict.warnings))


def _or_reason(part: Callable[[], Any]) -> Any:
    """The part, or why it can not be had: a bundle of a box that is ill lacks something by nature."""
    try:
        return part()
    except (OSError, ValueError, TimeoutError, Refused, DiskFault) as error:
        return f"{type(error).__name__}: {error}"
