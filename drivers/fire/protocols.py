"""The serial panel protocols by name, for drivers that cut, read and judge a stream without knowing which it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection
from courtyard.drivers.fire import espa, fs5101, gb26875, gst24, gst232, gst_printer, jb3208, jbf, ld128
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Shape
from courtyard.drivers.fire.ports import TITLES


class Panel(NamedTuple):
    """One protocol: its frames, their meaning, their dissection.

    `repeats_ms` is the time within which the panel says the same frame again; 0, it does not.
    """

    title: Text
    shape: Shape
    parse: Callable[[bytes], Any]
    events: Callable[[Any], list[PanelEvent]]
    dissect: Callable[[bytes], Dissection]
    repeats_ms: int = 0

    def read(self, frame: bytes) -> list[PanelEvent]:
        """What one good frame says.  Raises FrameError."""
        return self.events(self.parse(frame))


def _panel(protocol: str, module: Any) -> Panel:
    return Panel(TITLES[protocol], module.SHAPE, module.parse, module.events, module.dissect)


PANELS: Mapping[str, Panel] = {
    "gb26875": _panel("gb26875", gb26875),
    "jbf": _panel("jbf", jbf),
    "gst24": _panel("gst24", gst24)._replace(repeats_ms=2000),
    "gst232": _panel("gst232", gst232),
    "gst-printer": _panel("gst-printer", gst_printer),
    "ld128": _panel("ld128", ld128),
    "jb3208": _panel("jb3208", jb3208),
    "fs5101": _panel("fs5101", fs5101),
    "espa": _panel("espa", espa),
}
