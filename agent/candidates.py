"""Profiles as a scan and a decoder offer them: compiled without a site, options at their defaults (1 where none)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from courtyard.config.catalogue import product_catalogue
from courtyard.config.library import PRODUCT_PROFILES, Library
from courtyard.config.points import compile_point
from courtyard.drivers.modbus.scan import Candidate, Found
from courtyard.drivers.modbus.settings import ModbusProfile


def library(folders: Iterable[Path] = ()) -> Library:
    """The product's profiles, and those of `folders` in front of them."""
    return Library((*folders, PRODUCT_PROFILES), product_catalogue())


def candidate(profile: ModbusProfile) -> Candidate:
    """One profile with its points ready to decode."""
    catalogue = product_catalogue()
    options = {option.name: 1.0 if option.default is None else option.default for option in profile.options}
    return Candidate(profile, [compile_point(each, options, catalogue[each.point]) for each in profile.points])


def candidates(folders: Iterable[Path] = ()) -> dict[str, Candidate]:
    """Every profile that can be tried, by name; templates and broken files are left out."""
    profiles = library(folders)
    loaded = {name: profiles.load(name) for name in profiles.names()}
    return {
        name: candidate(each.profile)
        for name, each in loaded.items()
        if each is not None and isinstance(each.profile, ModbusProfile) and not each.profile.template
    }


def as_data(found: Found) -> dict[str, Any]:
    """A found unit as plain data."""
    line = found.line
    return {
        "unit": found.unit,
        "function": found.function,
        "exception": found.exception,
        "baud": getattr(line, "baud", None),
        "parity": getattr(line, "parity", None),
        "guesses": [{"profile": guess.profile, "share": round(guess.share, 2)} for guess in found.guesses],
    }
