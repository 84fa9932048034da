"""An ESP32 with ESPHome as a Bluetooth proxy: its native API, encrypted, and the adverts that it hears.

The handshake is that of the Noise protocol framework (NNpsk0, 25519, ChaChaPoly, SHA256) as responder.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from hw_sim.bluez.wearable import Advert, Wearable
from hw_sim.control import Command

_PROTOCOL, _PROLOGUE = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256", b"NoiseAPIInit\x00\x00"
_LOOK_S = 0.01


def _hkdf(chain: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    base = hmac.new(chain, data, hashlib.sha256).digest()
    first = hmac.new(base, b"\x01", hashlib.sha256).digest()
    second = hmac.new(base, first + b"\x02", hashlib.sha256).digest()
    return first, second, hmac.new(base, second + b"\x03", hashlib.sha256).digest()


def _sealed(key: bytes, count: int, data: bytes, also: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(b"\0\0\0\0" + count.to_bytes(8, "little"), data, also)


def _opened(key: bytes, count: int, data: bytes, also: bytes) -> bytes:
    return ChaCha20Poly1305(key).decrypt(b"\0\0\0\0" + count.to_bytes(8, "little"), data, also)


def answer(psk: bytes, hello: bytes) -> tuple[bytes, bytes, bytes]:
    """The responder's message, and the keys to receive and to send with.  Raises InvalidTag for another key."""
    digest = hashlib.sha256(_PROTOCOL).digest()
    chain = digest
    digest = hashlib.sha256(digest + _PROLOGUE).digest()
    chain, mixed, _ = _hkdf(chain, psk)
    digest = hashlib.sha256(digest + mixed).digest()
    theirs, tag = hello[:32], hello[32:]
    digest = hashlib.sha256(digest + theirs).digest()
    chain, key, _ = _hkdf(chain, theirs)
    _opened(key, 0, tag, digest)
    digest = hashlib.sha256(digest + tag).digest()
    own = X25519PrivateKey.generate()
    public = own.public_key().public_bytes_raw()
    digest = hashlib.sha256(digest + public).digest()
    chain, _, _ = _hkdf(chain, public)
    chain, key, _ = _hkdf(chain, own.exchange(X25519PublicKey.from_public_bytes(theirs)))
    seal = _sealed(key, 0, b"", digest)
    receiving, sending, _ = _hkdf(chain, b"")
    return public + seal, receiving, sending


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return out + bytes((value,))


def _octets(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def structures(wearable: Wearable, advert: Advert) -> bytes:
    """As it is on the air."""
    parts = [(0x01, b"\x06")]
    if advert.uuids:
        parts.append((0x03, b"".join(number.to_bytes(2, "little") for number in advert.uuids)))
    parts += [(0x16, number.to_bytes(2, "little") + data) for number, data in advert.services.items()]
    parts += [(0xFF, number.to_bytes(2, "little") + data) for number, data in advert.companies.items()]
    parts.append((0x09, wearable.name.encode()))
    return b"".join(bytes((len(data) + 1, kind)) + data for kind, data in parts)


def raw_advert(wearable: Wearable, advert: Advert, rssi: int) -> bytes:
    """One of message 93."""
    zigzag = rssi << 1 ^ rssi >> 63
    address = varint(int.from_bytes(wearable.octets, "big"))
    fields = b"\x08" + address + b"\x10" + varint(zigzag & 0xFFFFFFFF) + b"\x18\x01"
    return _octets(1, fields + _octets(4, structures(wearable, advert)))


class _Client:
    """One connection, after the handshake."""

    def __init__(self, writer: asyncio.StreamWriter, sending: bytes) -> None:
        self.writer, self._sending, self._count = writer, sending, 0
        self.subscribed = False

    def send(self, kind: int, data: bytes = b"") -> None:
        plain = kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        sealed = _sealed(self._sending, self._count, plain, b"")
        self._count += 1
        self.writer.write(b"\x01" + len(sealed).to_bytes(2, "big") + sealed)


class SimProxy:
    """Listens on a port of the loopback until `stopped`; every wearable advertises `adverts_hz` times a second."""

    def __init__(
        self, wearables: Iterable[Wearable], key: bytes, *, adverts_hz: float = 2.0, name: str = "hall"
    ) -> None:
        self.wearables = {wearable.name: wearable for wearable in wearables}
        self.key, self.name, self.rssi = key, name, -60
        self.stopped = asyncio.Event()
        self.port = 0
        self._hz = adverts_hz
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None
        self._pumping: asyncio.Task[None] | None = None
        self.connections = 0
        self._mute = False

    async def open(self) -> SimProxy:
        await self._listen()
        self._pumping = asyncio.create_task(self._pump())
        return self

    async def close(self) -> None:
        if self._pumping is not None:
            self._pumping.cancel()
        self._end()

    def describe(self) -> dict[str, Any]:
        """What a client needs."""
        people = {wearable.name: wearable.address for wearable in self.wearables.values()}
        return {"port": self.port, "key": base64.b64encode(self.key).decode(), "wearables": people}

    @property
    def table(self) -> Mapping[str, Command]:
        return {
            "describe": Command(lambda words: self.describe(), "port, key and wearables"),
            "press": Command(self.press, "WEARABLE [sos|fall|button|end]"),
            "power": Command(self.power, "on|off"),
            "mute": Command(self.mute, "on|off: keeps its connections and says nothing"),
            "key": Command(self.rekey, "BASE64: another key"),
            "stats": Command(lambda words: {"connections": self.connections, "open": len(self._clients)}, "counts"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }

    def press(self, words: list[str]) -> dict[str, float]:
        """When it was pressed, by the clock of this machine since its start."""
        at_s = time.monotonic()
        wearable = self.wearables[words[0]]
        wearable.beacon.press(words[1] if len(words) > 1 else "sos")
        self._advertise(wearable)
        return {"at_mono_s": at_s}

    async def power(self, words: list[str]) -> None:
        self._end() if words == ["off"] else await self._listen()

    def mute(self, words: list[str]) -> None:
        self._mute = words == ["on"]

    def rekey(self, words: list[str]) -> None:
        self.key = base64.b64decode(words[0])

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def _end(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for client in self._clients:
            client.writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        client: _Client | None = None
        try:
            await _frame(reader)
            hello = await _frame(reader)
            greeting = b"\x01" + self.name.encode() + b"\0" + b"a0b1c2d3e4f5\0"
            writer.write(b"\x01" + len(greeting).to_bytes(2, "big") + greeting)
            try:
                message, receiving, sending = answer(self.key, hello[1:])
            except (InvalidTag, ValueError):
                refusal = b"\x01Handshake MAC failure"
                writer.write(b"\x01" + len(refusal).to_bytes(2, "big") + refusal)
                return
            writer.write(b"\x01" + (len(message) + 1).to_bytes(2, "big") + b"\0" + message)
            client = _Client(writer, sending)
            self._clients.add(client)
            await self._talk(reader, client, receiving)
        except (EOFError, OSError):
            return  # the client has gone
        finally:
            if client is not None:
                self._clients.discard(client)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, client: _Client, receiving: bytes) -> None:
        count = 0
        while True:
            frame = _opened(receiving, count, await _frame(reader), b"")
            count += 1
            kind = int.from_bytes(frame[:2], "big")
            if self._mute:
                continue
            match kind:
                case 1:
                    client.send(2, b"\x08\x01\x10\x0a" + _octets(3, b"sim (esphome v2025.5.0)") + _octets(4, b"hall"))
                case 3:
                    client.send(4)
                case 5:
                    client.send(6)
                    return
                case 7:
                    client.send(8)
                case 66:
                    client.subscribed = True

    def _advertise(self, wearable: Wearable) -> None:
        advert = wearable.beacon.advert(wearable) if wearable.awake and not self._mute else None
        if advert is None:
            return
        data = raw_advert(wearable, advert, self.rssi)
        for client in self._clients:
            if client.subscribed and not client.writer.is_closing():
                client.send(93, data)

    async def _pump(self) -> None:
        everybody = list(self.wearables.values())
        start_s, done = time.monotonic(), 0
        while self._hz > 0 and everybody:
            await asyncio.sleep(_LOOK_S)
            due = int((time.monotonic() - start_s) * self._hz * len(everybody))
            while done < due:
                self._advertise(everybody[done % len(everybody)])
                done += 1


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(3)
    if head[0] != 0x01:
        raise EOFError("not encrypted")
    return await reader.readexactly(int.from_bytes(head[1:], "big"))
