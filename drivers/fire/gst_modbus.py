"""海湾 GST on Modbus RTU (V1.0a): one holding register a device, only its latest state (vendor document).

Function 3, 4800 baud, at most 100 registers a query.  Because a state that came and went between two polls is never
seen, a driver polls every second or two.  Addresses here are PDU addresses: register 40001 is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.fire.events import ENDS, MOMENTARY, Kind, PanelEvent
from courtyard.drivers.fire.tables import Code, codes, name

MOST_REGISTERS = 100
NONE, FAULT = 0, 2


class Model(msgspec.Struct, frozen=True):
    """Where a panel keeps what.  `zone_size` splits the device number into zone and code; 0 keeps it whole."""

    devices: range
    zone_size: int
    power: Mapping[int, Kind]


GST200 = Model(range(0, 242), 0, {242: "mains_fault", 243: "battery_fault", 244: "bus_fault"})
GST5000 = Model(range(0, 2400), 240, {4997: "mains_fault", 4998: "battery_fault"})
MODELS: Mapping[str, Model] = {"gst200": GST200, "gst5000": GST5000}


def queries(model: Model) -> list[tuple[int, int]]:
    """Address and count of every query of one poll; the power registers come first."""
    power = sorted(model.power)
    found = [(power[0], power[-1] - power[0] + 1)]
    last = model.devices.stop
    for first in range(model.devices.start, last, MOST_REGISTERS):
        found.append((first, min(MOST_REGISTERS, last - first)))
    return found


def source(model: Model, address: int) -> str:
    """`3-17` for zone and code, or the device number; empty for the power registers."""
    if address in model.power:
        return ""
    if not model.zone_size:
        return str(address + 1)
    zone, code = divmod(address, model.zone_size)
    return f"{zone}-{code + 1}"


def events(model: Model, first: int, values: Sequence[int], previous: Sequence[int] | None = None) -> list[PanelEvent]:
    """What changed since `previous`, the states of the same registers one poll before (None: all states are new).

    A state that becomes 0 ends what it was; a state that becomes another one says nothing about the end of the first.
    """
    said = []
    for offset, value in enumerate(values):
        before = NONE if previous is None else previous[offset]
        if value == before:
            continue
        event = _event(model, first + offset, value if value != NONE else before, ended=value == NONE)
        if event is not None:
            said.append(event)
    return said


def _event(model: Model, address: int, state: int, *, ended: bool) -> PanelEvent | None:
    code = _code(model, address, state)
    if ended and (code.kind in MOMENTARY or code.kind in ENDS or not code.active):
        return None
    return PanelEvent(
        kind=code.kind,
        label=code.text,
        source=source(model, address),
        active=code.active and not ended,
        raw_hex=f"{0 if ended else state:04x}",
        details={"register": 40001 + address, "state": 0 if ended else state},
    )


def _code(model: Model, address: int, state: int) -> Code:
    kind = model.power.get(address)
    code = name(codes("gst", "register_states"), state, Text("state", "状态"))
    if kind is None or state not in (FAULT, 9):
        return code
    what = _POWER[kind]
    return Code(en=what.en, zh=what.zh, kind=kind, active=state == FAULT)


_POWER: Mapping[Kind, Text] = {
    "mains_fault": Text("mains power", "主电"),
    "battery_fault": Text("standby power", "备电"),
    "bus_fault": Text("bus", "总线"),
}
