"""WS-Discovery 1.0 (April 2005) for ONVIF cameras: probes by multicast and unicast, answers as values.

Invariants
1. Bounded in time, in datagrams and in cameras found; an answer that is not one is passed over.
2. Addresses in an answer are claims: the one given on is the address that the answer came from.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from courtyard.drivers.camera.reply import Malformed, Refused, named, parse, text_at

GROUP, PORT = "239.255.255.250", 3702
LISTEN_S, REPEATS = 4.0, 2
MOST_DATAGRAM, MOST_CAMERAS, MOST_TARGETS = 65_535, 1024, 4096
PACE_S = 0.005
"""Between two unicast probes."""
_PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    "<e:Header><w:MessageID>{message}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
)


class Found(NamedTuple):
    """A camera that answered.  `identity` stays the same for ever; `address` is how it was reached."""

    identity: str
    address: str
    claimed: tuple[str, ...]
    name: str
    hardware: str
    host: str


def probe(message: uuid.UUID) -> bytes:
    """Asks all video transmitters to answer."""
    return _PROBE.format(message=f"uuid:{message}").encode()


def matches(datagram: bytes, host: str) -> list[Found]:
    """The cameras in an answer from `host`.  Raises Malformed."""
    try:
        content = parse(datagram)
    except Refused as error:
        raise Malformed("a fault") from error
    found = []
    for match in list(named(content, "ProbeMatch"))[:16]:
        claimed = tuple(text_at(match, "XAddrs").split()[:8])
        scopes = [unquote(scope) for scope in text_at(match, "Scopes").split()[:64]]
        identity = text_at(match, "Address")[:128]
        usable = [address for address in claimed if address.startswith(("http://", "https://"))]
        if identity and usable:
            address = _reached(usable, host)
            found.append(Found(identity, address, claimed, _scope(scopes, "name"), _scope(scopes, "hardware"), host))
    return found


class NoTarget(ValueError):
    """`text` is no address to ask, or a network of too many."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def targets(texts: Iterable[str]) -> list[tuple[str, int]]:
    """Where unicast probes go: `192.168.1.64`, `192.168.1.0/24`, `host:3702`.  Raises NoTarget."""
    found: dict[tuple[str, int], None] = {}
    for text in texts:
        found |= dict.fromkeys(_hosts(text))
        if len(found) > MOST_TARGETS:
            raise NoTarget(text)
    return list(found)


def _hosts(text: str) -> list[tuple[str, int]]:
    if "/" in text:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise NoTarget(text) from None
        if network.num_addresses > MOST_TARGETS:
            raise NoTarget(text)
        return [(str(host), PORT) for host in network.hosts()]
    host, colon, port = text.rpartition(":")
    if not colon:
        return [(text, PORT)]
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise NoTarget(text)
    return [(host, int(port))]


async def scan(
    unicast: Sequence[tuple[str, int]] = (),
    *,
    interface: str | None = None,
    multicast: bool = True,
    listen_s: float = LISTEN_S,
    group: tuple[str, int] = (GROUP, PORT),
) -> AsyncIterator[Found]:
    """Yields each camera once, as it answers.  `interface` is the own address from which multicast goes.

    Takes `listen_s` twice, and the time to send.  Raises OSError when nothing can be sent at all.
    """
    loop = asyncio.get_running_loop()
    answers: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue(MOST_CAMERAS)
    transport, _ = await loop.create_datagram_endpoint(lambda: _Answers(answers), sock=_socket(interface))
    seen: set[str] = set()
    goals = [*([group] if multicast else []), *unicast]
    sending = asyncio.create_task(_send(transport, goals, listen_s))
    try:
        end = loop.time() + REPEATS * listen_s + len(unicast) * PACE_S * REPEATS
        while (left := end - loop.time()) > 0 and len(seen) < MOST_CAMERAS:
            try:
                async with asyncio.timeout(left):
                    datagram, host = await answers.get()
            except TimeoutError:
                break
            try:
                found = matches(datagram, host)
            except Malformed:
                continue  # somebody else's answer, or a broken one: nothing to show
            for each in found:
                if each.identity not in seen:
                    seen.add(each.identity)
                    yield each
    finally:
        sending.cancel()
        transport.close()


async def _send(transport: asyncio.DatagramTransport, goals: Sequence[tuple[str, int]], listen_s: float) -> None:
    for _ in range(REPEATS):
        for goal in goals:
            transport.sendto(probe(uuid.uuid4()), goal)
            await asyncio.sleep(PACE_S)
        await asyncio.sleep(listen_s)


def _socket(interface: str | None) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        if interface is not None:
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        udp.bind(("", 0))
    except OSError:
        udp.close()
        raise
    return udp


def _reached(claimed: Sequence[str], host: str) -> str:
    """The claimed address of that very host, else the first one with its host put right."""
    for address in claimed:
        if urlsplit(address).hostname == host:
            return address
    url = urlsplit(claimed[0])
    try:
        port = url.port
    except ValueError:
        port = None
    return urlunsplit((url.scheme, f"{host}:{port}" if port else host, url.path, url.query, ""))


def _scope(scopes: Sequence[str], kind: str) -> str:
    prefix = f"onvif://www.onvif.org/{kind}/"
    return next((scope.removeprefix(prefix)[:64] for scope in scopes if scope.startswith(prefix)), "")


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, answers: asyncio.Queue[tuple[bytes, str]]) -> None:
        self._answers = answers

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if len(data) <= MOST_DATAGRAM and not self._answers.full():
            self._answers.put_nowait((data, cast(str, addr[0])))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at one of the addresses: no camera there."""
