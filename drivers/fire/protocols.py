"""The serial panel protocols by name, for drivers that cut, read and judge a stream without knowing which it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.dissection import Dissection
from courtyard.drivers.fire import espa, fs5101, gb26875, gst24, gst232, gst_printer, jb3208, jbf, ld128
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Shape


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


def _panel(en: str, zh: str, module: Any) -> Panel:
    return Panel(Text(en, zh), module.SHAPE, module.parse, module.events, module.dissect)


PANELS: Mapping[str, Panel] = {
    "gb26875": _panel("GB/T 26875.3-2011 transmission device", "GB/T 26875.3-2011 用户信息传输装置", gb26875),
    "jbf": _panel("Jade Bird JBF", "青鸟 JBF", jbf),
    "gst24": _panel("GST5000 CRT", "海湾 GST5000 CRT", gst24)._replace(repeats_ms=2000),
    "gst232": _panel("GST RS-232", "海湾 GST RS-232", gst232),
    "gst-printer": _panel("GST printer", "海湾 GST 打印机", gst_printer),
    "ld128": _panel("Leader LD128E CRT", "利达 LD128E CRT", ld128),
    "jb3208": _panel("Songjiang JB-3208 CRT", "松江 JB-3208 CRT", jb3208),
    "fs5101": _panel("Fu'an FS5101", "赋安 FS5101", fs5101),
    "espa": _panel("ESPA 4.4.4", "ESPA 4.4.4", espa),
}
