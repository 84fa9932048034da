"""WS-Discovery 1.0 (April 2005) as cameras answer it: ProbeMatches to whoever probes, by unicast or multicast."""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from collections.abc import Callable
from typing import cast
from xml.sax.saxutils import escape

GROUP, PORT = "239.255.255.250", 3702
_MESSAGE_ID = re.compile(rb"MessageID[^>]*>\s*([^<]{1,200}?)\s*<")


class Discovery:
    """Answers probes on one UDP port of the loopback interface.

    `addresses` gives the XAddrs of the moment; `multicast` also joins the group, for a scan of the interface.
    """

    def __init__(
        self, identity: uuid.UUID, addresses: Callable[[], str], *, name: str = "SIM-1", hardware: str = "SIM-1"
    ) -> None:
        self.identity, self._addresses = identity, addresses
        self._scopes = f"onvif://www.onvif.org/name/{name} onvif://www.onvif.org/hardware/{hardware}"
        self.port = 0
        self.silent = False
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, host: str = "127.0.0.1", *, port: int = 0, multicast: bool = False) -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind(("" if multicast else host, port))
        if multicast:
            membership = socket.inet_aton(GROUP) + socket.inet_aton(host)
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Answers(self), sock=udp)
        self._transport = transport
        self.port = udp.getsockname()[1]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def answer(self, probe: bytes) -> bytes | None:
        """The ProbeMatches for a Probe; None for anything else."""
        message = _MESSAGE_ID.search(probe)
        if self.silent or message is None or b"ProbeMatch" in probe or b"Probe" not in probe:
            return None
        return (
            '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
            ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
            ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
            ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
            f"<a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID>"
            f"<a:RelatesTo>{escape(message[1].decode(errors='replace'))}</a:RelatesTo>"
            "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
            "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header><s:Body>"
            "<d:ProbeMatches><d:ProbeMatch><a:EndpointReference>"
            f"<a:Address>urn:uuid:{self.identity}</a:Address></a:EndpointReference>"
            f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{self._scopes}</d:Scopes>"
            f"<d:XAddrs>{self._addresses()}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
            "</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
        ).encode()


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        answer = self._discovery.answer(data)
        if answer is not None:
            self._transport.sendto(answer, addr)
