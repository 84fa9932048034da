"""An RTSP 1.0 server (RFC 2326): one video track, RTP interleaved on the connection or by UDP, digest login."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from hw_sim.camera.auth import Guard
from hw_sim.camera.film import RATE, Unit
from hw_sim.camera.mischief import Mischief
from hw_sim.camera.rtp import Packetizer, description

REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 454: "Session Not Found", 461: "Unsupported Transport"}
MOST_UNSENT = 1 << 20
TIMEOUT_S, MOST_TRIES = 60, 100


class Channel(Protocol):
    """One stream of a camera: `unit(n)` is its encoded picture number n, which may be asked for only in order."""

    codec: str

    async def unit(self, number: int) -> Unit: ...


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str] = {}
    body: str = ""


class RtspServer:
    """Serves the channels that `channel(token)` knows; None is a 404."""

    def __init__(
        self, guard: Callable[[], Guard], channel: Callable[[str], Channel | None], mischief: Mischief
    ) -> None:
        self.guard, self.channel, self.mischief = guard, channel, mischief
        self.host, self.port = "127.0.0.1", 0
        self.sessions: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.played = self.by_udp = self.refused = 0
        """Sessions that were begun since the start; those of them that go by UDP; logins that were wrong."""
        self.kept = self.reports = 0
        """Requests that kept a session that plays; reports of receivers by UDP (RTCP, RFC 3550)."""
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        self.drop()
        await asyncio.gather(*self.sessions, return_exceptions=True)
        await server.wait_closed()

    def drop(self) -> None:
        """Cuts every connection."""
        for writer in self.sessions.values():
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.sessions[task] = writer
        session = _Session(self, writer)
        try:
            await session.run(reader)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            return  # the client has gone, or does not speak RTSP
        finally:
            await session.end()
            del self.sessions[task]
            writer.close()


class _Session:
    """One connection and what it plays."""

    def __init__(self, server: RtspServer, writer: asyncio.StreamWriter) -> None:
        self._server, self._writer = server, writer
        self._id = secrets.token_hex(4)
        self._channel: Channel | None = None
        self._send: Callable[[bytes], None] | None = None
        self._player: asyncio.Task[None] | None = None
        self._udp: tuple[asyncio.DatagramTransport, ...] = ()
        self._asked_s = 0.0
        """When the client last asked for anything, in seconds of the loop."""

    async def run(self, reader: asyncio.StreamReader) -> None:
        while first := await reader.read(1):
            if first == b"$":  # reports of the receiver
                head = await reader.readexactly(3)
                await reader.readexactly(int.from_bytes(head[1:], "big"))
                continue
            line = (first + await reader.readline()).decode("latin-1").split()
            headers: dict[str, str] = {}
            while text := (await reader.readline()).decode("latin-1").strip():
                name, _, value = text.partition(":")
                headers[name.strip().lower()] = value.strip()
            if len(line) != 3:
                return
            self._asked_s = asyncio.get_running_loop().time()
            self._server.kept += self._player is not None and line[0] != "TEARDOWN"
            if "hang" in self._server.mischief:
                while await reader.read(4096):
                    pass
                return
            reply = await self._answer(line[0], line[1], headers)
            self._reply(reply, headers.get("cseq", "0"))
            await self._writer.drain()
            if line[0] == "TEARDOWN":
                return
            if line[0] == "PLAY" and reply.status == 200 and self._player is None:
                self._server.played += 1
                self._server.by_udp += bool(self._udp)
                self._player = asyncio.create_task(self._play())

    async def end(self) -> None:
        if self._player is not None:
            self._player.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await self._player
        for each in self._udp:
            each.close()

    def _reply(self, reply: _Reply, number: str) -> None:
        head = [f"RTSP/1.0 {reply.status} {REASONS[reply.status]}", f"CSeq: {number}"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.body:
            head.append(f"Content-Length: {len(reply.body)}")
        self._writer.write(("\r\n".join([*head, "", ""]) + reply.body).encode())

    async def _answer(self, method: str, uri: str, headers: Mapping[str, str]) -> _Reply:
        if method == "OPTIONS":
            return _Reply(200, {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"})
        guard = self._server.guard()
        given = headers.get("authorization", "")
        if guard.digest(method, given) is not None:
            self._server.refused += bool(given)
            return _Reply(401, {"WWW-Authenticate": guard.challenge(qop=False)})
        session = {"Session": self._id}
        match method:
            case "DESCRIBE":
                token = urlsplit(uri).path.strip("/").split("/")[-1]
                self._channel = channel = self._server.channel(token)
                if channel is None:
                    return _Reply(404)
                first = await channel.unit(0)
                base = {"Content-Type": "application/sdp", "Content-Base": uri.rstrip("/") + "/"}
                return _Reply(200, base, description(first.data, channel.codec, self._server.host))
            case "SETUP":
                return await self._set_up(headers.get("transport", ""))
            case "PLAY" if self._send is not None:
                return _Reply(200, session)
            case "GET_PARAMETER" | "TEARDOWN":
                return _Reply(200, session)
        return _Reply(454)

    async def _set_up(self, transport: str) -> _Reply:
        if self._channel is None:
            return _Reply(454)
        limit_s = int(self._server.mischief.value("session")) or TIMEOUT_S
        session = f"{self._id};timeout={limit_s}"
        if "TCP" in transport:
            self._send = self._interleave
            return _Reply(200, {"Session": session, "Transport": transport})
        ports = re.search(r"client_port=(\d+)", transport)
        if ports is None:
            return _Reply(461)
        peer = self._writer.get_extra_info("peername")[0], int(ports[1])
        self._udp = rtp, _ = await self._port_pair()
        self._send = lambda packet: rtp.sendto(packet, peer)
        own = rtp.get_extra_info("sockname")[1]
        answer = f"RTP/AVP;unicast;client_port={ports[1]}-{int(ports[1]) + 1};server_port={own}-{own + 1}"
        return _Reply(200, {"Session": session, "Transport": answer})

    async def _port_pair(self) -> tuple[asyncio.DatagramTransport, asyncio.DatagramTransport]:
        """An even port for RTP and the next one for RTCP (RFC 3550, 11)."""
        loop, host = asyncio.get_running_loop(), self._server.host
        for _ in range(MOST_TRIES):
            rtp, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, 0))
            port = rtp.get_extra_info("sockname")[1]
            with contextlib.suppress(OSError):
                if port % 2 == 0:
                    rtcp = await loop.create_datagram_endpoint(
                        lambda: _Reports(self._server), local_addr=(host, port + 1)
                    )
                    return rtp, rtcp[0]
            rtp.close()
        raise ConnectionError("no pair of ports is free")

    def _interleave(self, packet: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() < MOST_UNSENT:
            self._writer.write(b"$\x00" + len(packet).to_bytes(2, "big") + packet)

    async def _play(self) -> None:
        """Sends pictures at their time; a client that does not read loses pictures, as with a camera."""
        channel, send, mischief = self._channel, self._send, self._server.mischief
        assert channel is not None
        assert send is not None
        loop = asyncio.get_running_loop()
        packetizer, began, number = Packetizer(channel.codec), loop.time(), 0
        while True:
            if "freeze" not in mischief:
                unit = await channel.unit(number)
                for packet in packetizer.packets(unit.data, number / RATE):
                    send(_damaged(packet) if "corrupt" in mischief else packet)
            number += 1
            if "session" in mischief and loop.time() - self._asked_s > mischief.value("session"):
                return self._writer.transport.abort()
            await asyncio.sleep(began + number / RATE - loop.time())


class _Reports(asyncio.DatagramProtocol):
    """Counts what receivers report."""

    def __init__(self, server: RtspServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._server.reports += 1


def _damaged(packet: bytes) -> bytes:
    return packet[:14] + random.randbytes(len(packet) - 14)
