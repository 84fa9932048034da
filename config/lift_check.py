"""What must hold between lifts and the rest of a site, above all before a door may be held."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.describe import names
from courtyard.config.lifts import DOOR_HOLD
from courtyard.config.mistakes import Findings
from courtyard.config.panels import LISTS
from courtyard.config.positions import Path

CONTACTS = ("door_closed", "fire", "fire_return", "firefighter")
FORBIDDING = CONTACTS[1:]
LEAST_CORNERS = 3


def check_lifts(site: Draft, declared: Declared, findings: Findings) -> None:
    """Reports references into nothing, regions that are none, and door holds that are not as safe as they must be."""
    taken = {each.get("id"): each for key in ("devices", "cameras", *LISTS) for each in site.drafts(key)}
    watched: dict[str, str] = {}
    held: dict[str, str] = {}
    for lift in site.drafts("lifts"):
        name, path = lift.get("id"), lift.path
        if name is not None and name in taken:
            first = findings.source.position((*taken[name].path, "id"))
            findings.add("name.twice", (*path, "id"), found=name, first=first[0] if first else "?")
        _check_camera(lift, declared, watched, findings)
        for key in ("floor_region", "door_region"):
            corners = lift.get(key)
            if corners and (len(corners) < LEAST_CORNERS or any(len(corner) != 2 for corner in corners)):
                findings.add("lift.region", (*path, key), at="key")
        for key in (*CONTACTS, "level"):
            contact = lift.get(key)
            if isinstance(contact, Draft):
                _check_point(contact, declared, findings)
        for index, output in enumerate(lift.get("warn") or ()):
            if _output(output, (*path, "warn", index), declared, findings) == DOOR_HOLD:
                findings.add("lift.door_hold_only", (*path, "warn", index), found=output)
        _check_hold(lift, site, declared, held, findings)
    _check_reserved(site, declared, findings)
    _check_votes(site, findings)


def _check_camera(lift: Draft, declared: Declared, watched: dict[str, str], findings: Findings) -> None:
    camera, path, known = lift.get("camera"), (*lift.path, "camera"), declared.named("cameras")
    if camera is None:
        return
    if camera not in known:
        if declared.is_whole("cameras"):
            findings.add("reference.camera", path, found=camera, near=known, allowed=names(known))
        return
    if known[camera].get("video") is False:
        findings.add("lift.no_video", path, found=camera)
    other = watched.setdefault(camera, lift.get("id") or "?")
    if other != (lift.get("id") or "?"):
        findings.add("lift.camera_twice", path, found=camera, other=other)


def _check_point(contact: Draft, declared: Declared, findings: Findings) -> None:
    device, point, known = contact.get("device"), contact.get("point"), declared.named("devices")
    if device is not None and device not in known and declared.is_whole("devices"):
        findings.add("reference.device", (*contact.path, "device"), found=device, near=known)
    points = declared.points_of(device or "")
    if point is not None and points is not None and point not in points:
        path = (*contact.path, "point")
        findings.add("lift.point", path, found=point, device=device, near=points, allowed=names(sorted(points)))


def _check_hold(lift: Draft, site: Draft, declared: Declared, held: dict[str, str], findings: Findings) -> None:
    output, path = lift.get("hold"), (*lift.path, "hold")
    if output is None:
        if isinstance(lift.get("commissioned"), Draft) and "hold" in lift.values:
            findings.add("lift.nothing_to_hold", (*lift.path, "commissioned"), at="key")
        return
    use = _output(output, path, declared, findings)
    if use is not None and use != DOOR_HOLD:
        findings.add("lift.not_door_hold", path, found=output)
    other = held.setdefault(output, lift.get("id") or "?")
    if other != (lift.get("id") or "?"):
        findings.add("lift.hold_twice", path, found=output, other=other)
    if "commissioned" in lift.values and lift.get("commissioned") is None:
        findings.add("lift.not_commissioned", path, at="key")
    settings = declared.named("outputs").get(output)
    if settings is not None and settings.get("device") in declared.named("cameras") and not settings.get("repeat_s"):
        findings.add("lift.hold_outlives", path, at="key", found=output, device=settings.get("device"))
    panels = [panel.get("id") or "" for key in LISTS for panel in site.drafts(key)]
    patterns = lift.get("fire_alarms") or ()
    is_told = any(fnmatchcase(panel, pattern) for panel in panels for pattern in patterns)
    if not is_told and not any(lift.get(key) for key in FORBIDDING if key in lift.values):
        findings.add("lift.no_fire_contact", path, at="key")


def _output(name: str, path: Path, declared: Declared, findings: Findings) -> str | None:
    """What an output is for; None where it is not known."""
    known = declared.named("outputs")
    if name not in known:
        if declared.is_whole("outputs"):
            findings.add("reference.output", path, found=name, near=known, allowed=names(known))
        return None
    use = known[name].get("use")
    return None if use is None else str(use)


def _check_reserved(site: Draft, declared: Declared, findings: Findings) -> None:
    """A door hold is for its lift alone: no rule and no escalation may have it."""
    reserved: Mapping[str, Draft] = {
        name: output for name, output in declared.named("outputs").items() if output.get("use") == DOOR_HOLD
    }
    named = [(name, (*rule.path, "outputs", i)) for rule in site.drafts("rules")
             for i, name in enumerate(rule.get("outputs") or ())]  # fmt: skip
    named += [(step.get("output"), (*step.path, "output")) for escalation in site.drafts("escalations")
              for step in escalation.drafts("steps")]  # fmt: skip
    for name, path in named:
        if name in reserved:
            findings.add("lift.door_hold_only", path, found=name)


def _check_votes(site: Draft, findings: Findings) -> None:
    vision = site.get("vision")
    if not isinstance(vision, Draft):
        return
    for key in ("warn", "hold"):
        needed, _, of = (vision.get(key) or "1/1").partition("/")
        if int(needed) > int(of):
            findings.add("vision.votes", (*vision.path, key), found=vision.get(key))
