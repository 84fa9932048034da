"""A broker that misbehaves on purpose: refuses, hangs up, or answers nothing, as a test tells it.

It speaks just enough of MQTT 3.1.1 and 5 to accept a publisher with QoS 1 and to retain what it publishes, and it
keeps a ledger of what it took.
Sources: MQTT 5.0 chapters 2 and 3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hw_sim.ledger import Ledger

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 10, 12, 14

Answer = int | bytes | None
"""To PUBLISH: a PUBACK reason code; bytes to send instead before hanging up; None to say nothing."""


def disconnect(reason: int) -> bytes:
    """The DISCONNECT packet of MQTT 5.0 with a reason code."""
    return bytes([DISCONNECT << 4, 2, reason, 0])


class ScriptedBroker:
    """Listens on a free loopback port while in its `async with`.

    versions    protocol levels it accepts (4 is 3.1.1, 5 is 5.0); others get "unsupported protocol version"
    properties  CONNACK properties as bytes (MQTT 5.0 section 3.2.2.3), without their length
    on_publish  what to answer to a message: (topic, payload) -> Answer; by default everything is taken
    on_connect  bytes to send instead of CONNACK before hanging up, or None to accept
    """

    def __init__(
        self,
        *,
        versions: tuple[int, ...] = (4, 5),
        properties: bytes = b"",
        on_publish: Callable[[str, bytes], Answer] = lambda _topic, _payload: 0,
        on_connect: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self.ledger = Ledger()
        self.published: list[tuple[str, bytes]] = []
        self.connections: list[int] = []
        self.retained: dict[str, bytes] = {}
        self.unacknowledged = self.most_unacknowledged = 0
        self.port = 0
        self._versions = versions
        self._properties = properties
        self._on_publish = on_publish
        self._on_connect = on_connect
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds; it is looked at after every packet."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        version = 5
        try:
            while True:
                kind, flags, body = await _packet(reader)
                if kind == CONNECT:
                    version = body[6]
                    self.connections.append(version)
                answer, last = self._answer(kind, flags, body, version)
                writer.write(answer)
                await writer.drain()
                async with self._changed:
                    self._changed.notify_all()
                if last:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client hung up
        finally:
            self._tasks.discard(task)
            writer.close()

    def _answer(self, kind: int, flags: int, body: bytes, version: int) -> tuple[bytes, bool]:
        """What to send, and whether to hang up then."""
        five = version == 5
        if kind == CONNECT:
            if version not in self._versions:
                return (b"\x20\x03\x00\x84\x00" if five else b"\x20\x02\x00\x01"), True
            if (instead := self._on_connect()) is not None:
                return instead, True
            properties = bytes([len(self._properties)]) + self._properties
            rest = b"\x00\x00" + (properties if five else b"")
            return bytes([0x20, len(rest)]) + rest, False
        if kind == PUBLISH:
            return self._publish(flags, body, five)
        if kind in (SUBSCRIBE, UNSUBSCRIBE):
            topics = _filters(body[2:], five, options=kind == SUBSCRIBE)
            codes = bytes(len(topics)) if kind == SUBSCRIBE or five else b""
            rest = body[:2] + (b"\x00" if five else b"") + codes
            known = [topic for topic in topics if kind == SUBSCRIBE and topic in self.retained]
            return bytes([(kind + 1) << 4, len(rest)]) + rest + b"".join(self._retain(t, five) for t in known), False
        if kind == PINGREQ:
            return b"\xd0\x00", False
        return b"", kind == DISCONNECT

    def _retain(self, topic: str, five: bool) -> bytes:
        """The PUBLISH packet of a retained message."""
        name = topic.encode()
        rest = len(name).to_bytes(2, "big") + name + (b"\x00" if five else b"") + self.retained[topic]
        return b"\x31" + _length(len(rest)) + rest

    def _publish(self, flags: int, body: bytes, five: bool) -> tuple[bytes, bool]:
        length = int.from_bytes(body[:2], "big")
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        number = rest[:2] if flags & 0x06 else b""
        payload = rest[len(number) :][1 if five else 0 :]
        answer = self._on_publish(topic, payload)
        if isinstance(answer, bytes):
            return answer, True
        if answer is None:
            self.unacknowledged += 1
            self.most_unacknowledged = max(self.most_unacknowledged, self.unacknowledged)
            return b"", False
        if answer < 0x80:
            self.published.append((topic, payload))
            if flags & 0x01:
                self.retained[topic] = payload
            if topic.rpartition("/")[2] in ("alarm", "event", "reading"):
                self.ledger.take(payload)
        if not number:
            return b"", False
        rest = number + (bytes([answer]) if five and answer else b"")
        return bytes([0x40, len(rest)]) + rest, False


def _length(number: int) -> bytes:
    """Variable byte integer of at most 16,383."""
    return bytes([number & 0x7F | 0x80, number >> 7]) if number > 127 else bytes([number])


async def _packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Type, flags and body of one control packet."""
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    return first >> 4, first & 0x0F, await reader.readexactly(length)


def _filters(rest: bytes, five: bool, *, options: bool) -> list[str]:
    """The topic filters of a SUBSCRIBE or UNSUBSCRIBE; its properties are empty or short."""
    at = 1 + rest[0] if five else 0
    topics = []
    while at < len(rest):
        end = at + 2 + int.from_bytes(rest[at : at + 2], "big")
        topics.append(rest[at + 2 : end].decode())
        at = end + options
    return topics
