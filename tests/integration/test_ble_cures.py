"""What keeps Bluetooth from working is named with its cure, and everything else of the gateway runs on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blestack_rig import Stack, bluetooth
from tests.daemon_rig import Box, box, device

SITE = """
[[lines]]
name = "ble-1"
kind = "ble"

[[devices]]
id = "sos-2"
profile = "wearable/bthome-button"
line = "ble-1"
address = "C0:FF:EE:01:00:02"
"""
LINE = {"name": "meters", "kind": "tcp"}
METER = {"id": "wm-1", "model": "tuf-2000", "line": "meters", "address": 1}
STATES = (
    (("stack", "version", "5.66"), ("adapter", "unplug"), "ble.no_adapter", "bluetoothctl list"),
    (("adapter", "plug"), ("adapter", "block"), "ble.rfkill", "rfkill unblock bluetooth"),
    (("adapter", "unblock"), ("stack", "stop"), "ble.no_stack", "systemctl enable --now bluetooth"),
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, [LINE], [METER]) as made:
        meter = device("wm-1", "water/tuf-2000", "meters", 1, more="options = { multiplier = 1 }")
        made.write_site(made.line("meters"), meter, SITE)
        yield made
        made.end()


def fault(gateway: Box) -> dict[str, Any]:
    return dict(gateway.status().get("faults", {}).get("ble-1", {}))


def until(gateway: Box, code: str | None) -> dict[str, Any]:
    """Waits for the line to have this fault, or none; every question takes a while by itself."""
    deadline = time.monotonic() + 100
    while (found := fault(gateway)).get("code") != code:
        assert time.monotonic() < deadline, found
    return found


def meter_goes_on(gateway: Box) -> None:
    count = len(gateway.readings("wm-1"))
    gateway.wait(lambda: len(gateway.readings("wm-1")) >= count + 2)


def test_each_trouble_is_named_and_cured_without_a_restart(gateway: Box, tmp_path: Path) -> None:
    folder = tmp_path / "bluez"
    with bluetooth(folder, "--adverts", "5", "--version-of-stack", "5.50") as stack:
        gateway.environment = stack.environment
        gateway.start()
        gateway.wait(lambda: bool(gateway.readings("wm-1")))
        found = until(gateway, "ble.bluez_old")
        assert "5.55" in found["what"]["en"]
        assert "升级" in found["cure"]["zh"]
        for cure, trouble, code, words in STATES:
            stack(*cure)
            until(gateway, None)
            stack(*trouble)
            assert words in until(gateway, code)["cure"]["en"]
            meter_goes_on(gateway)
        stack("stack", "start")
        until(gateway, None)
        press(gateway, stack)


def press(gateway: Box, stack: Stack) -> None:
    stack("press", "BTH-002")
    gateway.wait(lambda: bool(gateway.alarms("sos")))


def test_a_bus_that_forbids_it_is_named(gateway: Box, tmp_path: Path) -> None:
    with bluetooth(tmp_path / "bluez", "--forbidden") as stack:
        gateway.environment = stack.environment
        gateway.start()
        gateway.wait(lambda: bool(gateway.readings("wm-1")))
        assert "usermod -aG bluetooth" in until(gateway, "ble.no_permission")["cure"]["en"]
        meter_goes_on(gateway)


def test_without_a_bus_it_is_named(gateway: Box, tmp_path: Path) -> None:
    gateway.environment = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/nothing"}
    gateway.start()
    gateway.wait(lambda: bool(gateway.readings("wm-1")))
    assert "systemctl start dbus" in until(gateway, "ble.no_bus")["cure"]["en"]
    meter_goes_on(gateway)
