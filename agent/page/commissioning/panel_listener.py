"""One panel's line, only listened to: frames with what they say, and the bytes as they came."""

from __future__ import annotations

import asyncio
import datetime
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from courtyard.agent.web.commissioning.equipment_model import HeardFrame
from courtyard.agent.web.model import Words
from courtyard.drivers.base import Clock, Fault
from courtyard.drivers.fire import gb26875
from courtyard.drivers.fire.conversation import Conversation
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Damage, FrameError
from courtyard.drivers.fire.gb26875.events import ADDRESS_STYLES
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.links import Links
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.roster import Roster
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.fire.speech import OtherHost, Reply, Say, Sign, Speech, Statement, Step, speech_of
from courtyard.drivers.lines.wire import OpenWire, open_wire
from courtyard.drivers.progress import Progress

MOST_FRAMES: Final = 30
TAIL_BYTES: Final = 48
MOST_HEX: Final = 1500
"""Characters of one frame that are shown."""
NOTHING: Final = Words("a frame without an event", "无事件的报文")


class _Overheard(Conversation):
    """A conversation of which only one side is ever heard."""

    def __init__(self, speech: Speech, take: Any, heard: Callable[[bytes], None], *, patience_ms: int) -> None:
        super().__init__(speech, take, speaks=False, patience_ms=patience_ms)
        self._note = heard

    def received(self, data: bytes) -> None:
        self._note(data)
        super().received(data)


class PanelListener:
    """Make it inside the event loop.  `count` bytes came, `signs` good frames; `tail` are the last bytes."""

    def __init__(
        self, settings: Any, panel: FirePanel, clock: Clock, zone: datetime.tzinfo, *, open_line: OpenWire = open_wire
    ) -> None:
        self._panel, self._clock, self._zone = panel, clock, zone
        self._settings, self._open_line = settings, open_line
        self._roster = Roster(settings.name, [panel], asyncio.get_running_loop().time())
        self.count = self.signs = 0
        self.frames: deque[HeardFrame] = deque(maxlen=MOST_FRAMES)
        self.tail: deque[int] = deque(maxlen=TAIL_BYTES)

    async def run(self, tell: Callable[[Fault | None], None], chance: Callable[[], float]) -> None:
        """Until cancelled; `tell` takes the state of the line."""
        links = Links(self._settings, self._roster, Progress(), self._greet, self._open_line, chance)
        await links.run(tell)

    def _greet(self) -> Conversation:
        speech = speech_of(self._panel, self._local_time, lambda _: self._panel)
        patience_ms = PANELS[self._panel.protocol].shape.patience_ms
        return _Overheard(speech, self._take, self._came, patience_ms=patience_ms)

    def _came(self, data: bytes) -> None:
        self.count += len(data)
        self.tail.extend(data)

    def _take(self, conversation: Conversation, step: Step) -> None:
        match step:
            case Statement():
                conversation.fruitful = True
                self._keep(HeardFrame(self._clock.wall_ms(), _hex(step.frame), _said(self._panel, step.events)))
            case Sign():
                conversation.fruitful = True
                self.signs += 1
            case Damage():
                flaw = Words.of(step.flaw.text)
                self._keep(HeardFrame(self._clock.wall_ms(), _hex(step.data), flaw=flaw))
            case OtherHost():
                self.signs += 1
            case Say() | Reply():
                return  # nothing is said here, whatever would be said

    def _keep(self, frame: HeardFrame) -> None:
        """A frame that is said again and again stands once."""
        if self.frames and self.frames[-1].hex == frame.hex:
            frame = msgspec.structs.replace(frame, times=self.frames.pop().times + 1)
        self.frames.append(frame)

    def _local_time(self) -> TimeTag:
        now = datetime.datetime.fromtimestamp(self._clock.wall_ms() / 1000, self._zone)
        return TimeTag.of(now if now.year >= 2000 else now.replace(year=2000, month=1, day=1))


def said_by(panel: FirePanel, at_ms: int, frame: bytes) -> HeardFrame:
    """A frame with what it says."""
    try:
        if panel.protocol == "gb26875":
            events = gb26875.events(gb26875.parse(frame), ADDRESS_STYLES[panel.addresses])
        else:
            events = PANELS[panel.protocol].read(frame)
    except FrameError as error:
        return HeardFrame(at_ms, _hex(frame), flaw=Words.of(error.flaw.text))
    return HeardFrame(at_ms, _hex(frame), _said(panel, events))


def _said(panel: FirePanel, events: Any) -> tuple[Words, ...]:
    return tuple(_words(panel, event) for event in events) or (NOTHING,)


def _words(panel: FirePanel, event: PanelEvent) -> Words:
    """`Fire · smoke detector · 1-6-12 · corridor`"""
    name = panel.names.get(event.source) or event.text
    device = event.device
    en = [event.label.en, device.en if device else "", event.source, name, "" if event.active else "over"]
    zh = [event.label.zh, device.zh if device else "", event.source, name, "" if event.active else "已恢复"]
    return Words(" · ".join(filter(None, en)), " · ".join(filter(None, zh)))


def _hex(data: bytes) -> str:
    return data.hex(" ")[:MOST_HEX]
