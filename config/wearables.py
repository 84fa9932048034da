"""Wearables against their profiles: key, beacon rule and address, ready for the driver."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from courtyard.config.convert import Draft
from courtyard.config.device import Beacon, Device
from courtyard.config.mistakes import Findings
from courtyard.config.secret_files import CREDENTIAL
from courtyard.drivers.ble.adverts.beacon_rule import BeaconRule, Identity
from courtyard.drivers.ble.settings import BleDevice, WearableProfile
from courtyard.drivers.ble.setup import Setup

KEY_BYTES = 16
Secrets = Callable[[str], str | None]
"""The content of a secret file as the site names it; None where it cannot be read (which is told elsewhere)."""


def secrets_in(directory: Path, credentials: Path | None) -> Secrets:
    """Reads secret files: relative to the site, or systemd credentials, which take the place of files."""

    def read(name: str) -> str | None:
        bare = Path(name.removeprefix(CREDENTIAL)).name
        places = [credentials / bare] if credentials is not None else []
        if not name.startswith(CREDENTIAL):
            places.append(directory / name)
        for place in places:
            if os.path.isfile(place):
                try:
                    return place.read_text("ascii").strip()
                except (OSError, UnicodeDecodeError):
                    return None
        return None

    return read


def check_wearable(draft: Draft, profile: WearableProfile, findings: Findings) -> None:
    """Reports what of a device does not go with a wearable's profile."""
    name = draft.get("profile")
    for key in ("options", "points", "writes", "commands"):
        if draft.get(key):
            findings.add("wearable.unused", (*draft.path, key), at="key", profile=name)
    if not isinstance(draft.get("address"), str | None):
        findings.add("wearable.address", (*draft.path, "address"), found=str(draft.get("address")))
    if profile.key and "key_file" in draft.values and not draft.get("key_file"):
        findings.add("wearable.no_key", (*draft.path, "key_file"), profile=name)
    if profile.beacon and "beacon" in draft.values and not draft.get("beacon"):
        findings.add("wearable.no_beacon", (*draft.path, "beacon"), profile=name)
    beacon = draft.get("beacon")
    if isinstance(beacon, Draft):
        if not profile.beacon:
            findings.add("wearable.unused", (*draft.path, "beacon"), at="key", profile=name)
        normal, alarm = beacon.get("normal"), beacon.get("alarm")
        if None not in (normal, alarm) and normal.lower() == alarm.lower():
            findings.add("wearable.same_beacon", (*beacon.path, "alarm"))


def check_key(draft: Draft, secrets: Secrets, findings: Findings) -> bytes | None:
    """The key of a device, or None; reports one that is none, without showing it."""
    name = draft.get("key_file")
    text = secrets(name) if name else None
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        findings.add("wearable.wrong_key", (*draft.path, "key_file"), found=name)
        return None
    return key


def ready(device: Device, profile: WearableProfile, key: bytes | None) -> BleDevice:
    """A device without mistakes as its driver takes it."""
    address = str(device.address).upper().replace("-", ":")
    octets = bytes.fromhex(address.replace(":", ""))
    rule = None if device.beacon is None else rule_of(device.beacon)
    return BleDevice(device.id, address, profile, Setup(octets, key, dict(profile.calls), rule, profile.restarts_below))


def rule_of(beacon: Beacon) -> BeaconRule:
    """The rule of two identities."""
    return BeaconRule(_identity(beacon.normal), _identity(beacon.alarm), beacon.means)


def _identity(text: str) -> Identity:
    """`UUID/major/minor` of an iBeacon or `namespace/instance` of an Eddystone beacon; later parts may be missing."""
    space, *parts = text.split("/")
    octets = bytes.fromhex(space.replace("-", ""))
    if len(octets) == KEY_BYTES:
        return Identity(octets, b"".join(int(part).to_bytes(2, "big") for part in parts))
    return Identity(octets, bytes.fromhex("".join(parts)))
