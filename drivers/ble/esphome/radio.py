"""One proxy as a `Radio` that hears and cannot connect: buttons, tags and sensors, which only ever advertise.

A proxy proves with its key that it is the one that the site names; without a key nothing that it says is taken.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.ble.esphome import messages
from courtyard.drivers.ble.esphome.noise import KEY_BYTES, Cipher, Handshake, WrongKey
from courtyard.drivers.ble.faults import adapter_fault, wearable_fault
from courtyard.drivers.ble.radio import Asks, Heard, Link, LinkFailed

OPEN_S, CLOSE_S = 10.0, 2.0
PING_S, SILENT_S = 20.0, 45.0
"""A proxy asks every minute whether we are there; we ask more often, so that a dead one is known soon."""
MARK, CHOSEN, FINE = 0x01, 0x01, 0x00
RETRY_S = 3600.0


class ProxyRadio:
    """A `Radio` of `radio`.  `key` reads what ESPHome calls `api.encryption.key`: 32 bytes as base64; None: no file."""

    def __init__(self, name: str, host: str, port: int, key: Callable[[], str | None]) -> None:
        self._name, self._host, self._port, self._read_key = name, host, port, key
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, heard: Callable[[Heard], None]) -> asyncio.Future[Fault]:
        key = await asyncio.to_thread(self._key)
        try:
            async with asyncio.timeout(OPEN_S):
                reader, self._writer = await asyncio.open_connection(self._host, self._port)
                sending, receiving = await self._shake_hands(reader, self._writer, key)
        except WrongKey as error:
            raise self._error("proxy_key") from error
        except (OSError, EOFError, TimeoutError) as error:
            raise self._error("proxy_unreachable") from error
        down: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
        session = _Session(reader, self._writer, sending, receiving, heard)
        self._reading = asyncio.get_running_loop().create_task(self._until_lost(session, down))
        return down

    async def close(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait((reading,))
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    async def shut(self) -> None:
        await self.close()

    async def changed(self) -> None:
        await asyncio.sleep(RETRY_S)  # nothing tells when a proxy is back: whoever waits tries now and then

    async def connect(self, handle: Any, *, scan_paused: bool = False) -> Link:
        raise LinkFailed("a proxy only listens")

    async def power_cycle(self) -> None:
        await self.close()

    async def pair(self, handle: Any, name: str, person: Asks) -> None:
        raise DriverError(wearable_fault("pair_unheard", name), name)

    async def unpair(self, address: str) -> bool:
        return False

    def _key(self) -> bytes:
        """Raises DriverError."""
        try:
            key = base64.b64decode(self._read_key() or "", validate=True)
        except (ValueError, binascii.Error) as error:
            raise self._error("proxy_key") from error
        if len(key) != KEY_BYTES:
            raise self._error("proxy_key")
        return key

    async def _shake_hands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes
    ) -> tuple[Cipher, Cipher]:
        """Raises WrongKey."""
        handshake = Handshake(key)
        writer.write(_framed(b"") + _framed(bytes((FINE,)) + handshake.hello()))
        if (await _frame(reader))[:1] != bytes((CHOSEN,)):
            raise WrongKey("another protocol")
        answer = await _frame(reader)
        if answer[:1] != bytes((FINE,)):
            raise WrongKey("refused")
        return handshake.finish(answer[1:])

    async def _until_lost(self, session: _Session, down: asyncio.Future[Fault]) -> None:
        with suppress(OSError, EOFError, TimeoutError, WrongKey):  # however it ends, it is told below
            await session.run()
        if not down.done():
            down.set_result(self._error("proxy_lost").fault)

    def _error(self, code: str) -> DriverError:
        return DriverError(adapter_fault(code, self._name), self._name)


class _Session:
    """One connection after the handshake."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sending: Cipher,
        receiving: Cipher,
        heard: Callable[[Heard], None],
    ) -> None:
        self._reader, self._writer, self._sending, self._receiving = reader, writer, sending, receiving
        self._heard = heard

    async def run(self) -> None:
        """Returns when the proxy says goodbye; raises OSError, EOFError, TimeoutError or WrongKey when it is lost."""
        self._send(messages.HELLO, messages.CLIENT)
        self._send(messages.LOGIN)
        self._send(messages.SUBSCRIBE, messages.RAW_ADVERTS)
        pinging = asyncio.get_running_loop().create_task(self._ping())
        try:
            while True:
                async with asyncio.timeout(SILENT_S):
                    frame = self._receiving.open(await _frame(self._reader))
                kind, data = int.from_bytes(frame[:2], "big"), frame[4:]
                if kind == messages.ADVERTS:
                    for heard in messages.adverts(data):
                        self._heard(heard)
                elif kind == messages.PING:
                    self._send(messages.PONG)
                elif kind == messages.DISCONNECT:
                    self._send(messages.DISCONNECTED)
                    return
        finally:
            pinging.cancel()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            self._send(messages.PING)

    def _send(self, kind: int, data: bytes = b"") -> None:
        head = kind.to_bytes(2, "big") + len(data).to_bytes(2, "big")
        self._writer.write(_framed(self._sending.seal(head + data)))


def _framed(data: bytes) -> bytes:
    return bytes((MARK,)) + len(data).to_bytes(2, "big") + data


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """Raises EOFError, OSError, and WrongKey for a proxy that speaks without encryption."""
    head = await reader.readexactly(3)
    if head[0] != MARK:
        raise WrongKey("not encrypted")
    return await reader.readexactly(int.from_bytes(head[1:], "big"))
