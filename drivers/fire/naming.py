"""What a panel calls its parts, made of what an exported list has of them: controller, loop and address.

Numbers are compared as numbers, except where the panel itself shows leading zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Column = Literal["controller", "loop", "address"]


class Naming(NamedTuple):
    """The columns that make an address, and the digits to which a panel fills its numbers up."""

    columns: tuple[Column, ...]
    digits: int = 0


_ALL: tuple[Column, ...] = ("controller", "loop", "address")
_LOOPS: tuple[Column, ...] = ("loop", "address")
_FLAT: tuple[Column, ...] = ("address",)
NAMINGS: Mapping[str, Naming] = {
    "gb26875": Naming(_ALL),
    "jbf": Naming(_ALL),
    "jb3208": Naming(_ALL),
    "fs5101": Naming(_ALL),
    "ld128": Naming(_LOOPS),
    "gst-printer": Naming(_LOOPS, 3),
    "gst5000": Naming(_LOOPS),
    "gst24": Naming(_FLAT, 6),
    "gst232": Naming(_FLAT, 6),
    "gst200": Naming(_FLAT),
    "espa": Naming(_FLAT),
    "notifier": Naming(_FLAT),
    "gamewell": Naming(_FLAT),
}
"""By protocol, and by model of panels that are read over Modbus."""
ONE_NUMBER = Naming(("controller", "address"))
"""GB/T 26875.3 where the component address is read as one number, or as four bytes (`0-2-0-10`)."""


def naming(protocol: str, addresses: str = "loop-point") -> Naming:
    """How the parts of a panel are named; `addresses` as in the settings of GB/T 26875.3."""
    if protocol == "gb26875" and addresses in ("number", "bytes"):
        return ONE_NUMBER
    return NAMINGS[protocol]


def source(naming: Naming, parts: Mapping[Column, str]) -> str:
    """`1-6-12`; a missing controller is 1.  Raises KeyError for another part that is missing or empty."""
    return "-".join(_filled(naming, parts, column) for column in naming.columns)


def _filled(naming: Naming, parts: Mapping[Column, str], column: Column) -> str:
    word = parts.get(column, "").strip() or ("1" if column == "controller" else "")
    if not word:
        raise KeyError(column)
    return str(int(word)).zfill(naming.digits) if word.isascii() and word.isdigit() else word
