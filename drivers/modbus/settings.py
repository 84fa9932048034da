"""What a Modbus device type is, as data.

A profile lists registers; the driver coalesces them into requests.  Addresses are PDU addresses (0-based).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
"""Order of the four bytes of a 32-bit value on the wire; for 64 bits the same rule over four words."""
NumberType = Literal[
    "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "bcd16", "bcd32", "bcd64", "bool"
]
Function = Literal[1, 2, 3, 4]


class Fraction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The second half of an integer + fraction pair; always fetched in the same request as the first."""

    address: Annotated[int, Meta(ge=0, le=65535)]
    type: NumberType
    scale: float = 1.0
    order: Order | None = None


class RegisterPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One point of a profile: where it stands, how it is encoded, what it becomes.

    value = (decode(type, order) + fraction) * scale + offset, then from `unit` into the catalogue's unit.
    """

    point: str
    address: Annotated[int, Meta(ge=0, le=65535)]
    type: NumberType
    unit: str | None = None
    function: Function | None = None
    order: Order | None = None
    scale: float = 1.0
    offset: float = 0.0
    scale_option: str | None = None
    """Name of a profile option whose value multiplies `scale` (a multiplier set on the meter's front panel)."""
    fraction: Fraction | None = None
    mask: int | None = None
    """Bits that count; a bool point is true when any of them is set."""
    map: dict[str, str | bool] | None = None
    """Raw integer (as text) to value, for codes; a code that is not listed is bad:decode."""
    sentinels: tuple[int, ...] = ()
    """Raw integers that mean 'no value', besides the ones common to all types."""
    minimum: float | None = None
    maximum: float | None = None
    counter_width: Literal[16, 32, 64] | None = None
    """Binary width at which this counter wraps."""
    counter_digits: int | None = None
    """Decimal digits after which a BCD dial wraps."""
    as_text: bool = False
    """Decimal digits kept as text with leading zeros (serial numbers)."""


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that only the site knows, such as a totaliser multiplier."""

    name: str
    title_en: str
    title_zh: str
    default: float | None = None
    """None makes the option required."""


class WriteTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coil or register that an output or an allow-listed command may write."""

    name: str
    kind: Literal["coil", "register"]
    address: Annotated[int, Meta(ge=0, le=65535)]
    minimum: int = 0
    maximum: int = 65535


class ModbusProfile(msgspec.Struct, frozen=True, tag_field="protocol", tag="modbus", forbid_unknown_fields=True):
    """A Modbus device type."""

    title_en: str
    title_zh: str
    points: tuple[RegisterPoint, ...] = ()
    source: str = ""
    """Where the register map comes from."""
    function: Function = 3
    order: Order = "ABCD"
    max_registers: Annotated[int, Meta(ge=1, le=125)] = 125
    max_gap: Annotated[int, Meta(ge=0, le=124)] = 16
    """Unused registers that may be read along to save a request."""
    timeout_s: float = 0.5
    late_s: float = 3.0
    """Longest time after a request at which this device has been seen to answer."""
    retries: Annotated[int, Meta(ge=0, le=5)] = 2
    wake: bool = False
    """Battery meter: the first request after a pause may be lost."""
    template: bool = False
    """The site gives the points."""
    options: tuple[Option, ...] = ()
    writes: tuple[WriteTarget, ...] = ()


class ModbusPoint(msgspec.Struct, frozen=True):
    """A register point made ready for one device: options filled in, unit conversion folded into one line.

    catalogue value = raw * gain + bias
    """

    register: RegisterPoint
    gain: float
    bias: float


class ModbusDevice(msgspec.Struct, frozen=True):
    """One device on a line, as the site has it, resolved against profile and catalogue."""

    id: str
    address: int
    profile: ModbusProfile
    points: tuple[ModbusPoint, ...]
    every_s: float
