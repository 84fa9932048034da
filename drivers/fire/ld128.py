"""利达 LD128E CRT output: the host polls with `20`, the panel answers `7F` or one event (vendor document).

An event is command, loop and address; no checksum, no start, no end.  So everything is unverified, and silence is
the only proof of where an event ends: a first byte that no table knows is believed only when exactly three bytes came.
"""

from __future__ import annotations

import re

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection
from courtyard.drivers.fire.dissecting import Field, dissection, named, read
from courtyard.drivers.fire.events import Kind, PanelEvent
from courtyard.drivers.fire.framing import SILENCE_MS, Buffer, Shape, Verdict, require
from courtyard.drivers.fire.tables import Code, Codes, codes, name

PROTOCOL = "ld128"
POLL, NOTHING = 0x20, 0x7F
LENGTH = 3
POWER: frozenset[Kind] = frozenset({"mains_fault", "battery_fault"})


class Message(msgspec.Struct, frozen=True):
    """One answer of the panel, or the host's poll; those of one byte have no loop and no address."""

    command: int
    loop: int | None
    address: int | None
    raw: bytes


def commands() -> Codes:
    return codes(PROTOCOL, "commands")


def judge(data: Buffer, at: int, closed: bool = False) -> Verdict:
    """One byte for polls and `nothing`, three for events."""
    first = data[at]
    here = len(data) - at
    if first in (POLL, NOTHING):
        return 1
    if first in commands():
        return LENGTH if here >= LENGTH else 0
    if here > LENGTH:
        return None
    return LENGTH if here == LENGTH and closed else 0


SHAPE = Shape(judge, re.compile(rb"(?s)."), LENGTH + 1, SILENCE_MS)


def parse(data: bytes) -> Message:
    """One whole answer.  Raises FrameError."""
    require(SHAPE, data)
    if len(data) < LENGTH:
        return Message(data[0], None, None, data)
    return Message(data[0], data[1], data[2], data)


def events(message: Message) -> list[PanelEvent]:
    """What the answer says, always unverified; polls and `nothing` say nothing."""
    if message.loop is None or message.address is None:
        return []
    code = name(commands(), message.command, Text("command", "命令"))
    source = f"{message.loop}-{message.address}"
    if code.kind in POWER:
        code, source = _power(code, message.address), ""
    return [
        PanelEvent(
            kind=code.kind,
            label=code.text,
            source=source,
            active=code.active,
            raw_hex=message.raw.hex(),
            verified=False,
            details={"command": message.command, "loop": message.loop, "address": message.address},
        )
    ]


def _power(code: Code, state: int) -> Code:
    """The address byte of a power event is its state: 0 is good, 1 is a fault."""
    if state in (0, 1):
        return Code(en=code.en, zh=code.zh, kind=code.kind, active=state == 1)
    return name({}, state, Text(f"state of {code.en}", f"{code.zh}状态"))


def poll() -> bytes:
    """The host's poll, about every 200 ms; a panel that is not polled says nothing."""
    return bytes((POLL,))


_SAID = {POLL: Text("host poll", "主机巡检"), NOTHING: Text("nothing to report", "无事件")}
_COMMAND = Field("command", Text("command", "命令"), 0, 1, meaning=named(commands, Text("command", "命令")))
_FIELDS = (
    _COMMAND,
    Field("loop", Text("loop", "回路"), 1, 2),
    Field("address", Text("address", "地址"), 2, 3),
)


def dissect(data: bytes) -> Dissection:
    """Every field of one answer, or the byte that is wrong."""
    fields: tuple[Field, ...] = _FIELDS
    if data and data[0] in _SAID:
        fields = (_COMMAND._replace(meaning=_SAID.get),)
    return dissection(PROTOCOL, SHAPE, data, lambda raw: read(fields, raw), lambda good: (events(parse(good)), None))
