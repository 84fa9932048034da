"""`courtyard residents list|grant|withdraw|audit|export|erase`: consent of residents, with an audit trail.

A running gateway takes what is added here within seconds.
"""

from __future__ import annotations

import argparse
import os
import pwd
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from courtyard.agent.care.consents import FILE, Act, Consents, Damaged, Deed, Full
from courtyard.agent.cli.system_errors import reason_of
from courtyard.agent.control import Refused
from courtyard.buffer import inspection
from courtyard.config.care import Resident
from courtyard.config.mistakes import SiteError
from courtyard.config.present import present
from courtyard.config.read import load
from courtyard.drivers.base import Language, Text

DONE: Mapping[str, Text] = {
    "grant": Text(
        "{resident} agrees to the use of health data, as the site says ({report}).",
        "{resident} 已同意按站点设置（{report}）使用健康数据。",
    ),
    "withdraw": Text(
        "{resident} no longer agrees: vital signs are not used from now on. Calls for help still go through.",
        "{resident} 已撤回同意：即刻停止使用体征数据，紧急求助不受影响。",
    ),
    "erase": Text(
        "{resident} no longer agrees, and the gateway erases the history on this box. Summaries and alarms that wait "
        "in the journal or have been sent are under the pseudonym only; ask the platform to erase its own.",
        "{resident} 已撤回同意，网关将删除本机的历史数据。缓存中或已上报的摘要和报警只含代号；"
        "平台侧数据请向平台申请删除。",
    ),
}


def run(options: argparse.Namespace) -> int:
    """Exit status 0; 1 when the file of acts is damaged or cannot be used, 2 for a bad site file."""
    consents = Consents(options.data / FILE)
    try:
        consents.refresh()
        return _ACTIONS[options.action](consents, options)
    except Damaged as damage:
        raise Refused(damage.text.say(options.lang)) from damage
    except Full as full:
        text = Text(
            f"{options.data / FILE} is full: keep a copy of it and move it away.",
            f"{options.data / FILE} 已满：请留存副本后移走。",
        )
        raise Refused(text.say(options.lang)) from full
    except OSError as error:
        why = reason_of(error)
        text = Text(
            f"cannot use {options.data / FILE}: {why.en}. Use sudo, or say --data.",
            f"无法使用 {options.data / FILE}：{why.zh}。请使用 sudo，或用 --data 指定数据目录。",
        )
        raise Refused(text.say(options.lang)) from error


def _list(consents: Consents, options: argparse.Namespace) -> int:
    rows = [
        {
            "resident": resident.id,
            "consent": consents.granted(resident.id),
            "since": next((act.at for act in reversed(consents.acts) if act.resident == resident.id), None),
            "report": resident.report,
            "devices": list(resident.devices),
        }
        for resident in _residents(options).values()
    ]
    if options.json:
        print(msgspec.json.encode(rows).decode())
        return 0
    headings = {
        "en": ("resident", "consent", "since", "reported", "devices"),
        "zh-CN": ("住户", "同意", "时间", "上报", "设备"),
    }
    table = Table(*headings[options.lang], box=None)
    for row in rows:
        agrees = Text("yes", "是") if row["consent"] else Text("no", "否")
        devices = ", ".join(row["devices"])  # type: ignore[arg-type]
        table.add_row(
            str(row["resident"]), agrees.say(options.lang), str(row["since"] or ""), str(row["report"]), devices
        )
    Console().print(table)
    return _tell_damage(consents, options.lang)


def _audit(consents: Consents, options: argparse.Namespace) -> int:
    acts = [act for act in consents.acts if options.resident in (None, act.resident)]
    if options.json:
        print(msgspec.json.encode(acts).decode())
    else:
        for act in acts:
            print(f"{act.at}  {act.deed:<8}  {act.resident}  {act.by}  {act.note}".rstrip())
    return _tell_damage(consents, options.lang)


def _act(consents: Consents, options: argparse.Namespace) -> int:
    resident = _named(options)
    act = _add(consents, options, options.action)
    if options.json:
        print(msgspec.json.encode(act).decode())
    else:
        print(DONE[options.action].say(options.lang).format(resident=resident.id, report=resident.report))
    return 0


def _export(consents: Consents, options: argparse.Namespace) -> int:
    """Everything that this box holds of a resident, as one JSON document."""
    resident = _named(options)
    _add(consents, options, "export")
    document = {
        "resident": msgspec.to_builtins(resident),
        "acts": [act for act in consents.acts if act.resident == resident.id],
        "records": list(_records(options.data / "journal", frozenset(resident.devices))),
    }
    print(msgspec.json.encode(document).decode())
    return 0


_ACTIONS = {"list": _list, "audit": _audit, "grant": _act, "withdraw": _act, "erase": _act, "export": _export}


def _records(journal: Path, devices: frozenset[str]) -> Iterator[dict[str, Any]]:
    try:
        for record in inspection.export(journal):
            body = msgspec.json.decode(record.body)
            if body.get("device") in devices:
                yield {"lane": record.lane, "epoch": record.epoch, **body}
    except FileNotFoundError:
        return  # this box has recorded nothing yet


def _residents(options: argparse.Namespace) -> dict[str, Resident]:
    try:
        return {resident.id: resident for resident in load(options.site).site.residents}
    except SiteError as error:
        raise Refused(present(error.mistakes, options.lang), exit_status=2) from error


def _named(options: argparse.Namespace) -> Resident:
    residents = _residents(options)
    if options.resident not in residents:
        known = ", ".join(residents) or "-"
        wanted = options.resident or "?"
        text = Text(
            f"{wanted} is no resident of {options.site}. Residents: {known}",
            f"{options.site} 中没有住户 {wanted}。已有住户：{known}",
        )
        raise Refused(text.say(options.lang), exit_status=2)
    return residents[options.resident]


def _add(consents: Consents, options: argparse.Namespace, deed: Deed) -> Act:
    by = options.by or os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    return consents.add(deed, options.resident, by=by, note=options.note, at_ms=time.time_ns() // 1_000_000)


def _tell_damage(consents: Consents, language: Language) -> int:
    if consents.damage is None:
        return 0
    print(f"courtyard: {consents.damage.text.say(language)}", file=sys.stderr)
    return 1
