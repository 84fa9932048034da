"""Inventory differences, commands and outcomes, and the words of faults."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Callable

import async_solipsism
import pytest

from courtyard.agent.uplinks import faults, reasons
from courtyard.agent.uplinks.faults import Words, error_words
from courtyard.agent.uplinks.inbox import MAX_OUTCOMES, MAX_RUNNING, Inbox, Request
from courtyard.agent.uplinks.inventory import Inventory


def publish_all(inventory: Inventory) -> dict[str, bytes]:
    told = {}
    while item := inventory.next():
        inventory.delivered(*item)
        told[item[0]] = item[1]
    return told


def test_only_the_difference_of_an_inventory_is_published() -> None:
    inventory = Inventory()
    inventory.want({"a": b"1", "b": b"2"})
    assert publish_all(inventory) == {"a": b"1", "b": b"2"}
    inventory.want({"a": b"1", "b": b"3", "c": b"4"})
    assert publish_all(inventory) == {"b": b"3", "c": b"4"}
    inventory.want({"c": b"4"})
    assert publish_all(inventory) == {"a": b"", "b": b""}


def test_what_the_broker_already_holds_is_learnt_and_what_was_removed_meanwhile_is_emptied() -> None:
    inventory = Inventory()
    inventory.learn("a", b"1")
    inventory.learn("gone", b"9")
    assert inventory.next() is None, "nothing may be emptied before the inventory is known"
    inventory.want({"a": b"1", "b": b"2"})
    assert publish_all(inventory) == {"b": b"2", "gone": b""}


def test_what_was_not_acknowledged_is_published_again_on_the_next_connection() -> None:
    inventory = Inventory()
    inventory.want({"a": b"1"})
    assert inventory.next() == ("a", b"1")
    assert inventory.next() is None
    inventory.restart()
    assert publish_all(inventory) == {"a": b"1"}
    inventory.restart()
    assert inventory.next() is None
    inventory.forget()
    inventory.restart()
    assert publish_all(inventory) == {"a": b"1"}


class Desk:
    """An inbox with commands that end when told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.acknowledged: list[bytes] = []
        self.ready = 0
        self.inbox = Inbox(self._execute, self._is_ready)

    async def _execute(self, request: Request) -> bytes | None:
        payload = request.payload
        await self.release.wait()
        return None if payload == b"mute" else b"outcome of " + payload

    def _is_ready(self) -> None:
        self.ready += 1

    def take(self, group: asyncio.TaskGroup, payload: bytes) -> None:
        self.inbox.take(group, Request(payload), lambda: self.acknowledged.append(payload))


def virtually(scenario: Callable[[], object]) -> None:
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(scenario())  # type: ignore[arg-type]


def test_a_command_is_acknowledged_with_its_outcome_and_the_outcome_kept_until_delivered() -> None:
    async def scenario() -> None:
        desk = Desk()
        async with asyncio.TaskGroup() as group:
            desk.take(group, b"one")
            desk.take(group, b"mute")
            assert desk.acknowledged == []
            desk.release.set()
        assert desk.acknowledged == [b"one", b"mute"]
        assert desk.ready == 1
        number, outcome = desk.inbox.next() or (0, b"")
        assert outcome == b"outcome of one"
        assert desk.inbox.next() is None
        desk.inbox.restart()
        assert desk.inbox.next() == (number, outcome), "not acknowledged, so sent again"
        desk.inbox.delivered(number)
        desk.inbox.restart()
        assert desk.inbox.next() is None

    virtually(scenario)


def test_a_flood_of_commands_is_bounded_and_counted() -> None:
    async def scenario() -> None:
        desk = Desk()
        async with asyncio.TaskGroup() as group:
            for number in range(MAX_RUNNING + 5):
                desk.take(group, b"%d" % number)
            desk.release.set()
        assert (desk.inbox.received, desk.inbox.dropped) == (MAX_RUNNING + 5, 5)
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                desk.take(group, b"late %d" % number)
        assert desk.inbox.outcomes_dropped == MAX_RUNNING + 3 - MAX_OUTCOMES
        kept = []
        while item := desk.inbox.next():
            kept.append(item[1])
        assert len(kept) == MAX_OUTCOMES
        assert kept[-1] == b"outcome of late 2"

    virtually(scenario)


WORDS = [
    words
    for module in (faults, reasons)
    for value in vars(module).values()
    for words in ([value] if isinstance(value, Words) else [])
]
FACTS = {
    "host": "h",
    "port": 1,
    "error": "E",
    "seconds": 5,
    "stage": "s",
    "path": "p",
    "setting": "f",
    "reason": "0x80",
}


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.code)
def test_every_fault_speaks_both_languages_and_needs_no_other_fact(words: Words) -> None:
    fault = words.fault(**FACTS, topic="t", gateway="g")
    for text in (fault.what, fault.cure):
        assert re.search("[\u4e00-\u9fff]", text.zh)
        assert not re.search("[\u4e00-\u9fff]", text.en)
        assert "{" not in text.en + text.zh


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "verify failed")
    error.verify_code, error.verify_message = code, "message"
    return error


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, ""), "uplink.refused"),
        (OSError(errno.ENETUNREACH, ""), "uplink.unreachable"),
        (ConnectionResetError(errno.ECONNRESET, ""), "uplink.unreachable"),
        (TimeoutError(errno.ETIMEDOUT, ""), "uplink.silent"),
        (socket.gaierror(socket.EAI_NONAME, ""), "uplink.dns"),
        (verification(18), "uplink.tls.unknown_ca"),
        (verification(20), "uplink.tls.unknown_ca"),
        (verification(10), "uplink.tls.expired"),
        (verification(9), "uplink.tls.not_yet_valid"),
        (verification(62), "uplink.tls.host_name"),
        (verification(64), "uplink.tls.host_name"),
        (verification(23), "uplink.tls.certificate"),
        (alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "uplink.tls.client"),
        (alert("TLSV1_ALERT_UNKNOWN_CA"), "uplink.tls.client"),
        (alert("SSLV3_ALERT_BAD_CERTIFICATE"), "uplink.tls.client"),
        (alert("WRONG_VERSION_NUMBER"), "uplink.tls.plain"),
        (alert("NO_PROTOCOLS_AVAILABLE"), "uplink.tls"),
    ],
)
def test_errors_of_the_way_are_named(error: OSError, code: str) -> None:
    assert error_words(error)[0].code == code
