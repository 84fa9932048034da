"""Rules across the tables of a site: names, references, addresses, limits.

All of them work on drafts, so that they also speak where other settings of the same table are wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from courtyard.config.catalogue import Catalogue
from courtyard.config.convert import Draft
from courtyard.config.describe import names
from courtyard.config.mistakes import Findings
from courtyard.config.quantities import size_text
from courtyard.drivers.lines.settings import RtuTcpLine, SerialLine
from courtyard.drivers.modbus.settings import ModbusProfile

NAMED_BY = {"uplinks": "name", "lines": "name", "devices": "id", "outputs": "name", "rules": "name"}
"""The setting that names the entries of each list."""
_RULE_SETTINGS = {
    "threshold": ("point", "above", "below", "hysteresis", "for_s"),
    "unreachable": ("for_s",),
    "reverse_flow": ("point", "hysteresis", "for_s"),
    "night_flow": ("point", "above", "for_s"),
}
"""What each kind of rule understands, besides name, devices, severity and outputs."""
_SPECIAL = ("point", "above", "below", "hysteresis", "for_s")


def check(site: Draft, profiles: Mapping[str, ModbusProfile], catalogue: Catalogue, findings: Findings) -> None:
    """`profiles` by device id, as far as they could be loaded."""
    for key, attribute in NAMED_BY.items():
        _unique(site.drafts(key), attribute, findings)
    _check_journal(site, findings)
    for uplink in site.drafts("uplinks"):
        _check_uplink(uplink, site, catalogue, findings)
    _check_lines(site, findings)
    _check_addresses(site, profiles, findings)
    _check_outputs(site, profiles, findings)
    for device in site.drafts("devices"):
        _check_commands(device, profiles, findings)
    points = _points_of_devices(site, profiles)
    for rule in site.drafts("rules"):
        _check_rule(rule, site, points, catalogue, findings)


def _unique(drafts: Iterable[Draft], attribute: str, findings: Findings) -> None:
    first: dict[str, Draft] = {}
    for draft in drafts:
        name = draft.get(attribute)
        if name in first:
            place = findings.source.position((*first[name].path, attribute))
            path = (*draft.path, attribute)
            findings.add("name.twice", path, found=name, nearest=None, first=place[0] if place else "?")
        elif name is not None:
            first[name] = draft


def _names(site: Draft, key: str) -> list[str]:
    return [name for draft in site.drafts(key) if (name := draft.get(NAMED_BY[key])) is not None]


def _whole(site: Draft, key: str) -> bool:
    """Whether the name of every entry of a list is known; references into another list are not judged."""
    return key in site.values and all(NAMED_BY[key] in draft.values for draft in site.drafts(key))


def _check_commands(device: Draft, profiles: Mapping[str, ModbusProfile], findings: Findings) -> None:
    name = device.get("id")
    if name not in profiles or "writes" not in device.values:
        return
    own = [write.build() for write in device.drafts("writes")]
    targets = [write.name for write in (*profiles[name].writes, *own) if write is not None]
    for index, target in enumerate(device.get("commands") or ()):
        if target not in targets:
            path = (*device.path, "commands", index)
            findings.add("reference.target", path, found=target, near=targets, allowed=names(targets))


def _check_journal(site: Draft, findings: Findings) -> None:
    journal = site.get("journal")
    if not isinstance(journal, Draft):
        return
    quota, reserve = journal.get("quota"), journal.get("alarm_reserve")
    if quota is not None and reserve is not None and reserve >= quota:
        path = (*journal.path, "alarm_reserve")
        findings.add("journal.reserve", path, found=size_text(reserve), quota=size_text(quota))


def _check_uplink(uplink: Draft, site: Draft, catalogue: Catalogue, findings: Findings) -> None:
    path, url = uplink.path, uplink.get("url") or "mqtts:"
    for key, other in (("certificate_file", "key_file"), ("key_file", "certificate_file")):
        if uplink.get(key) and other in uplink.values and not uplink.get(other):
            findings.add("uplink.key_alone", (*path, key), other=other)
    if uplink.get("password_file") and "username" in uplink.values and not uplink.get("username"):
        findings.add("uplink.password_alone", (*path, "password_file"))
    if url.startswith("mqtt:"):
        host = url.removeprefix("mqtt://")
        if uplink.get("password_file") and not host.startswith(("127.", "localhost", "[::1]")):
            findings.add("uplink.plain", (*path, "url"), host=host)
        for key in ("ca_file", "certificate_file"):
            if uplink.get(key):
                findings.add("uplink.tls_unused", (*path, key))
    wanted = uplink.get("filter")
    if isinstance(wanted, Draft):
        _check_patterns(wanted, site, findings)
        for index, pattern in enumerate(wanted.get("points") or ()):
            if not any(fnmatchcase(name, pattern) for name in catalogue):
                findings.add(
                    "pattern.no_point", (*wanted.path, "points", index), found=pattern, near=_near(pattern, catalogue)
                )


def _check_patterns(draft: Draft, site: Draft, findings: Findings) -> None:
    devices = _names(site, "devices")
    for index, pattern in enumerate(draft.get("devices") or ()):
        if pattern != "*" and _whole(site, "devices") and not any(fnmatchcase(name, pattern) for name in devices):
            findings.add(
                "pattern.nothing", (*draft.path, "devices", index), found=pattern, near=_near(pattern, devices)
            )


def _near(pattern: str, names: Iterable[str]) -> Iterable[str]:
    """Only a whole name can be misspelt; a pattern has no nearest name."""
    return () if any(char in pattern for char in "*?[") else names


def _check_lines(site: Draft, findings: Findings) -> None:
    lines = site.drafts("lines")
    owners: dict[str, str] = {}
    for line in lines:
        name, port = line.get("name"), line.get("port")
        if line.table.cls is SerialLine and port is not None:
            wire = os.path.realpath(port)
        elif line.table.cls is RtuTcpLine and port is not None and line.get("host") is not None:
            wire = f"{line.get('host')}:{port}"
        else:
            continue
        if wire in owners:
            findings.add("line.port_twice", (*line.path, "port"), found=str(port), nearest=None, other=owners[wire])
        owners.setdefault(wire, name or "?")
    known = _names(site, "lines")
    used = set()
    for device in site.drafts("devices"):
        name = device.get("line")
        used.add(name)
        if name is not None and name not in known and _whole(site, "lines"):
            findings.add("reference.line", (*device.path, "line"), found=name, near=known, allowed=names(known))
    for line in lines:
        name = line.get("name")
        if name is not None and name not in used and None not in used:
            findings.add("line.unused", (*line.path, "name"), found=name)


def _check_addresses(site: Draft, profiles: Mapping[str, ModbusProfile], findings: Findings) -> None:
    kinds = {line.get("name"): line.table.cls for line in site.drafts("lines")}
    taken: dict[tuple[str, int], Draft] = {}
    for device in site.drafts("devices"):
        line, address = device.get("line"), device.get("address")
        if line is None or address is None:
            continue
        path = (*device.path, "address")
        if kinds.get(line) in (SerialLine, RtuTcpLine) and not 1 <= address <= 247:
            findings.add("line.address_range", path, found=str(address))
        first = taken.setdefault((line, address), device)
        if first is not device and not (_shares(first, profiles) and _shares(device, profiles)):
            other = first.get("id") or "?"
            findings.add("line.address_twice", path, found=str(address), line=line, other=other)


def _shares(device: Draft, profiles: Mapping[str, ModbusProfile]) -> bool:
    profile = profiles.get(device.get("id"))
    return profile is not None and profile.shared_address


def _check_outputs(site: Draft, profiles: Mapping[str, ModbusProfile], findings: Findings) -> None:
    devices = {device.get("id"): device for device in site.drafts("devices")}
    for output in site.drafts("outputs"):
        name, target = output.get("device"), output.get("target")
        if name is None:
            continue
        if name not in devices:
            if _whole(site, "devices"):
                near = [key for key in devices if key is not None]
                findings.add("reference.device", (*output.path, "device"), found=name, near=near)
            continue
        if target is None or name not in profiles or "writes" not in devices[name].values:
            continue
        own = [write.build() for write in devices[name].drafts("writes")]
        targets = {write.name: write for write in (*profiles[name].writes, *own) if write is not None}
        path = (*output.path, "target")
        if target not in targets:
            if None not in own:
                findings.add("reference.target", path, found=target, near=targets, allowed=names(targets))
        elif targets[target].minimum > 0 or targets[target].maximum < 1:
            findings.add("output.not_releasable", path, found=target)


def _points_of_devices(site: Draft, profiles: Mapping[str, ModbusProfile]) -> dict[str, set[str]]:
    """Point names by device id, for the devices of which all points are known."""
    points = {}
    for device in site.drafts("devices"):
        own = [point.get("point") for point in device.drafts("points")]
        profile = profiles.get(device.get("id"))
        if profile is not None and "points" in device.values and None not in own:
            points[device.get("id")] = {*(register.point for register in profile.points), *own}
    return points


def _check_rule(
    rule: Draft, site: Draft, points: Mapping[str, set[str]], catalogue: Catalogue, findings: Findings
) -> None:
    kind, path = rule.get("kind"), rule.path
    _check_patterns(rule, site, findings)
    known = _names(site, "outputs")
    for index, output in enumerate(rule.get("outputs") or ()):
        if output not in known and _whole(site, "outputs"):
            findings.add("reference.output", (*path, "outputs", index), found=output, near=known, allowed=names(known))
    if kind is None:
        return
    keys = {setting.attribute: setting for setting in rule.table.settings.values()}
    for attribute in _SPECIAL:
        setting = keys[attribute]
        if attribute not in _RULE_SETTINGS[kind] and rule.get(attribute) not in (None, setting.default):
            findings.add("rule.unused", (*path, setting.key), at="key", kind=kind)
    _check_limits(rule, kind, findings)
    _check_point(rule, site, points, catalogue, findings)


def _check_limits(rule: Draft, kind: str, findings: Findings) -> None:
    above, below = rule.get("above"), rule.get("below")
    if kind != "threshold" or "above" not in rule.values or "below" not in rule.values:
        return
    if above is None and below is None:
        findings.add("rule.needs_limit", (*rule.path, "above"))
    elif above is not None and below is not None and above <= below:
        findings.add("rule.limits_crossed", (*rule.path, "above"), above=f"{above:g}", below=f"{below:g}")


def _check_point(
    rule: Draft, site: Draft, points: Mapping[str, set[str]], catalogue: Catalogue, findings: Findings
) -> None:
    point, path = rule.get("point"), (*rule.path, "point")
    if point is None:
        if rule.get("kind") == "threshold" and "point" in rule.values:
            findings.add("rule.needs_point", path)
        return
    if point not in catalogue:
        findings.add("point.unknown", path, found=point, near=catalogue)
        return
    patterns = rule.get("devices") or ()
    watched = [name for name in _names(site, "devices") if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if watched and _whole(site, "devices") and all(name in points for name in watched):
        read = sorted(set().union(*(points[name] for name in watched)))
        if point not in read:
            findings.add("rule.not_read", path, found=point, near=read, allowed=names(read))
