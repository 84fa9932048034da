"""Device profiles: one TOML file each, of the product or of the site."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from courtyard.config.catalogue import Catalogue
from courtyard.config.convert import MISSING, Draft, convert
from courtyard.config.mistakes import Findings, Mistake
from courtyard.config.points import check_point
from courtyard.config.positions import Path as SettingPath
from courtyard.config.shape import shape_of
from courtyard.config.syntax import parse
from courtyard.config.text_file import read_text
from courtyard.drivers.ble.settings import WearableProfile
from courtyard.drivers.modbus.settings import ModbusProfile, RegisterPoint

PRODUCT_PROFILES = Path(__file__).with_name("profiles")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")


Profile = ModbusProfile | WearableProfile
"""A device type of any family."""


def measured(profile: Profile) -> tuple[str, ...]:
    """The points that a device type brings."""
    if isinstance(profile, WearableProfile):
        return profile.measures
    return tuple(register.point for register in profile.points)


class Loaded(NamedTuple):
    """One profile file: the profile, or what is wrong with it."""

    name: str
    file: Path
    profile: Profile | None
    mistakes: tuple[Mistake, ...]


class Library:
    """Profiles by name (`family/stem`), searched in `folders`, the first that has it."""

    def __init__(self, folders: Iterable[Path], catalogue: Catalogue) -> None:
        self.folders = tuple(dict.fromkeys(Path(os.path.realpath(folder)) for folder in folders))
        self._catalogue = catalogue
        self._loaded: dict[str, Loaded | None] = {}

    def load(self, name: str) -> Loaded | None:
        """The profile of this name, or None where no folder has it.  Never raises; each file is read once."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Loaded | None:
        file = next(iter(self.copies(name)), None)
        if file is None:
            return None
        text, findings = read_text(file)
        if text is None:
            return Loaded(name, file, None, tuple(findings.mistakes))
        profile = read_profile(findings, self._catalogue)
        return Loaded(name, file, profile, tuple(findings.mistakes))

    def copies(self, name: str) -> tuple[Path, ...]:
        """All files of this name, the one that counts first."""
        files = (folder / f"{name}.toml" for folder in self.folders)
        return tuple(file for file in files if os.path.isfile(file)) if _NAME.fullmatch(name) else ()

    def names(self) -> tuple[str, ...]:
        """All names that can be loaded."""
        found = {
            f"{file.parent.name}/{file.stem}"
            for folder in self.folders
            for file in sorted(folder.glob("*/*.toml"))[:500]
        }
        return tuple(sorted(name for name in found if _NAME.fullmatch(name)))


def read_profile(findings: Findings, catalogue: Catalogue) -> Profile | None:
    """The profile in a source; None when `findings` has a mistake."""
    raw, whole = parse(findings)
    draft = convert(shape_of(Profile), raw, (), findings)
    if not whole:
        findings.mistakes = [each for each in findings.mistakes if each.code not in MISSING]
        return None
    profile = draft.build() if isinstance(draft, Draft) else None
    if isinstance(profile, WearableProfile):
        for index, point in enumerate(profile.measures):
            if point not in catalogue:
                findings.add("point.unknown", ("measures", index), found=point, near=catalogue)
        return None if findings.count() else profile
    if not isinstance(profile, ModbusProfile):
        return None
    _check(profile, catalogue, findings)
    return None if findings.count() else profile


def _check(profile: ModbusProfile, catalogue: Catalogue, findings: Findings) -> None:
    check_points(profile.points, ("points",), profile, catalogue, findings)
    for key, names in (
        ("options", [option.name for option in profile.options]),
        ("writes", [write.name for write in profile.writes]),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                first = findings.source.position((key, names.index(name)))
                findings.add("name.twice", (key, index, "name"), found=name, first=first[0] if first else "?")
    for index, write in enumerate(profile.writes):
        if write.minimum > write.maximum:
            path = ("writes", index, "minimum")
            findings.add("profile.wrong_limits", path, low=write.minimum, high=write.maximum)
    if not profile.template and not profile.points:
        findings.add("profile.empty")


def check_points(
    points: Iterable[RegisterPoint],
    path: SettingPath,
    profile: ModbusProfile,
    catalogue: Catalogue,
    findings: Findings,
    taken: Iterable[str] = (),
) -> None:
    """Reports what is wrong with the points of one device type, or of one device; `taken` has points already."""
    seen = set(taken)
    for index, register in enumerate(points):
        if register.point in seen:
            findings.add("point.twice", (*path, index, "point"), found=register.point)
        seen.add(register.point)
        check_point(register, (*path, index), profile, catalogue, findings)
