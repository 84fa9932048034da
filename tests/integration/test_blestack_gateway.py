"""The whole gateway on a simulated Bluetooth stack: a call for help reaches the platform, through a crash of the stack;
`courtyard scan ble` asks the running daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blestack_rig import Stack, bluetooth
from tests.daemon_rig import Box, box, device

SITE = """
[[lines]]
name = "ble-1"
kind = "ble"
connections = 4

[[devices]]
id = "sos-1"
profile = "wearable/bthome-button-encrypted"
line = "ble-1"
address = "c0-ff-ee-01-00-01"
key_file = "sos-1.key"
place = "b01/u01/f01/r101"

[[devices]]
id = "sos-2"
profile = "wearable/bthome-button"
line = "ble-1"
address = "C0:FF:EE:01:00:02"

[[devices]]
id = "cuff-1"
profile = "wearable/blood-pressure"
line = "ble-1"
address = "C0:FF:EE:03:00:01"
"""
LINE = {"name": "meters", "kind": "tcp"}
METER = {"id": "wm-1", "model": "tuf-2000", "line": "meters", "address": 1}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with bluetooth(tmp_path_factory.mktemp("bluez"), "--adverts", "5", "--beats", "5") as stack:
        yield stack


@pytest.fixture
def gateway(stack: Stack, tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, [LINE], [METER]) as running:
        key = tmp_path / "sos-1.key"
        key.write_text(bytes((1, *range(1, 16))).hex())
        key.chmod(0o600)
        running.write_site(
            running.line("meters"),
            device("wm-1", "water/tuf-2000", "meters", 1, more="options = { multiplier = 1 }"),
            SITE,
        )
        running.environment = stack.environment
        running.start()
        yield running
        running.end()


def called(gateway: Box, name: str) -> bool:
    return any(alarm["device"] == name for alarm in gateway.alarms("sos"))


def test_a_call_for_help_reaches_the_platform_through_a_crash_of_the_stack(gateway: Box, stack: Stack) -> None:
    gateway.wait(lambda: bool(gateway.readings("wm-1")))
    gateway.wait(lambda: any("battery.level" in each["values"] for each in gateway.readings("sos-1")))
    stack("press", "BTH-001")
    gateway.wait(lambda: called(gateway, "sos-1"))
    assert gateway.alarms("sos")[0]["severity"] == 1
    stack("stack", "crash")
    stack("stack", "start")
    stack("press", "BTH-002")
    gateway.wait(lambda: called(gateway, "sos-2"))
    raised = [alarm for alarm in gateway.alarms("sos") if alarm["device"] == "sos-1" and alarm["change"] == 1]
    assert len(raised) == 1
    assert "C0:FF:EE" not in json.dumps(gateway.platform.records).upper()
    stack("press", "BPM-001", "measure")
    gateway.wait(lambda: any("vital.pressure.systolic" in each["values"] for each in gateway.readings("cuff-1")))


def test_scan_asks_the_running_daemon(gateway: Box, stack: Stack) -> None:
    gateway.wait(lambda: any("battery.level" in each["values"] for each in gateway.readings("sos-2")))
    arguments = ["scan", "ble", "--json", "--seconds", "2", "--site", gateway.site_file, "--socket", gateway.socket]
    command = [sys.executable, "-m", "courtyard.agent", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    seen = {row["address"]: row for row in json.loads(done.stdout)}
    assert seen["C0:FF:EE:01:00:02"]["device"] == "sos-2"
    assert seen["C0:FF:EE:01:00:05"]["guesses"] == ["wearable/blueup-safety"]
    assert seen["C0:FF:EE:01:00:05"]["device"] == ""
