"""Code tables: data files beside the code, read when first used.

A table maps a number to its name in both languages and, where it has one, to what it means here.  Keys are decimal
or `0x` hexadecimal.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeAlias

import msgspec

from courtyard.drivers.base import Text
from courtyard.drivers.fire.events import Detector, Kind


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a code table."""

    en: str
    zh: str
    kind: Kind = "other"
    active: bool = True
    detector: Detector = "unknown"
    unit: str = ""
    resolution: float = 1.0

    @property
    def text(self) -> Text:
        return Text(self.en, self.zh)


Codes: TypeAlias = Mapping[int, Code]


@functools.cache
def _file(name: str) -> dict[str, Any]:
    path = resources.files("courtyard.drivers.fire").joinpath("data", f"{name}.toml")
    return tomllib.loads(path.read_text("utf-8"))


@functools.cache
def codes(file: str, table: str) -> Codes:
    """The table `table` of `data/<file>.toml`."""
    return {int(key, 0): msgspec.convert(entry, Code) for key, entry in _file(file)[table].items()}


@functools.cache
def words(file: str, table: str) -> tuple[tuple[str, Code], ...]:
    """A table of key words, longest first, so that `故障恢复` wins over `故障`."""
    entries = ((key, msgspec.convert(entry, Code)) for key, entry in _file(file)[table].items())
    return tuple(sorted(entries, key=lambda entry: -len(entry[0])))


def name(table: Codes, number: int, what: Text) -> Code:
    """The entry for `number`; a number that is not in the table is named as unknown, with the number."""
    known = table.get(number)
    if known is not None:
        return known
    return Code(en=f"unknown {what.en} 0x{number:02X}", zh=f"未知{what.zh} 0x{number:02X}", kind="unknown")
