"""From a transmission device through the gateway to a fire-control centre, with the gateway killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hw_sim.control import Client
from hw_sim.ports import free_port
from tests.daemon_rig import Box, box

KILLS = 100 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 3
EVENTS = 8
LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3}]


@contextmanager
def simulator(folder: Path, *arguments: str) -> Iterator[tuple[dict[str, Any], Client]]:
    control = folder / f"{arguments[0]}.sock"
    command = [sys.executable, "-m", "hw_sim", *arguments, "--control", str(control)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        client = Client(control)
        try:
            yield ready, client
        finally:
            client.close()
            process.terminate()


def fires(centre: Client) -> set[int]:
    """Component addresses of which a fire was reported."""
    return {report["words"][3] for report in centre("reports") if report["kind"] == 2 and report["words"][4] & 2}


def await_fires(stage: Box, centre: Client, wanted: int) -> None:
    """Looks five times a second; a centre in a process of its own calls nobody."""
    never = threading.Event()
    for _ in range(300):
        if len(fires(centre)) >= wanted:
            return
        never.wait(0.2)
    raise AssertionError((len(fires(centre)), stage.log.read_text(errors="replace")[-3000:]))


def starts(stage: Box) -> int:
    """How often the gateway has come up, as the platform knows it."""
    return sum(record["event"] == "gateway.started" for record in stage.platform.records["event"])


@pytest.mark.timeout(300 + 20 * KILLS)
def test_no_fire_is_lost_between_panel_and_centre(tmp_path: Path) -> None:
    port = free_port()
    with (
        box(tmp_path, LINES, DEVICES) as stage,
        simulator(tmp_path, "centre") as (ready, centre),
        simulator(tmp_path, "panel", "gb26875", "--connect", f"127.0.0.1:{port}") as (_, panel),
    ):
        stage.write_site(
            f'[[lines]]\nname = "fire-1"\nkind = "tcp-server"\nbind = "127.0.0.1"\nport = {port}\n',
            '[[fire_panels]]\nid = "fp-1"\nline = "fire-1"\nprotocol = "gb26875"\n',
            f'[[uplinks]]\nname = "centre"\nurl = "tcp://127.0.0.1:{ready["port"]}"\nformat = "gb26875"\n'
            'from = "oldest"\nstation = { address = 77 }\n',
        )
        for number in range(KILLS):
            stage.start()
            for point in range(EVENTS):
                panel(f"event fire {number + 1} {point + 1} smoke")
            await_fires(stage, centre, number * EVENTS + number % EVENTS + 1)
            stage.end(signal.SIGKILL)
        stage.start()
        await_fires(stage, centre, KILLS * EVENTS)
        stage.wait(lambda: starts(stage) == KILLS + 1)
        assert fires(centre) == {loop + 1 << 16 | point + 1 for loop in range(KILLS) for point in range(EVENTS)}
        assert stage.end() == 0
