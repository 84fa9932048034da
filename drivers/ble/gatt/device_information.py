"""Device Information: maker, model, serial number and versions, each a text of its own.

Source: Bluetooth SIG Device Information Service 1.1, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.layout import TEXT, Field, Layout
from courtyard.drivers.ble.observation import Observation

NAMES: Mapping[int, tuple[str, Text]] = {
    0x2A29: ("maker", Text("manufacturer name", "制造商")),
    0x2A24: ("model", Text("model number", "型号")),
    0x2A25: ("serial", Text("serial number", "序列号")),
    0x2A26: ("firmware", Text("firmware revision", "固件版本")),
    0x2A27: ("hardware", Text("hardware revision", "硬件版本")),
    0x2A28: ("software", Text("software revision", "软件版本")),
}


def layout(uuid: int) -> Layout:
    """The layout of one of `NAMES`: one text."""
    name, label = NAMES[uuid]
    return Layout(label, "Device Information Service 1.1, 3", (Field(name, label, TEXT),), flagged=False)


def observer(uuid: int) -> Callable[[dict[str, Any]], Observation]:
    """What turns that text into a detail of the device."""
    name, _ = NAMES[uuid]
    return lambda fields: Observation(details={name: fields[name]})
