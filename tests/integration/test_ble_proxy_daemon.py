"""A site without any adapter: a call for help reaches the platform through a Bluetooth proxy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hw_sim.control import Client
from tests.daemon_rig import Box, box

SITE = """
[[lines]]
name = "air"
kind = "ble"
adapter = "none"
proxies = [{{ name = "hall-3", host = "127.0.0.1", port = {port}, key_file = "hall-3.key" }}]

[[devices]]
id = "sos-2"
profile = "wearable/bthome-button"
line = "air"
address = "C0:FF:EE:01:00:02"
"""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[dict[str, Any]]:
    control = tmp_path / "proxy.sock"
    command = [sys.executable, "-m", "hw_sim", "proxy", "--residents", "2", "--adverts", "5", "--control", str(control)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield {**json.loads(process.stdout.readline()), "control": control}
        process.terminate()


@pytest.fixture
def gateway(tmp_path: Path, proxy: dict[str, Any]) -> Iterator[Box]:
    with box(tmp_path, [], []) as running:
        (tmp_path / "hall-3.key").write_text(proxy["key"])
        (tmp_path / "hall-3.key").chmod(0o600)
        running.write_site(SITE.format(port=proxy["port"]))
        running.start()
        yield running
        running.end()


def test_a_press_through_a_proxy_reaches_the_platform(gateway: Box, proxy: dict[str, Any]) -> None:
    gateway.wait(lambda: any("battery.level" in each["values"] for each in gateway.readings("sos-2")))
    client = Client(proxy["control"])
    client("press BTH-002")
    gateway.wait(lambda: [each["device"] for each in gateway.alarms("sos")] == ["sos-2"])
    client.close()
    assert proxy["key"] not in gateway.log.read_text()
