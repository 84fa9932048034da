"""Fire panels for tests of the whole daemon: simulated ones as processes, and sockets that keep what reaches them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hw_sim.control import Client
from tests.daemon_rig import Box, device

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES: list[dict[str, Any]] = [{"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3}]
METER = device("wm-1", "water/ultrad", "hall", 3)
CSV = "loop,address,place,text\n6,12,b03/f06,3号楼6层走廊\n"


@contextmanager
def simulated_panel(folder: Path, protocol: str, *where: str) -> Iterator[Client]:
    """`hw-sim panel` with `where` as `--path FILE` or `--connect HOST:PORT`; gives the way to command it."""
    arguments = [sys.executable, "-m", "hw_sim", "panel", protocol, *where, "--control", str(folder / "panel.sock")]
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        client = Client(ready["control"])
        stack.callback(client.close)
        yield client


def serial_line(path: Path, baud: int = 9600) -> str:
    """The line of a panel on a pty, for the site file."""
    return f'[[lines]]\nname = "fire-1"\nkind = "serial"\nport = "{path}"\nbaud = {baud}\n'


def net_line(port: int, kind: str = "tcp-server") -> str:
    """The line that transmission devices call, for the site file."""
    return f'[[lines]]\nname = "net"\nkind = "{kind}"\nbind = "127.0.0.1"\nport = {port}\npeers = ["127.0.0.0/8"]\n'


def panel(name: str, line: str, protocol: str, more: str = "") -> str:
    """The table of a panel, for the site file."""
    return (
        f'[[fire_panels]]\nid = "{name}"\nline = "{line}"\nprotocol = "{protocol}"\nplace = "b03/x-fire-room"\n{more}\n'
    )


def write_names(box: Box) -> None:
    """The table of part names, beside the site file."""
    (box.folder / "names").mkdir(exist_ok=True)
    (box.folder / "names" / "fp-1.csv").write_text(CSV, encoding="gb18030")


def states(box: Box, alarm_class: str, device: str | None = None) -> dict[str, str]:
    """The present state of every alarm of a class, by source."""
    latest: dict[str, dict[str, Any]] = {}
    for record in box.alarms(alarm_class):
        if device in (None, record["device"]):
            before = latest.get(record["alarm_id"])
            if before is None or (before["occurrence"], before["change"]) < (record["occurrence"], record["change"]):
                latest[record["alarm_id"]] = record
    return {record.get("source", ""): record["state"] for record in latest.values()}


def is_up(box: Box) -> bool:
    """Whether the gateway reads its meter."""
    return len(box.readings("wm-1")) > 0
