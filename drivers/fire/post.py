"""One panel of a line while the driver runs: its watch, what was counted and seen of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from courtyard.drivers.base import Fault
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.manners import MANNERS, silence_s
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.fire.watch import Watch

if TYPE_CHECKING:
    from courtyard.drivers.fire.conversation import Conversation
    from courtyard.drivers.fire.gb26875.asking import Asking
    from courtyard.drivers.fire.gb26875.frame import Message

FRAMES_KEPT = 64


class RawFrame(NamedTuple):
    """A frame as it was on the wire."""

    at_ms: int
    direction: Literal["sent", "received", "damaged"]
    hex: str


class Post:
    """What every panel has, whatever its line.

    `names` and `places` say what and where its parts are; `prefix` goes before the source of everything that it says.
    """

    def __init__(
        self, device: str, names: Mapping[str, str], places: Mapping[str, str], watch: Watch, prefix: str = ""
    ) -> None:
        self.id, self.names, self.places, self.watch, self.prefix = device, names, places, watch, prefix
        self.frames: deque[RawFrame] = deque(maxlen=FRAMES_KEPT)
        self.counts: dict[str, int] = {}
        self.trouble: Fault | None = None
        """A fault that is no condition of the link."""

    def count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def note(self, frame: RawFrame) -> None:
        """Keeps a frame for people to look at; polls that alternate with their answers are kept once."""
        if not any(seen[1:] == frame[1:] for seen in list(self.frames)[-2:]):
            self.frames.append(frame)

    def fault(self) -> Fault | None:
        """What is wrong with it now."""
        present = self.watch.present
        return panel_fault(present) if present else self.trouble


class PanelPost(Post):
    """A panel that is conversed with.  A `prefix` tells apart what the site does not list."""

    def __init__(self, panel: FirePanel, now: float, prefix: str = "") -> None:
        watch = Watch(MANNERS[panel.protocol].silence, silence_s(panel), now)
        super().__init__(panel.id, panel.names, panel.places, watch, prefix)
        self.panel = panel
        self.route: Conversation | None = None
        """The conversation in which it was heard last."""
        self.last: Message | None = None
        """The last packet of a transmission device: who it is and to whom it reports."""
        self.asking: Asking | None = None
        self.introduced = False
        """Whether it was said that the site does not list it."""

    def is_still(self, panel: FirePanel) -> bool:
        """Whether a panel of the site is this one, whatever its parts are called."""
        return msgspec.structs.replace(panel, names={}, places={}) == msgspec.structs.replace(
            self.panel, names={}, places={}
        )

    def rename(self, panel: FirePanel) -> None:
        """Its parts are called and placed as `panel` says."""
        self.panel, self.names, self.places = panel, panel.names, panel.places

    def say(self, data: bytes) -> bool:
        """Sends to it, if it is there and may be spoken to; whether it was sent."""
        return self.route is not None and self.route.attached and self.route.say(data)
