"""Pairing on a simulated stack, by command line and running gateway: only then, only that device, only so long."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from courtyard.agent.cli import pair
from courtyard.agent.control import Refused
from tests.blestack_rig import Stack, bluetooth, meeting
from tests.daemon_rig import Box, box

SITE = """
[[lines]]
name = "ble-1"
kind = "ble"
further_adapters = ["hci1"]

[[devices]]
id = "cuff-1"
profile = "wearable/blood-pressure"
line = "ble-1"
address = "C0:FF:EE:03:00:01"

[[devices]]
id = "cuff-2"
profile = "wearable/blood-pressure-paired"
line = "ble-1"
address = "C0:FF:EE:03:00:02"
"""
STRANGER = "C0:FF:EE:02:00:01"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = ("--residents", "3", "--adverts", "5", "--beats", "5", "--adapters", "2")
    with bluetooth(tmp_path_factory.mktemp("bluez"), *options) as stack:
        yield stack


@pytest.fixture(scope="module")
def gateway(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with box(tmp_path_factory.mktemp("box"), [], []) as running:
        running.write_site(SITE)
        running.environment = stack.environment
        running.start()
        until(lambda: stack("stats")["scanning"] == 2)
        yield running
        running.end()


@pytest.fixture(autouse=True)
def nothing_pairs_afterwards(stack: Stack) -> Iterator[None]:
    yield
    until(lambda: stack("stats")["agents"] == [])


def until(true: Callable[[], object], timeout_s: float = 100.0) -> None:
    """Each look takes its time by itself."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline


def run(gateway: Box, device: str, *, seconds: float = 30.0, answers: tuple[str, ...] = (), **more: Any) -> int:
    """As the command does; raises Refused."""
    waiting = list(answers)
    options = {"lang": "en", "json": True, "line": None, "passkey": None, "remove": False, **more}
    made = argparse.Namespace(socket=gateway.socket, device=device, seconds=seconds, **options)
    return pair.run(made, lambda question: waiting.pop(0))


def fault(gateway: Box, device: str) -> str:
    return str(gateway.status()["faults"].get(device, {}).get("code", ""))


def pressures(gateway: Box, device: str) -> int:
    return sum("vital.pressure.systolic" in each["values"] for each in gateway.readings(device))


@pytest.mark.parametrize(("device", "name"), [("cuff-1", "BPM-001"), ("cuff-2", "BPM-002")])
def test_a_device_that_wants_pairing_says_so_and_speaks_once_paired(
    gateway: Box, stack: Stack, device: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack("device", name, "secured", "2A35")
    stack("press", name, "measure")
    until(lambda: fault(gateway, device) == "device.not_paired")
    found = gateway.status()["faults"][device]
    assert found["cure"]["en"].endswith(f"sudo courtyard pair {device}")
    assert found["cure"]["zh"].endswith(f"sudo courtyard pair {device}")
    assert pressures(gateway, device) == 0
    stack("press", name, "measure")
    assert run(gateway, device) == 0
    assert json.loads(capsys.readouterr().out)["device"] == device
    assert stack("stats")["paired"].count(name) == 1
    stack("press", name, "measure")
    gateway.wait(lambda: pressures(gateway, device) > 0)
    until(lambda: fault(gateway, device) == "")
    said = json.dumps(gateway.platform.records).upper() + gateway.log.read_text().upper()
    assert "C0:FF:EE" not in said
    assert "123456" not in said


@pytest.mark.parametrize(
    ("how", "answers"), [("passkey", ("654321",)), ("compare", ("y",)), ("shown", ()), ("just-works", ())]
)
def test_every_way_of_pairing(gateway: Box, stack: Stack, how: str, answers: tuple[str, ...]) -> None:
    stack("device", "TMP-001", "pairs", how, 654321)
    stack("press", "TMP-001", "measure")
    assert run(gateway, STRANGER, answers=answers) == 0
    assert "TMP-001" in stack("stats")["paired"]
    assert run(gateway, STRANGER, remove=True) == 0
    assert "TMP-001" not in stack("stats")["paired"]
    assert run(gateway, STRANGER, remove=True) == 1


@pytest.mark.parametrize(
    ("how", "answers", "words"),
    [
        ("passkey", ("111111",), "passkey was wrong"),
        ("passkey", ("",), "given up"),
        ("compare", ("n",), "given up"),
        ("refused", (), "refused"),
        ("never", (), "in time"),
    ],
)
def test_what_does_not_pair_is_named(
    gateway: Box, stack: Stack, how: str, answers: tuple[str, ...], words: str
) -> None:
    stack("device", "TMP-001", "pairs", how, 654321)
    stack("press", "TMP-001", "measure")
    with pytest.raises(Refused, match=words):
        run(gateway, STRANGER, answers=answers, seconds=5.0 if how == "never" else 30.0)
    assert "TMP-001" not in stack("stats")["paired"]
    assert stack("stats")["connected"] == 0


def test_a_device_that_is_not_there_is_waited_for_only_so_long(gateway: Box) -> None:
    with pytest.raises(Refused, match="was not heard"):
        run(gateway, "C0:FF:EE:FF:FF:FF", seconds=5.0)
    with pytest.raises(Refused, match="neither a wearable"):
        run(gateway, "front-door")


def test_the_agent_is_there_only_meanwhile_and_for_one_device_only(gateway: Box, stack: Stack) -> None:
    """Another program that asks it, even with the right path, is refused."""
    stack("device", "TMP-001", "pairs", "passkey", 654321)
    stack("press", "TMP-001", "measure")
    seen: list[Any] = []

    def meddle(question: str) -> str:
        seen.extend(stack("stats")["agents"])
        with meeting(stack):
            seen.append(asyncio.run(ask_the_agents()))
        return "654321"

    options = {"lang": "en", "json": True, "line": None, "passkey": None, "remove": False, "seconds": 30.0}
    made = argparse.Namespace(socket=gateway.socket, device=STRANGER, **options)
    assert pair.run(made, meddle) == 0
    assert seen == ["KeyboardDisplay", {"org.bluez.Error.Rejected"}]
    run(gateway, STRANGER, remove=True)


async def ask_the_agents() -> set[str]:
    """What everybody on the bus who has an agent answers a stranger."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    listed = await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="ListNames",
        )
    )
    assert listed is not None
    errors: set[str] = set()
    device = f"/org/bluez/hci0/dev_{STRANGER.replace(':', '_')}"
    for name in listed.body[0]:
        if not name.startswith(":") or name == bus.unique_name:
            continue
        call = Message(
            destination=name,
            path="/courtyard/agent",
            interface="org.bluez.Agent1",
            member="RequestPasskey",
            signature="o",
            body=[device],
        )
        answer = await bus.call(call)
        assert answer is not None
        assert answer.message_type == MessageType.ERROR
        if str(answer.error_name).startswith("org.bluez"):
            errors.add(str(answer.error_name))
    bus.disconnect()
    return errors
