"""One protocol on one line: bytes in, steps out, without I/O.

A step is something to send at once, something to keep before it is acknowledged, or something to know.  Where a
device says what it is in every packet (GB/T 26875.3), `sender` is its address, else None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from courtyard.drivers.fire import espa, espa_receiver, fs5101, gb26875, jb3208, jbf, ld128
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Damage, Frame, Splitter
from courtyard.drivers.fire.gb26875 import centre
from courtyard.drivers.fire.gb26875.events import ADDRESS_STYLES
from courtyard.drivers.fire.gb26875.frame import ANSWER, CONFIRM, DENY
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.settings import FirePanel


class Say(NamedTuple):
    """Send this now.  What `mirrors` equals what was heard; an adapter's echo of it looks like being asked again."""

    data: bytes
    mirrors: bool = False


class Sign(NamedTuple):
    """The panel is alive."""

    sender: int | None = None
    message: gb26875.Message | None = None
    """The packet, where the protocol has senders."""
    proves_line: bool = True
    """Whether it was a frame with a checksum, or as good as one."""


class Statement(NamedTuple):
    """Something to keep.  `reply` goes out when it is on disk, never before."""

    frame: bytes
    events: tuple[PanelEvent, ...]
    reply: bytes | None = None
    sender: int | None = None


class Reply(NamedTuple):
    """An answer to what we asked a transmission device."""

    message: gb26875.Message


class OtherHost(NamedTuple):
    """Somebody polls this panel: another host, or our own echo."""


Step: TypeAlias = Say | Sign | Statement | Reply | OtherHost | Damage


class Speech(Protocol):
    """One end of one conversation; never raises for what it hears."""

    @property
    def pending(self) -> int:
        """Bytes held back because their frame may still grow."""

    def feed(self, data: bytes, now_ms: int) -> Sequence[Step]:
        """What follows from `data`, in order."""

    def idle(self, now_ms: int) -> Sequence[Step]:
        """What follows from silence."""


class Framed:
    """Frames of a `Splitter`, each turned into steps by `read`; `refuse` may answer a damaged one."""

    def __init__(
        self,
        protocol: str,
        read: Callable[[bytes], Iterable[Step]],
        refuse: Callable[[Damage], bytes | None] = lambda damage: None,
    ) -> None:
        self._splitter = Splitter(PANELS[protocol].shape)
        self._read, self._refuse = read, refuse

    @property
    def pending(self) -> int:
        return self._splitter.pending

    def feed(self, data: bytes, now_ms: int) -> list[Step]:
        return self._steps(self._splitter.feed(data, now_ms))

    def idle(self, now_ms: int) -> list[Step]:
        return self._steps(self._splitter.idle(now_ms))

    def _steps(self, found: Sequence[Frame | Damage]) -> list[Step]:
        steps: list[Step] = []
        for item in found:
            if isinstance(item, Frame):
                steps += self._read(item.data)
                continue
            steps.append(item)
            if item.flaw.code == "unsupported":  # a whole frame of a kind that cannot be checked may say anything
                steps.append(Statement(item.data, (_uncheckable(item),)))
            refusal = self._refuse(item)
            if refusal is not None:
                steps.append(Say(refusal))
        return steps


class Pager:
    """A station of ESPA 4.4.4."""

    def __init__(self, panel: FirePanel) -> None:
        station = "2" if panel.address is None else str(panel.address)
        self._receiver = espa_receiver.Receiver(station, select_alone=panel.select_alone)

    @property
    def pending(self) -> int:
        return self._receiver.pending

    def feed(self, data: bytes, now_ms: int) -> list[Step]:
        return self._steps(self._receiver.feed(data, now_ms))

    def idle(self, now_ms: int) -> list[Step]:
        return self._steps(self._receiver.idle(now_ms))

    def _steps(self, found: Sequence[espa_receiver.Step]) -> list[Step]:
        steps: list[Step] = []
        for item in found:
            if isinstance(item, espa_receiver.Reply):
                steps += (Say(item.data), Sign(proves_line=False))
            elif isinstance(item, espa_receiver.Call):
                steps += (Sign(), Statement(item.message.raw, tuple(espa.events(item.message)), item.reply))
            else:
                steps.append(item)
        return steps


def speech_of(panel: FirePanel, now: Callable[[], TimeTag], of_sender: Callable[[int], FirePanel]) -> Speech:
    """How to converse with a panel.

    `now` is the panel's local time, for protocols that stamp what they send; `of_sender` tells which panel of the
    line has an address, for protocols that have senders.
    """
    if panel.protocol == "espa":
        return Pager(panel)
    if panel.protocol == "gb26875":
        return Framed("gb26875", _Centre(of_sender, now).read, lambda damage: centre.deny(damage, now()))
    read = _READS.get(panel.protocol)
    if read is None:
        return Framed(panel.protocol, lambda frame: _told(frame, PANELS[panel.protocol].read(frame)))
    return Framed(panel.protocol, lambda frame: read(panel, frame))


class _Centre:
    """What a monitoring centre makes of packets."""

    def __init__(self, of_sender: Callable[[int], FirePanel], now: Callable[[], TimeTag]) -> None:
        self._of_sender, self._now = of_sender, now

    def read(self, frame: bytes) -> Iterable[Step]:
        message = gb26875.parse(frame)
        yield Sign(message.source, message)
        style = ADDRESS_STYLES[self._of_sender(message.source).addresses]
        events, reply = tuple(gb26875.events(message, style)), centre.reply(message, self._now())
        if events:
            yield Statement(frame, events, reply, message.source)
        elif reply is not None:
            yield Say(reply)
        if message.command in (CONFIRM, ANSWER, DENY):
            yield Reply(message)


def _told(frame: bytes, events: Sequence[PanelEvent]) -> Iterable[Step]:
    yield Sign()
    if events:
        yield Statement(frame, tuple(events))


def _jbf(panel: FirePanel, frame: bytes) -> Iterable[Step]:
    if frame == jbf.poll():
        return (OtherHost(),)
    return _told(frame, jbf.events(jbf.parse(frame)))


def _ld128(panel: FirePanel, frame: bytes) -> Iterable[Step]:
    if frame == ld128.poll():
        return (OtherHost(),)
    return _told(frame, ld128.events(ld128.parse(frame)))


def _jb3208(panel: FirePanel, frame: bytes) -> Iterable[Step]:
    message = jb3208.parse(frame)
    answer = jb3208.answer(message)
    if answer is not None:
        return (Say(answer, mirrors=True), Sign())
    return _said(frame, jb3208.events(message))


def _fs5101(panel: FirePanel, frame: bytes) -> Iterable[Step]:
    message, ours = fs5101.parse(frame), 1 if panel.address is None else panel.address & 0xFF
    if message.command == fs5101.POLL and message.address == ours and message.data == bytes((fs5101.POLL,)):
        return (Say(fs5101.answer(ours)), Sign())
    return _said(frame, fs5101.events(message))


def _said(frame: bytes, events: Sequence[PanelEvent]) -> Iterable[Step]:
    """Events of a panel that is alive by its polls only."""
    return (Statement(frame, tuple(events)),) if events else ()


_READS: dict[str, Callable[[FirePanel, bytes], Iterable[Step]]] = {
    "jbf": _jbf,
    "ld128": _ld128,
    "jb3208": _jb3208,
    "fs5101": _fs5101,
}


def _uncheckable(damage: Damage) -> PanelEvent:
    details: dict[str, Any] = {"flaw": damage.flaw.code}
    return PanelEvent(
        kind="unknown", label=damage.flaw.text, raw_hex=damage.data.hex(), verified=False, details=details
    )
