"""The second path of a gateway that is killed in the middle: the siren goes on, a number gets its message once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hw_sim.control import Client
from tests.daemon_rig import RELAYS, Box, box, device

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [
    {"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3},
    {"id": "relays", "model": "relay-board", "line": "hall", "address": 10},
]
SECOND_PATH = (
    '[[outputs]]\nname = "siren"\ndevice = "relays"\ntarget = "siren"\ncap = "10m"\n'
    '[[rules]]\nname = "gone"\nkind = "unreachable"\ndevices = ["wm-*"]\nseverity = 1\nfor = "1s"\n'
    '[[escalations]]\nname = "life"\nclasses = ["unreachable"]\nsteps = [\n'
    '  { kind = "output", after = "1s", output = "siren" },\n'
    '  { kind = "sms", after = "2s", numbers = ["119", "120"] },\n]\n'
)


@contextmanager
def modem(path: Path) -> Iterator[Client]:
    """A simulated modem in a process of its own."""
    control = path.with_suffix(".sock")
    command = [sys.executable, "-m", "hw_sim", "modem", "--path", str(path), "--control", str(control)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        client = Client(control)
        try:
            yield client
        finally:
            client.close()
            process.terminate()


def steps(stage: Box, step: str) -> list[str]:
    """Results of a step, as the platform heard of them."""
    events: list[dict[str, Any]] = stage.platform.records["event"]
    told = [each["details"] for each in events if each["event"] == "escalation.step"]
    return [each["result"] for each in told if each["step"].startswith(step)]


def starts(stage: Box) -> int:
    """How often the gateway has come up, as the platform knows it."""
    return sum(each["event"] == "gateway.started" for each in stage.platform.records["event"])


def test_a_kill_in_the_middle_of_the_second_path(tmp_path: Path) -> None:
    with box(tmp_path, LINES, DEVICES) as stage, modem(tmp_path / "modem") as telephone:
        port = f'[modem]\nport = "{tmp_path / "modem"}"\n'
        stage.write_site(stage.line("hall"), device("wm-1", "water/ultrad", "hall", 3), RELAYS, SECOND_PATH, port)
        stage.start()
        stage.wait(lambda: len(stage.readings("wm-1")) >= 1)
        stage.simulator("fault wm-1 dead")
        stage.wait(lambda: stage.simulator("held")["relays"] != {})
        stage.wait(lambda: "reached" in steps(stage, "sms"))
        stage.end(signal.SIGKILL)
        assert stage.simulator("held")["relays"] != {}
        stage.start()
        stage.wait(lambda: starts(stage) == 2 and "done" in steps(stage, "sms"))
        stage.wait(lambda: stage.simulator("held")["relays"] != {})
        numbers = [message["number"] for message in telephone("sent")]
        assert set(numbers) == {"119", "120"}
        assert len(numbers) <= 3  # the one that was on its way at the kill may come again
        assert stage.end() == 0
        assert stage.simulator("held")["relays"] == {}
    assert json.dumps(steps(stage, "output")).count("trying") == 1
