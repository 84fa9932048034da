"""Devices against their profiles: checked, then ready for the driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from courtyard.config.catalogue import Catalogue
from courtyard.config.convert import Draft
from courtyard.config.describe import names
from courtyard.config.device import Device
from courtyard.config.library import Library, Loaded, Profile, check_points
from courtyard.config.mistakes import Findings, nearest_name
from courtyard.config.points import compile_point
from courtyard.config.wearables import Secrets, check_key, check_wearable, ready
from courtyard.drivers.base import Text
from courtyard.drivers.ble.settings import BleDevice, WearableProfile
from courtyard.drivers.modbus.settings import ModbusDevice, ModbusPoint, ModbusProfile, RegisterPoint
from courtyard.drivers.modbus.signals import LIFE

RARELY_S = 10.0
"""Smoke and gas must not wait longer for the next poll."""


class Resolved(NamedTuple):
    """A device of the site and the same for its driver."""

    settings: Device
    driver: ModbusDevice | BleDevice


class Resolver:
    """Resolves the devices of one site.  `profiles` collects, by device id, the profiles that could be loaded."""

    def __init__(self, library: Library, catalogue: Catalogue, findings: Findings, secrets: Secrets) -> None:
        self._secrets = secrets
        self._library = library
        self._catalogue = catalogue
        self._findings = findings
        self._told: set[str] = set()
        self._points: dict[tuple[str, tuple[tuple[str, float], ...]], tuple[ModbusPoint, ...]] = {}
        self.profiles: dict[str, Profile] = {}

    def resolve(self, draft: Draft) -> Resolved | None:
        """The device, or None when anything about it is wrong (which is reported)."""
        before = self._findings.count()
        profile = self._profile(draft)
        if profile is None:
            return None
        if draft.get("id"):
            self.profiles[draft.get("id")] = profile
        if isinstance(profile, WearableProfile):
            return self._wearable(draft, profile, before)
        options = self._options(draft, profile)
        self._check_own(draft, profile)
        for key in ("key_file", "beacon"):
            if draft.get(key):
                self._findings.add("wearable.none", (*draft.path, key), at="key", profile=draft.get("profile"))
        address = draft.get("address")
        if isinstance(address, str):
            self._findings.add("device.unit_wanted", (*draft.path, "address"), found=address)
        device = draft.build()
        if not isinstance(device, Device) or not isinstance(address, int) or self._findings.count() > before:
            return None
        points = self._compiled(device.profile, profile.points, options)
        if device.points:
            points += self._compile(device.points, options)
        if device.writes:
            profile = msgspec.structs.replace(profile, writes=(*profile.writes, *device.writes))
        if device.every_s > RARELY_S and any(point.register.point in LIFE for point in points):
            self._findings.add("device.polled_rarely", (*draft.path, "every"), at="key", every=device.every_s)
        return Resolved(device, ModbusDevice(device.id, address, profile, points, device.every_s))

    def _wearable(self, draft: Draft, profile: WearableProfile, before: int) -> Resolved | None:
        check_wearable(draft, profile, self._findings)
        key = check_key(draft, self._secrets, self._findings)
        device = draft.build()
        if not isinstance(device, Device) or self._findings.count() > before:
            return None
        return Resolved(device, ready(device, profile, key))

    def _compiled(
        self, name: str, registers: Iterable[RegisterPoint], options: Mapping[str, float]
    ) -> tuple[ModbusPoint, ...]:
        """Devices of the same type with the same options share their points."""
        key = (name, tuple(sorted(options.items())))
        if key not in self._points:
            self._points[key] = self._compile(registers, options)
        return self._points[key]

    def _compile(self, registers: Iterable[RegisterPoint], options: Mapping[str, float]) -> tuple[ModbusPoint, ...]:
        return tuple(compile_point(register, options, self._catalogue[register.point]) for register in registers)

    def _profile(self, draft: Draft) -> Profile | None:
        name, path = draft.get("profile"), (*draft.path, "profile")
        if name is None:
            return None
        loaded = self._library.load(name)
        if loaded is None:
            known = self._library.names()
            self._findings.add("profile.missing", path, found=name, near=known, allowed=names(known))
            return None
        self._tell(loaded, path)
        if loaded.profile is None:
            self._findings.add("profile.broken", path, found=name)
        return loaded.profile

    def _tell(self, loaded: Loaded, path: tuple[str | int, ...]) -> None:
        """What is wrong with a profile is said once, however many devices have it."""
        if loaded.name in self._told:
            return
        self._told.add(loaded.name)
        if len(self._library.copies(loaded.name)) > 1:
            self._findings.add("profile.hides", path, found=loaded.name)
        self._findings.mistakes.extend(loaded.mistakes)

    def _options(self, draft: Draft, profile: ModbusProfile) -> Mapping[str, float]:
        given: dict[str, float] = draft.get("options") or {}
        known = {option.name: option for option in profile.options}
        path, name = (*draft.path, "options"), draft.get("profile")
        meant = {nearest_name(key, known) for key in given if key not in known}
        for key in given:
            if key not in known:
                self._findings.add(
                    "profile.option_unknown",
                    (*path, key),
                    at="key",
                    found=key,
                    near=known,
                    allowed=names(known),
                    profile=name,
                )
        for key, option in known.items():
            if option.default is None and key not in given and "options" in draft.values and key not in meant:
                title = Text(option.title_en, option.title_zh)
                self._findings.add("profile.option_missing", (*path, key), profile=name, title=title)
        defaults = {key: option.default for key, option in known.items() if option.default is not None}
        return defaults | given

    def _check_own(self, draft: Draft, profile: ModbusProfile) -> None:
        """Points and writes that the device itself gives."""
        name = draft.get("profile")
        for key in ("points", "writes"):
            if draft.get(key) and not profile.template:
                self._findings.add("profile.fixed", (*draft.path, key), at="key", profile=name)
        points = [point.build() for point in draft.drafts("points")]
        if profile.template and not points and not draft.get("writes") and "points" in draft.values:
            self._findings.add("profile.no_points", (*draft.path, "points"), profile=name)
        if None not in points:
            taken = [register.point for register in profile.points]
            own = [point for point in points if point is not None]
            check_points(own, (*draft.path, "points"), profile, self._catalogue, self._findings, taken)
