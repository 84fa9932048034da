"""Settings of this gateway as a transmission device of a fire-control centre (GB/T 26875.3-2011)."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, field

from courtyard.config.units import conversion
from courtyard.drivers.fire.tables import codes
from courtyard.drivers.lines.settings import Name, Seconds, help_text

Byte = Annotated[int, Meta(ge=0, le=255)]
COUNT = "1"


class Scale(NamedTuple):
    """How a value of a point travels: `value * gain + bias` is the number on the wire."""

    type: int
    gain: float
    bias: float


def scales(unit: str) -> tuple[Scale, ...]:
    """The analogue types (table 6) that can carry a unit of the catalogue, the finest first; none for most units."""
    found = []
    for number, code in codes("gb26875", "analogue_types").items():
        line = conversion(unit, code.unit)
        if line is not None and (unit == COUNT or code.unit != COUNT):  # a share of a hundred is no count
            found.append(Scale(number, float(line.gain) / code.resolution, float(line.bias) / code.resolution))
    return tuple(sorted(found, key=lambda scale: -scale.gain))


class Analogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured point, and which part of which fire system it is for the centre."""

    device: Annotated[Name, help_text("Device that measures it.", "测量该值的设备编号。", example="tank-b01")]
    point: Annotated[
        Annotated[str, Meta(min_length=1, extra={"kind": "point"})],
        help_text("Point of that device.", "该设备的测点。", example="water.pressure"),
    ]
    component_type: Annotated[
        Byte, help_text("Component type of GB/T 26875.3, table 5.", "部件类型（GB/T 26875.3 表 5）。", example=92)
    ]
    component: Annotated[
        int,
        Meta(ge=0, le=(1 << 32) - 1),
        help_text("Component address at the centre.", "在中心登记的部件地址。", example=1),
    ]
    system_type: Annotated[
        Byte, help_text("System type of GB/T 26875.3, table 4.", "系统类型（GB/T 26875.3 表 4）。", example=11)
    ] = 1
    system: Annotated[Byte, help_text("System address at the centre.", "在中心登记的系统地址。")] = 1


class Station(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This gateway as a user information transmission device of a fire-control centre (GB/T 26875.3)."""

    address: Annotated[
        int,
        Meta(ge=1, le=(1 << 48) - 1),
        help_text("Address that the centre gave to this gateway.", "中心分配给本网关的源地址。", example=1144201745),
    ]
    centre: Annotated[
        int, Meta(ge=0, le=(1 << 48) - 1), help_text("Address of the centre.", "监控中心的地址。", example=1)
    ] = 1
    heartbeat_s: Annotated[
        Seconds, Meta(ge=5, le=600), help_text("How often it says that it is alive.", "心跳间隔。")
    ] = field(default=30.0, name="heartbeat")
    systems: Annotated[
        dict[str, Annotated[int, Meta(ge=0, le=255)]],
        help_text(
            "System address of each panel, by device id; otherwise the panel's own controller number.",
            "各控制器（按设备编号）的系统地址；不填则使用控制器自身的编号。",
            example={"fire-b01": 1, "fire-b02": 2},
        ),
    ] = {}
    analogues: Annotated[
        tuple[Analogue, ...],
        help_text("Measured values that the centre gets.", "上报给中心的模拟量。"),
    ] = ()
    measured_every_s: Annotated[
        Seconds, Meta(ge=5, le=86_400), help_text("How often these values are reported.", "模拟量的上报间隔。")
    ] = field(default=60.0, name="measured_every")
