"""What must hold for the residents of a site: devices of their own, and limits that mean something."""

from __future__ import annotations

from courtyard.config.care import VITAL
from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.limits import check_limits
from courtyard.config.mistakes import Findings


def check_residents(site: Draft, declared: Declared, findings: Findings) -> None:
    """Reports what does not fit together."""
    owners: dict[str, str] = {}
    for resident in site.drafts("residents"):
        _check_devices(resident, declared, owners, findings)
        watched: set[str] = set()
        for limit in resident.drafts("limits"):
            _check_limit(limit, watched, declared, findings)
        if resident.drafts("limits") and resident.get("wearables") == ():
            findings.add("resident.no_wearable", (*resident.path, "limits"), at="key")


def _check_devices(resident: Draft, declared: Declared, owners: dict[str, str], findings: Findings) -> None:
    known = declared.named("devices")
    for key in ("wearables", "buttons"):
        for index, device in enumerate(resident.get(key) or ()):
            path = (*resident.path, key, index)
            if device not in known and declared.is_whole("devices"):
                findings.add("reference.device", path, found=device, near=known)
            elif device in owners:
                findings.add("resident.device_twice", path, found=device, other=owners[device])
            owners.setdefault(device, resident.get("id") or "?")


def _check_limit(limit: Draft, watched: set[str], declared: Declared, findings: Findings) -> None:
    point, path = limit.get("point"), (*limit.path, "point")
    if point is not None:
        vitals = [name for name in declared.catalogue if name.startswith(VITAL)]
        if point not in declared.catalogue:
            findings.add("point.unknown", path, found=point, near=vitals)
        elif not point.startswith(VITAL):
            findings.add("resident.not_vital", path, found=point, near=vitals)
        elif point in watched:
            findings.add("resident.limit_twice", path, found=point)
        watched.add(point)
    check_limits(limit, findings)
