"""`courtyard journal status|tail|export|verify`: the records on this box, read-only, also while the gateway runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.control import Refused
from courtyard.agent.journal_faults import defect_of
from courtyard.agent.records import instant
from courtyard.buffer import StoredRecord, inspection
from courtyard.buffer.faults import DiskFault
from courtyard.drivers.base import Language, Text

CHUNK = 1000


def run(options: argparse.Namespace) -> int:
    """Exit status 0; 1 when `verify` finds a problem or there is no journal to read."""
    directory: Path = options.data / "journal"
    try:
        return _ACTIONS[options.action](directory, options)
    except FileNotFoundError as error:
        text = Text(
            f"There is no journal in {directory}. Name the gateway's data directory with --data; "
            "where no gateway has run yet there is none.",
            f"{directory} 中没有数据缓存。请用 --data 指定网关的数据目录；网关从未运行过时没有数据缓存。",
        )
        raise Refused(text.say(options.lang)) from error
    except DiskFault as error:
        raise Refused(
            Text(f"cannot read {directory}: {error}", f"无法读取 {directory}：{error}").say(options.lang)
        ) from error


def _status(directory: Path, options: argparse.Namespace) -> int:
    status = inspection.status(directory)
    if options.json:
        print(msgspec.json.encode(status).decode())
        return 0
    language: Language = options.lang
    console = Console()
    headings = {
        "en": ("lane", "epoch", "head", "records", "MB", "oldest"),
        "zh-CN": ("通道", "纪元", "末号", "记录数", "MB", "最早"),
    }
    table = Table(*headings[language], box=None)
    for name, lane in status.lanes.items():
        oldest = "" if lane.oldest_at_ms is None else instant(lane.oldest_at_ms)
        table.add_row(name, lane.epoch, str(lane.head), str(lane.records), f"{lane.bytes / 1e6:.2f}", oldest)
    console.print(table)
    columns = {
        "en": ("uplink", "lane", "backlog", "oldest", "lost"),
        "zh-CN": ("平台", "通道", "积压", "最早", "丢失"),
    }
    table = Table(*columns[language], box=None)
    for name, uplink in status.uplinks.items():
        for lane_name, backlog in uplink.backlog.items():
            oldest = "" if backlog.oldest_at_ms is None else instant(backlog.oldest_at_ms)
            table.add_row(name, lane_name, str(backlog.records), oldest, str(sum(uplink.lost.values())))
    if status.uplinks:
        console.print(table)
    used = Text(f"{status.used_bytes / 1e6:.1f} MB on disk", f"磁盘占用 {status.used_bytes / 1e6:.1f} MB")
    console.print(used.say(language), highlight=False)
    return 0


def _tail(directory: Path, options: argparse.Namespace) -> int:
    records = inspection.tail(directory, options.count, options.lane)
    if options.json:
        print(msgspec.json.encode([_as_data(record) for record in records]).decode())
        return 0
    for record in records:
        print(f"{instant(record.at_ms)} {record.lane:<8}{record.epoch}:{record.seq:<8} {record.body.decode()}")
    return 0


def _export(directory: Path, options: argparse.Namespace) -> int:
    """JSON lines, one record each, oldest first; with --json one array."""
    lines: list[Any] = []
    for record in inspection.export(directory, lane=options.lane):
        lines.append(_as_data(record))
        if not options.json and len(lines) >= CHUNK:
            _write(lines)
            lines = []
    if options.json:
        print(msgspec.json.encode(lines).decode())
    else:
        _write(lines)
    return 0


def _verify(directory: Path, options: argparse.Namespace) -> int:
    verdict = inspection.verify(directory)
    if options.json:
        print(msgspec.json.encode(verdict).decode())
        return 1 if verdict.problems else 0
    for problem in verdict.problems:
        fault = defect_of(problem)
        print(f"{fault.what.say(options.lang)}\n  {fault.cure.say(options.lang)}")
    text = Text(
        f"{verdict.records} records in {verdict.epochs} epochs, {verdict.bytes / 1e6:.1f} MB: "
        + (f"{len(verdict.problems)} problems." if verdict.problems else "whole, without a hole."),
        f"{verdict.epochs} 个纪元共 {verdict.records} 条记录，{verdict.bytes / 1e6:.1f} MB："
        + (f"发现 {len(verdict.problems)} 个问题。" if verdict.problems else "完整，编号无缺口。"),
    )
    print(text.say(options.lang))
    return 1 if verdict.problems else 0


_ACTIONS = {"status": _status, "tail": _tail, "export": _export, "verify": _verify}


def _as_data(record: StoredRecord) -> dict[str, Any]:
    identity = {"epoch": record.epoch, "boot": record.boot, "lane": record.lane, "seq": record.seq}
    return {**identity, "record": msgspec.Raw(record.body)}


def _write(lines: list[Any]) -> None:
    sys.stdout.buffer.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    sys.stdout.buffer.flush()
