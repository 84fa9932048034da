"""What a site declares, gathered once: names, the points of devices, what may be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from courtyard.config.catalogue import Catalogue
from courtyard.config.convert import Draft
from courtyard.config.library import Profile, measured
from courtyard.drivers.modbus.settings import ModbusProfile, WriteTarget

NAMED_BY = {
    "uplinks": "name",
    "lines": "name",
    "devices": "id",
    "outputs": "name",
    "rules": "name",
    "escalations": "name",
    "residents": "id",
    "cameras": "id",
    "lifts": "id",
}
"""The setting that names the entries of each list."""


class Declared:
    """The lists of a site by name.  `profiles` by device id, as far as they could be loaded."""

    def __init__(self, site: Draft, profiles: Mapping[str, Profile], catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.profiles = profiles
        self._lists: dict[str, dict[str, Draft]] = {}
        self._whole: set[str] = set()
        for key, attribute in NAMED_BY.items():
            drafts = site.drafts(key)
            self._lists[key] = {}
            for draft in drafts:
                if draft.get(attribute) is not None:
                    self._lists[key].setdefault(draft.get(attribute), draft)
            if key in site.values and all(attribute in draft.values for draft in drafts):
                self._whole.add(key)
        points = {name: self._points(name, draft) for name, draft in self.named("devices").items()}
        self._points_of = {name: known for name, known in points.items() if known is not None}

    def named(self, key: str) -> Mapping[str, Draft]:
        """The entries of a list by name; of two with one name the first."""
        return self._lists[key]

    def is_whole(self, key: str) -> bool:
        """Whether the name of every entry is known; references into another list are not judged."""
        return key in self._whole

    def matching(self, patterns: Iterable[str]) -> list[str]:
        """Ids of the devices that some pattern means."""
        devices = self.named("devices")
        exact, wild = set(), []
        for pattern in patterns:
            if is_wild(pattern):
                wild.append(pattern)
            else:
                exact.add(pattern)
        if not wild:
            return [name for name in exact if name in devices]
        return [name for name in devices if name in exact or any(fnmatchcase(name, pattern) for pattern in wild)]

    def points_of(self, device: str) -> set[str] | None:
        """The points that a device brings, or None where not all of them are known."""
        return self._points_of.get(device)

    def targets_of(self, device: str) -> dict[str, WriteTarget] | None:
        """What may be written on a device, by name, or None where not all of it is known."""
        draft = self.named("devices").get(device)
        if draft is None or device not in self.profiles or "writes" not in draft.values:
            return None
        own = [write.build() for write in draft.drafts("writes")]
        profile = self.profiles[device]
        fixed = profile.writes if isinstance(profile, ModbusProfile) else ()
        targets = {write.name: write for write in (*fixed, *own) if write is not None}
        return None if None in own else targets

    def _points(self, name: str, draft: Draft) -> set[str] | None:
        own = [point.get("point") for point in draft.drafts("points")]
        if name not in self.profiles or "points" not in draft.values or None in own:
            return None
        return {*measured(self.profiles[name]), *own}


def is_wild(pattern: str) -> bool:
    """Whether a pattern can mean more than one name."""
    return any(char in pattern for char in "*?[")
