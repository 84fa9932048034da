"""The two methods of paho that are replaced: held against the paho that is installed."""

from __future__ import annotations

import inspect
import socket

import paho.mqtt.client as paho
import pytest

from courtyard.agent.uplinks.client import Client, LastError

CONNACK = {4: b"\x20\x02\x00\x00", 5: b"\x20\x03\x00\x00\x00"}


class Wire:
    """A client at one end of a socket pair, accepted by a broker that is the other end."""

    def __init__(self, version: int, client: type[Client] = Client) -> None:
        self.answers: list[tuple[int, int]] = []
        here, self.far = socket.socketpair()
        self.far.settimeout(60)
        self.client = client(version, "gw", lambda mid, reason: self.answers.append((mid, reason)))
        self.client._create_socket = lambda: here  # type: ignore[method-assign]
        self.client.connect("broker")
        self.say(CONNACK[version])

    def say(self, packets: bytes) -> None:
        self.far.sendall(packets)
        self.client.loop_read()
        while self.client.buffered:
            self.client.loop_read()

    def publish(self) -> int:
        return self.client.publish("t", b"x", qos=1).mid

    def close(self) -> None:
        self.far.close()
        self.client.loop_read()


class Original(Client):
    """With paho's own methods."""

    _handle_pubackcomp = paho.Client._handle_pubackcomp
    _sock_recv = paho.Client._sock_recv


@pytest.mark.parametrize("name", ["_sock_recv", "_handle_pubackcomp"])
def test_paho_still_has_what_is_replaced(name: str) -> None:
    assert name in vars(paho.Client)
    ours, theirs = inspect.signature(getattr(Client, name)), inspect.signature(getattr(paho.Client, name))
    assert list(ours.parameters) == list(theirs.parameters)


@pytest.mark.parametrize("client", [Client, Original])
@pytest.mark.parametrize(
    ("version", "rest", "reason"),
    [(4, b"", 0), (5, b"", 0), (5, b"\x00", 0), (5, b"\x10", 0x10), (5, b"\x87\x00", 0x87), (5, b"\x97", 0x97)],
)
def test_acknowledgements_are_read_as_paho_reads_them(
    client: type[Client], version: int, rest: bytes, reason: int
) -> None:
    wire = Wire(version, client)
    mids = [wire.publish() for _ in range(3)]
    packets = [b"\x40" + bytes([2 + len(rest)]) + mid.to_bytes(2, "big") + rest for mid in mids]
    wire.say(packets[1] + packets[0])
    wire.say(packets[2])
    assert wire.answers == [(mids[1], reason), (mids[0], reason), (mids[2], reason)]
    wire.say(packets[2])
    assert len(wire.answers) == 3, "an acknowledgement of nothing is nothing"
    wire.close()


def test_a_reason_that_paho_has_no_name_for_is_a_reason_all_the_same() -> None:
    wire = Wire(5)
    mid = wire.publish()
    wire.say(b"\x40\x03" + mid.to_bytes(2, "big") + b"\x95")
    assert wire.answers == [(mid, 0x95)]
    assert wire.client.is_connected()
    wire.close()


def test_packets_cut_anywhere_are_put_together() -> None:
    wire = Wire(5)
    mids = [wire.publish() for _ in range(4)]
    stream = b"".join(b"\x40\x03" + mid.to_bytes(2, "big") + b"\x10" for mid in mids)
    for at in range(len(stream)):
        wire.say(stream[at : at + 1])
    assert wire.answers == [(mid, 0x10) for mid in mids]
    wire.close()


def test_the_last_error_of_the_socket_is_kept() -> None:
    last = LastError()
    last.logger.error("failed to receive on socket: %s", ConnectionResetError(104, "reset"))
    last.logger.error("something else: %s", "text")
    assert isinstance(last.error, ConnectionResetError)
