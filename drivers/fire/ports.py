"""What each family of panels is called, and how its serial port is usually set, as its documents say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from courtyard.drivers.base import Text

TITLES: Mapping[str, Text] = {
    "gb26875": Text("GB/T 26875.3-2011 transmission device", "GB/T 26875.3-2011 用户信息传输装置"),
    "jbf": Text("Jade Bird JBF", "青鸟 JBF"),
    "gst24": Text("GST5000 CRT", "海湾 GST5000 CRT"),
    "gst232": Text("GST RS-232", "海湾 GST RS-232"),
    "gst-printer": Text("GST printer", "海湾 GST 打印机"),
    "ld128": Text("Leader LD128E CRT", "利达 LD128E CRT"),
    "jb3208": Text("Songjiang JB-3208 CRT", "松江 JB-3208 CRT"),
    "fs5101": Text("Fu'an FS5101", "赋安 FS5101"),
    "espa": Text("ESPA 4.4.4", "ESPA 4.4.4"),
    "gst200": Text("GST200 Modbus", "海湾 GST200 Modbus"),
    "gst5000": Text("GST5000 Modbus", "海湾 GST5000 Modbus"),
    "notifier": Text("Notifier/Honeywell Modbus gateway", "诺帝菲尔/霍尼韦尔 Modbus 网关"),
    "gamewell": Text("Gamewell Modbus gateway", "盖姆威尔 Modbus 网关"),
}
"""By protocol, and by model of panels that are read over Modbus."""


class Port(NamedTuple):
    """Speeds (Bd), and characters as data bits, parity and stop bits."""

    bauds: tuple[int, ...]
    characters: tuple[str, ...] = ("8N1",)


PORTS: Mapping[str, Port] = {
    "jbf": Port((9600,)),
    "ld128": Port((9600,)),
    "jb3208": Port((2400, 4800, 9600, 19200)),
    "fs5101": Port((9600,), ("8N2",)),
    "gst24": Port((2400,)),
    "gst-printer": Port((2400, 9600)),
    "gst200": Port((4800,)),
    "gst5000": Port((4800,)),
    "espa": Port((1200, 2400, 4800, 9600), ("7E1", "8N1")),
}
"""What is not here has no usual setting."""
