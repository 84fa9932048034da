"""sd_notify against a real datagram socket that plays the service manager."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from courtyard.agent.notify import STATUS_LIMIT, Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(60)
        yield ear


@pytest.fixture
def notifier(manager: socket.socket) -> Iterator[Notifier]:
    notifier = Notifier(manager.getsockname(), mono_ns=lambda: 81_231_412_999)
    yield notifier
    notifier.close()


def heard(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().split("\n")


def test_each_message_is_one_datagram_of_the_protocol(manager: socket.socket, notifier: Notifier) -> None:
    said = [
        (notifier.ready("250 meters"), ["READY=1", "STATUS=250 meters"]),
        (notifier.ready(), ["READY=1"]),
        (notifier.status("two lines are down"), ["STATUS=two lines are down"]),
        (notifier.watchdog(), ["WATCHDOG=1"]),
        (notifier.reloading(), ["RELOADING=1", "MONOTONIC_USEC=81231412"]),
        (notifier.extend_timeout(2.5), ["EXTEND_TIMEOUT_USEC=2500000"]),
        (notifier.stopping("bye"), ["STOPPING=1", "STATUS=bye"]),
    ]
    for taken, lines in said:
        assert taken
        assert heard(manager) == lines


def test_a_status_can_not_smuggle_another_field(manager: socket.socket, notifier: Notifier) -> None:
    notifier.status("line rs485-1\nMAINPID=1\r\nREADY=1")
    assert heard(manager) == ["STATUS=line rs485-1 MAINPID=1 READY=1"]


def test_a_status_is_bounded_and_may_be_chinese(manager: socket.socket, notifier: Notifier) -> None:
    notifier.status("表" * 10_000)
    assert heard(manager) == ["STATUS=" + "表" * STATUS_LIMIT]


def test_abstract_names_are_spoken() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("")  # Linux draws a free abstract name
        ear.settimeout(60)
        name: bytes = ear.getsockname()
        notifier = Notifier("@" + name[1:].decode())
        assert notifier.ready()
        assert heard(ear) == ["READY=1"]
        notifier.close()


def test_without_a_manager_nothing_happens() -> None:
    notifier = Notifier.from_environment({})
    assert notifier.watchdog_s is None
    assert notifier.ready()
    assert notifier.failure is None


def test_a_manager_that_is_gone_is_reported_not_raised(tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "nobody"))
    assert not notifier.watchdog()
    assert isinstance(notifier.failure, FileNotFoundError)
    notifier.close()


def test_a_full_queue_does_not_block_the_event_loop(manager: socket.socket, notifier: Notifier) -> None:
    taken = 0
    while notifier.watchdog():
        taken += 1
        assert taken < 100_000
    assert isinstance(notifier.failure, BlockingIOError)
    for _ in range(taken):
        assert heard(manager) == ["WATCHDOG=1"]
    assert notifier.watchdog()


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "", "NOTIFY_SOCKET": ""}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_only_when_it_names_us(environment: dict[str, str], watchdog_s: float | None) -> None:
    assert Notifier.from_environment(environment, pid=42).watchdog_s == watchdog_s


@pytest.mark.parametrize("address", ["vsock:2:1234", "run/notify", "notify"])
def test_an_address_that_is_no_local_socket_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="NOTIFY_SOCKET"):
        Notifier.from_environment({"NOTIFY_SOCKET": address})
