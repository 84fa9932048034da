"""A fire-control centre: takes reports over TCP or UDP, confirms, denies or is silent, and asks.

Written from GB/T 26875.3-2011 alone; `reports` is what its operators would see, each object once per packet.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

from hw_sim.control import Command

CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = 1, 2, 3, 4, 5, 6
SIZES = {1: 10, 2: 46, 3: 16, 4: 10, 5: 4, 7: 38, 8: 8, 21: 7, 24: 8, 25: 2, 28: 6}
"""Type to octets of one object, its time included."""
TEXTS = {6: 2, 26: 0}
"""Type to octets in front of a text with its own length."""
UNTIMED = {5, 7, 25, *TEXTS}
DESCRIPTIONS = {5, 6, 7, 8, 25, 26, 28}
"""What says who somebody is; all else is what happens."""


class Packet(NamedTuple):
    """One packet that was read."""

    serial: int
    time: bytes
    source: int
    destination: int
    command: int
    unit: bytes


class Report(NamedTuple):
    """One object of a report: `words` are its numbers, `text` its words, `at` its time."""

    kind: int
    words: tuple[int, ...]
    text: str
    at: str
    serial: int


class Voice(Protocol):
    """The way back."""

    def __call__(self, data: bytes) -> None: ...


def tag(at: datetime.datetime) -> bytes:
    return bytes((at.second, at.minute, at.hour, at.day, at.month, at.year - 2000))


def read_tag(raw: bytes) -> str:
    second, minute, hour, day, month, year = raw
    return f"{2000 + year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def packet(command: int, unit: bytes, serial: int, source: int, destination: int, at: bytes) -> bytes:
    control = serial.to_bytes(2, "little") + b"\x01\x01" + at + source.to_bytes(6, "little")
    control += destination.to_bytes(6, "little") + len(unit).to_bytes(2, "little") + bytes((command,)) + unit
    return b"@@" + control + bytes((sum(control) % 256,)) + b"##"


def read_packets(heard: bytearray) -> list[Packet]:
    """Takes whole packets out of what was heard.  Raises ValueError for a wrong checksum or end."""
    found = []
    while len(heard) >= 27:
        if heard[:2] != b"@@":
            raise ValueError(f"no packet begins with {heard[:2].hex()}")
        total = 30 + int.from_bytes(heard[24:26], "little")
        if len(heard) < total:
            break
        raw = bytes(heard[:total])
        del heard[:total]
        if raw[-2:] != b"##" or sum(raw[2:-3]) % 256 != raw[-3]:
            raise ValueError(f"wrong end or checksum: {raw.hex()}")
        numbers = [int.from_bytes(raw[a:b], "little") for a, b in ((2, 4), (12, 18), (18, 24))]
        found.append(Packet(numbers[0], raw[6:12], numbers[1], numbers[2], raw[26], raw[27:-3]))
    return found


def read_reports(message: Packet) -> list[Report]:
    """The objects of a report or an answer.  Raises ValueError when their size is not what the standard says."""
    kind, count, data = message.unit[0], message.unit[1], message.unit[2:]
    objects, at = [], 0
    while at < len(data):
        size = SIZES[kind] if kind in SIZES else TEXTS[kind] + 1 + data[at + TEXTS[kind]]
        objects.append(data[at : at + size])
        at += size
    if len(objects) != count or at != len(data):
        raise ValueError(f"type {kind}: {len(data)} octets for {count} objects")
    return [_report(kind, raw, message.serial) for raw in objects]


def _report(kind: int, raw: bytes, serial: int) -> Report:
    body, at = (raw, "") if kind in UNTIMED else (raw[:-6], read_tag(raw[-6:]))
    words, text = tuple(body), ""
    if kind == 1:
        words = (*body[:2], _number(body[2:4]))
    elif kind == 2:
        words = (*body[:3], _number(body[3:7]), _number(body[7:9]))
        text = body[9:40].rstrip(b"\0").decode("gb18030")
    elif kind == 3:
        words = (*body[:3], _number(body[3:7]), body[7], int.from_bytes(body[8:10], "little", signed=True))
    elif kind == 7:
        words, text = (*body[:3], _number(body[3:7])), body[7:38].rstrip(b"\0").decode("gb18030")
    elif kind in TEXTS:
        words, text = tuple(body[: TEXTS[kind]]), body[TEXTS[kind] + 1 :].decode("gb18030")
    return Report(kind, words, text, at, serial)


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


class Centre:
    """Listens on `port` of the loopback.  `address` is its own, as transmission devices must name it."""

    def __init__(self, address: int = 1, *, clock: Callable[[], datetime.datetime] = datetime.datetime.now) -> None:
        self.address, self._clock = address, clock
        self.reports: list[Report] = []
        """What happens, in the order of its arrival."""
        self.descriptions: list[Report] = []
        """Versions, configurations and times, as they came."""
        self.answers: list[Packet] = []
        self.packets: list[Packet] = []
        self.errors: list[str] = []
        self.heartbeats = self.connections = 0
        self.mood = "confirm"
        self.ignores: set[int] = set()
        """Types that it neither confirms nor denies."""
        self.refuses: set[int] = set()
        """Types that it denies."""
        self.changed = asyncio.Condition()
        self.stopped = asyncio.Event()
        self.port = 0
        self._serial = 0
        self._device = 0
        self._voice: Voice | None = None
        self._server: asyncio.Server | asyncio.DatagramTransport | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self.table: Mapping[str, Command] = {
            "mood": Command(self.set_mood, "confirm, silent, deny: what reports get"),
            "drop": Command(lambda words: self.drop(), "cut the connections"),
            "patrol": Command(lambda words: self.patrol(int(words[0])), "MINUTES: is somebody on duty?"),
            "clock": Command(lambda words: self.synchronise(), "set the devices' clock"),
            "read": Command(
                lambda words: self.read(int(words[0]), *map(bytes.fromhex, words[1:])), "TYPE [HEX of a query]..."
            ),
            "descriptions": Command(lambda words: [each._asdict() for each in self.descriptions], "who reports"),
            "answers": Command(lambda words: self.answered(), "what came to each question; null is a denial"),
            "errors": Command(lambda words: self.errors, "what was against the standard"),
            "reports": Command(lambda words: [report._asdict() for report in self.reports], "what was reported"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }

    async def open(self, *, udp: bool = False, port: int = 0) -> Centre:
        """Over TCP, or over UDP; a port of 0 is any free one."""
        loop = asyncio.get_running_loop()
        if udp:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), ("127.0.0.1", port))
            self._server, self.port = transport, transport.get_extra_info("sockname")[1]
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        if self._open:
            await asyncio.wait(self._open)

    def describe(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "address": self.address}

    def set_mood(self, words: list[str]) -> None:
        if words[0] not in ("confirm", "silent", "deny"):
            raise ValueError("known: confirm, silent, deny")
        self.mood = words[0]

    def drop(self) -> None:
        for writer in self._open.values():
            writer.transport.abort()

    def patrol(self, minutes: int) -> None:
        self._say(CONTROL, bytes((91, 1, minutes)))

    def synchronise(self) -> None:
        self._say(CONTROL, bytes((90, 1)) + tag(self._clock()))

    def initialise(self) -> None:
        """What a real centre may try; no gateway obeys it."""
        self._say(CONTROL, bytes((89, 1, 0)))

    def read(self, kind: int, *queries: bytes) -> None:
        """Asks; a question about the device itself has one reserved octet."""
        asked = queries or (b"\x00",)
        self._say(REQUEST, bytes((kind, len(asked))) + b"".join(asked))

    def answered(self) -> list[list[dict[str, Any]] | None]:
        """The objects of each reply; None for a denial, none for a confirmation."""
        replies: list[list[dict[str, Any]] | None] = []
        for reply in self.answers:
            objects = read_reports(reply) if reply.command == ANSWER else []
            replies.append(None if reply.command == DENY else [each._asdict() for each in objects])
        return replies

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition on what arrived holds."""
        async with self.changed:
            await self.changed.wait_for(condition)

    def heard(self, buffer: bytearray, voice: Voice) -> None:
        """Bytes of a transmission device; `voice` is the way back to it."""
        self._voice = voice
        try:
            for message in read_packets(buffer):
                self._device = message.source
                self.packets.append(message)
                self._take(message, voice)
        except (ValueError, KeyError, IndexError) as error:
            self.errors.append(repr(error))
            buffer.clear()
        note = asyncio.get_running_loop().create_task(self._notify())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    def _take(self, message: Packet, voice: Voice) -> None:
        if message.destination != self.address:
            raise ValueError(f"addressed to {message.destination}")
        if message.command != SEND:
            self.answers.append(message)
            return
        kind = message.unit[0] if message.unit else None
        if self.mood == "silent" or kind in self.ignores:
            return
        confirms = self.mood == "confirm" and kind not in self.refuses
        if confirms:
            if message.unit:
                found = read_reports(message)
                (self.descriptions if message.unit[0] in DESCRIPTIONS else self.reports).extend(found)
            else:
                self.heartbeats += 1
        command = CONFIRM if confirms else DENY
        voice(packet(command, b"", message.serial, self.address, message.source, tag(self._clock())))

    def _say(self, command: int, unit: bytes) -> None:
        if self._voice is None:
            raise ValueError("no transmission device is connected")
        self._voice(packet(command, unit, self._serial, self.address, self._device, tag(self._clock())))
        self._serial += 1

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        buffer = bytearray()
        try:
            while data := await reader.read(4096):
                buffer += data
                self.heard(buffer, writer.write)
        except ConnectionError:
            return
        finally:
            del self._open[task]
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """One packet a datagram."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._centre.heard(bytearray(data), lambda back: self._transport.sendto(back, addr))
