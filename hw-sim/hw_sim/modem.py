"""A GSM modem on a pty: answers AT commands, takes text messages apart, and misbehaves when told to.

Written from 3GPP TS 27.005, 27.007, 23.038 and 23.040; `sent` is what a telephone would show.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hw_sim.control import Command
from hw_sim.terminal import Terminal

FAULTS = ("no-sim", "puk", "no-network", "sim-busy", "cms", "silence", "garbage", "unsolicited", "no-prompt", "hang")
_ESC, _CTRL_Z = 0x1B, 0x1A


class Message(NamedTuple):
    """One message as the telephone shows it, put together from its parts."""

    number: str
    text: str
    parts: int


class Part(NamedTuple):
    """One unit of PDU mode: `group` is reference, number of parts and ordinal, None for a message of its own."""

    number: str
    text: str
    group: tuple[int, int, int] | None
    validity_min: int


def read_unit(unit: bytes) -> Part:
    """An SMS-SUBMIT with a relative validity period, after the service centre.  Raises ValueError."""
    first = unit[0]
    if first & 0x03 != 0x01 or first & 0x18 != 0x10:
        raise ValueError("no SMS-SUBMIT with a relative validity period")
    digits, kind = unit[2], unit[3]
    size = (digits + 1) // 2
    semi = "".join(f"{octet & 15:X}{octet >> 4:X}" for octet in unit[4 : 4 + size])
    number = ("+" if kind == 0x91 else "") + semi[:digits]
    if not semi[:digits].isdigit() or semi[digits:] not in ("", "F"):
        raise ValueError("the number is not written in digits")
    _protocol, coding, validity, length = unit[4 + size : 8 + size]
    data = unit[8 + size :]
    if coding != 8:
        raise ValueError(f"coding {coding}, not UCS2")
    if len(data) != length or length > 140:
        raise ValueError(f"{len(data)} octets of data, {length} declared")
    group = None
    if first & 0x40:
        header = data[1 : 1 + data[0]]
        if header[:2] != b"\x00\x03" or len(header) != 5:
            raise ValueError("no concatenation in the header")
        group = (header[2], header[3], header[4])
        data = data[1 + data[0] :]
    return Part(number, data.decode("utf-16-be"), group, (validity + 1) * 5)


class Port(Protocol):
    """Where the modem is attached; `hw_sim.terminal.Terminal` is one."""

    def plug(self) -> None: ...
    def unplug(self) -> None: ...
    def write(self, data: bytes) -> int: ...


class Modem:
    """Appears at `path`, or on the `port` given.  `pin` is the card's PIN, None for none."""

    def __init__(self, path: Path, *, pin: str | None = None, port: Port | None = None) -> None:
        self.path = path
        self.stopped = asyncio.Event()
        self.sent: list[Message] = []
        self.parts: list[Part] = []
        self.commands: deque[str] = deque(maxlen=500)
        self.pin_tries = 0
        self.faults: dict[str, str] = {}
        self.arrived = asyncio.Event()
        self._pin, self._locked = pin, pin is not None
        self._echo, self._text_mode = True, False
        self._line, self._data = bytearray(), bytearray()
        self._expects: tuple[str, str] | None = None  # what AT+CMGS named, and in which mode
        self._groups: dict[tuple[str, int], dict[int, str]] = {}
        self._count = 0
        self._terminal: Port = port or Terminal(path, self.heard)
        self.table: Mapping[str, Command] = {
            "fault": Command(self.fault, f"KIND [VALUE]: {', '.join(FAULTS)}"),
            "heal": Command(lambda words: self.heal(), "no faults any more"),
            "sent": Command(lambda words: [message._asdict() for message in self.sent], "messages that arrived"),
            "commands": Command(lambda words: list(self.commands), "what the modem was asked"),
            "unplug": Command(lambda words: self._terminal.unplug(), "the adapter is pulled"),
            "replug": Command(lambda words: self._terminal.plug(), "the adapter is in again"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }

    async def open(self) -> Modem:
        self._terminal.plug()
        return self

    async def close(self) -> None:
        self._terminal.unplug()

    def describe(self) -> dict[str, Any]:
        return {"modem": "gsm", "path": str(self.path), "baud": 115200}

    def fault(self, words: list[str]) -> None:
        if words[0] not in FAULTS:
            raise ValueError(f"known: {', '.join(FAULTS)}")
        self.faults[words[0]] = words[1] if words[1:] else ""

    def heal(self) -> None:
        self.faults.clear()

    def unplug(self) -> None:
        self._terminal.unplug()

    def replug(self) -> None:
        self._terminal.plug()

    def heard(self, data: bytes) -> None:
        """Bytes from the host."""
        if "silence" in self.faults:
            return
        for byte in data:
            if self._expects is not None:
                self._take_data(byte)
            elif byte == 0x0D:
                self._command(self._line.decode("ascii", "replace").strip())
                self._line.clear()
            elif byte != _ESC:
                self._line.append(byte)

    def _say(self, *lines: str) -> None:
        if "garbage" in self.faults:
            self._terminal.write(b"\xff\x00\x80~\r\n+CPIN\r\n\xfe")
        if "unsolicited" in self.faults:
            self._terminal.write(b'\r\nRING\r\n\r\n+CMTI: "SM",3\r\n\r\n+CREG: 2\r\n')
        self._terminal.write("".join(f"\r\n{line}\r\n" for line in lines).encode())

    def _command(self, command: str) -> None:
        if not command:
            return
        self.commands.append(command)
        if self._echo:
            self._terminal.write(command.encode() + b"\r")
        name, _, value = command.upper().partition("=")
        answer = self._ANSWERS.get(name)
        if answer is None:
            self._say("ERROR")
        else:
            answer(self, value if name != "AT+CMGS" else command.partition("=")[2])

    def _ok(self, value: str = "") -> None:
        self._say("OK")

    def _echo_off(self, value: str) -> None:
        self._echo = False
        self._say("OK")

    def _card(self, value: str) -> None:
        if "no-sim" in self.faults:
            self._say("+CME ERROR: 10")
        elif "sim-busy" in self.faults:
            self._say("+CME ERROR: 14")
        elif "puk" in self.faults:
            self._say("+CPIN: SIM PUK", "OK")
        else:
            self._say("+CPIN: SIM PIN" if self._locked else "+CPIN: READY", "OK")

    def _unlock(self, value: str) -> None:
        self.pin_tries += 1
        if value.strip('"') == self._pin:
            self._locked = False
            self._say("OK")
        else:
            self._say("+CME ERROR: 16")

    def _registration(self, value: str) -> None:
        registered = not self._locked and "no-network" not in self.faults and "no-sim" not in self.faults
        self._say(f"+CREG: 0,{1 if registered else 2}", "OK")

    def _signal(self, value: str) -> None:
        self._say("+CSQ: 20,99", "OK")

    def _mode(self, value: str) -> None:
        self._text_mode = value == "1"
        self._say("OK")

    def _begin(self, value: str) -> None:
        if "no-prompt" in self.faults:
            return
        if "cms" in self.faults:
            self._say(f"+CMS ERROR: {self.faults['cms'] or 38}")
            return
        self._expects = (value.strip('"'), "text" if self._text_mode else "pdu")
        self._data.clear()
        self._terminal.write(b"\r\n> ")

    def _take_data(self, byte: int) -> None:
        if byte == _ESC:
            self._expects = None
            self._say("OK")
        elif byte == _CTRL_Z:
            assert self._expects is not None
            (named, mode), self._expects = self._expects, None
            if "hang" not in self.faults:
                self._submit(named, mode, bytes(self._data))
        else:
            self._data.append(byte)

    def _submit(self, named: str, mode: str, data: bytes) -> None:
        try:
            if mode == "text":
                self._deliver(Message(named, data.decode("ascii"), 1))
            else:
                self._take_unit(int(named), bytes.fromhex(data.decode("ascii")))
        except (ValueError, IndexError):
            self._say("+CMS ERROR: 304")
            return
        self._count += 1
        self._say(f"+CMGS: {self._count % 256}", "OK")

    def _take_unit(self, length: int, whole: bytes) -> None:
        unit = whole[1 + whole[0] :]
        if len(unit) != length:
            raise ValueError(f"{len(unit)} octets, {length} announced")
        part = read_unit(unit)
        self.parts.append(part)
        if part.group is None:
            self._deliver(Message(part.number, part.text, 1))
            return
        reference, total, ordinal = part.group
        parts = self._groups.setdefault((part.number, reference), {})
        parts[ordinal] = part.text
        if len(parts) == total:
            del self._groups[part.number, reference]
            self._deliver(Message(part.number, "".join(parts[number + 1] for number in range(total)), total))

    def _deliver(self, message: Message) -> None:
        self.sent.append(message)
        self.arrived.set()

    _ANSWERS: Mapping[str, Callable[[Modem, str], None]] = {
        "AT": _ok,
        "ATE0": _echo_off,
        "AT+CMEE": _ok,
        "AT+CSCS": _ok,
        "AT+CSMP": _ok,
        "AT+CPIN?": _card,
        "AT+CPIN": _unlock,
        "AT+CREG?": _registration,
        "AT+CSQ": _signal,
        "AT+CMGF": _mode,
        "AT+CMGS": _begin,
    }
