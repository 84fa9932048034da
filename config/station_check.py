"""What must hold between the measured values that a fire-control centre gets and the devices that measure them."""

from __future__ import annotations

from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.describe import names
from courtyard.config.mistakes import Findings
from courtyard.config.station import scales


def check_station(uplink: Draft, declared: Declared, findings: Findings) -> None:
    """Every value is measured, in a unit that the standard knows, and has an address of its own."""
    station = uplink.get("station")
    if not isinstance(station, Draft):
        return
    taken: set[tuple[object, ...]] = set()
    for analogue in station.drafts("analogues"):
        _check_point(analogue, declared, findings)
        address = tuple(analogue.get(key) for key in ("system_type", "system", "component_type", "component"))
        if address in taken and None not in address:
            findings.add("station.analogue_twice", (*analogue.path, "component"), found=str(address[-1]))
        taken.add(address)


def _check_point(analogue: Draft, declared: Declared, findings: Findings) -> None:
    device, point, known = analogue.get("device"), analogue.get("point"), declared.named("devices")
    if device is not None and device not in known and declared.is_whole("devices"):
        findings.add("reference.device", (*analogue.path, "device"), found=device, near=known)
    path = (*analogue.path, "point")
    if point is None:
        return
    if point not in declared.catalogue:
        findings.add("point.unknown", path, found=point, near=declared.catalogue)
        return
    unit = declared.catalogue[point].unit or "-"
    if not scales(unit):
        findings.add("station.unit", path, found=point, unit=unit)
    points = declared.points_of(device or "")
    if points is not None and point not in points:
        findings.add("station.point", path, found=point, device=device, near=points, allowed=names(sorted(points)))
