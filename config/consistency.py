"""What must hold between the tables of a site: names, references, addresses, limits.

Everything works on drafts, so that it also speaks where other settings of the same table are wrong.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from courtyard.config.cameras import check_cameras, check_relay
from courtyard.config.care_check import check_residents
from courtyard.config.convert import Draft
from courtyard.config.declared import NAMED_BY, Declared, is_wild
from courtyard.config.describe import names
from courtyard.config.escalating import check_escalations, check_format, check_modem
from courtyard.config.lift_check import check_lifts
from courtyard.config.limits import check_limits
from courtyard.config.mistakes import Findings
from courtyard.config.nights import NIGHT_FLOW_FOR_S, length_s
from courtyard.config.page import LOOPBACK
from courtyard.config.panels import LISTS, check_panels
from courtyard.config.presence_check import check_presence, receivers
from courtyard.config.quantities import duration_text, size_text
from courtyard.config.station_check import check_station
from courtyard.drivers.ble.settings import WearableProfile
from courtyard.drivers.lines.settings import BleLine, RtuTcpLine, SerialLine, TcpServerLine, UdpLine
from courtyard.drivers.modbus.settings import ModbusProfile

_RULE_SETTINGS = {
    "threshold": ("point", "above", "below", "hysteresis", "for_s"),
    "unreachable": ("for_s",),
    "reverse_flow": ("point", "hysteresis", "for_s"),
    "night_flow": ("point", "above", "for_s", "start", "end"),
}
"""What each kind of rule understands, besides name, devices, severity and outputs."""
_SPECIAL = ("point", "above", "below", "hysteresis", "for_s", "start", "end")


def check(site: Draft, declared: Declared, findings: Findings) -> None:
    """Reports everything that does not fit together."""
    for key, attribute in NAMED_BY.items():
        _check_unique(site.drafts(key), declared, key, attribute, findings)
    _check_journal(site, findings)
    _check_web(site, findings)
    for uplink in site.drafts("uplinks"):
        _check_uplink(uplink, declared, findings)
        check_format(uplink, findings)
        check_station(uplink, declared, findings)
    _check_lines(site, findings)
    for device in site.drafts("devices"):
        _check_line_of(device, declared, findings)
        _check_commands(device, declared, findings)
    _check_addresses(site, declared, findings)
    check_panels(site, declared, findings)
    check_cameras(site, declared, findings)
    for output in site.drafts("outputs"):
        _check_output(output, declared, findings)
    _check_shared_targets(site, findings)
    for rule in site.drafts("rules"):
        _check_rule(rule, declared, findings)
    check_escalations(site, declared, findings)
    check_modem(site, findings)
    check_lifts(site, declared, findings)
    check_residents(site, declared, findings)
    check_presence(site, declared, findings)


def _check_unique(drafts: Iterable[Draft], declared: Declared, key: str, attribute: str, findings: Findings) -> None:
    for draft in drafts:
        name = draft.get(attribute)
        if name is not None and declared.named(key)[name] is not draft:
            first = findings.source.position((*declared.named(key)[name].path, attribute))
            findings.add("name.twice", (*draft.path, attribute), found=name, first=first[0] if first else "?")


def _check_journal(site: Draft, findings: Findings) -> None:
    journal = site.get("journal")
    if not isinstance(journal, Draft):
        return
    quota, reserve = journal.get("quota"), journal.get("alarm_reserve")
    if quota is not None and reserve is not None and reserve >= quota:
        path = (*journal.path, "alarm_reserve")
        findings.add("journal.reserve", path, found=size_text(reserve), quota=size_text(quota))


def _check_web(site: Draft, findings: Findings) -> None:
    web = site.get("web")
    if isinstance(web, Draft) and web.get("tls") is False and web.get("listen") not in LOOPBACK:
        findings.add("web.plain", (*web.path, "tls"), listen=web.get("listen"))


def _check_uplink(uplink: Draft, declared: Declared, findings: Findings) -> None:
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
        _check_patterns(wanted, declared, findings)
        for index, pattern in enumerate(wanted.get("points") or ()):
            if not any(fnmatchcase(name, pattern) for name in declared.catalogue):
                near = () if is_wild(pattern) else declared.catalogue
                findings.add("pattern.no_point", (*wanted.path, "points", index), found=pattern, near=near)


def _check_patterns(draft: Draft, declared: Declared, findings: Findings) -> None:
    for index, pattern in enumerate(draft.get("devices") or ()):
        if pattern != "*" and declared.is_whole("devices") and not declared.matching([pattern]):
            near = () if is_wild(pattern) else declared.named("devices")
            findings.add("pattern.nothing", (*draft.path, "devices", index), found=pattern, near=near)


def _check_lines(site: Draft, findings: Findings) -> None:
    used = {each.get("line") for key in ("devices", *LISTS) for each in site.drafts(key)} | receivers(site)
    owners: dict[str, str] = {}
    for line in site.drafts("lines"):
        name = line.get("name")
        if name is not None and name not in used and None not in used:
            findings.add("line.unused", (*line.path, "name"), found=name)
        _check_peers(line, findings)
        for path, found, wire in _wires(line):
            if wire in owners:
                findings.add("line.port_twice", (*line.path, *path), found=found, other=owners[wire])
            owners.setdefault(wire, name or "?")


def _check_peers(line: Draft, findings: Findings) -> None:
    if line.table.cls not in (TcpServerLine, UdpLine):
        return
    for index, network in enumerate(line.get("peers") or ()):
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            findings.add("line.peers", (*line.path, "peers", index), found=network)
    if line.get("peers") == () and not (line.get("bind") or "").startswith("127."):
        findings.add("line.open_to_all", (*line.path, "port"), found=str(line.get("port")))


def _wires(line: Draft) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What can have one owner only, where and as what it stands in the line: a serial port, however it is named, a
    serial server's socket, a port of ours, Bluetooth adapters."""
    port, host = line.get("port"), line.get("host")
    if line.table.cls in (TcpServerLine, UdpLine) and port:
        yield ("port",), str(port), f"{line.table.tag}:{port}"
    if line.table.cls is SerialLine and port is not None:
        yield ("port",), str(port), os.path.realpath(str(port))
    if line.table.cls is RtuTcpLine and None not in (port, host):
        yield ("port",), str(port), f"{host}:{port}"
    if line.table.cls is BleLine:
        if (adapter := line.get("adapter")) not in (None, "none"):
            yield ("adapter",), adapter, f"bluetooth {adapter}"
        for index, adapter in enumerate(line.get("further_adapters") or ()):
            yield ("further_adapters", index), adapter, f"bluetooth {adapter}"
        for index, proxy in enumerate(line.drafts("proxies")):
            yield ("proxies", index, "host"), str(proxy.get("host")), f"proxy {proxy.get('host')}:{proxy.get('port')}"


def _check_line_of(device: Draft, declared: Declared, findings: Findings) -> None:
    name, known = device.get("line"), declared.named("lines")
    if name is not None and name not in known and declared.is_whole("lines"):
        findings.add("reference.line", (*device.path, "line"), found=name, near=known, allowed=names(known))
        return
    profile, line = declared.profiles.get(device.get("id") or ""), known.get(name or "")
    wearable = None if profile is None else isinstance(profile, WearableProfile)
    if line is None or line.table.tag is None:
        return
    if wearable is not None and wearable != (line.table.cls is BleLine):
        found = device.get("profile")
        findings.add("device.wrong_line", (*device.path, "line"), found=found, line=name, kind=line.table.tag)
    elif line.table.cls in (TcpServerLine, UdpLine):
        findings.add("line.no_modbus", (*device.path, "line"), found=name, kind=str(line.table.tag))


def _check_commands(device: Draft, declared: Declared, findings: Findings) -> None:
    targets = declared.targets_of(device.get("id") or "")
    for index, target in enumerate(device.get("commands") or ()):
        if targets is not None and target not in targets:
            path = (*device.path, "commands", index)
            findings.add("reference.target", path, found=target, near=targets, allowed=names(targets))


def _check_addresses(site: Draft, declared: Declared, findings: Findings) -> None:
    taken: dict[tuple[str, int | str], Draft] = {}
    for device in site.drafts("devices"):
        name, address = device.get("line"), device.get("address")
        if name is None or address is None:
            continue
        path, line = (*device.path, "address"), declared.named("lines").get(name)
        if isinstance(address, str):
            name, address = "", address.upper().replace("-", ":")  # heard by any adapter, but of one device
        elif line is not None and line.table.cls in (SerialLine, RtuTcpLine) and not 1 <= address <= 247:
            findings.add("line.address_range", path, found=str(address))
        first = taken.setdefault((name, address), device)
        if first is not device and not (_shares(first, declared) and _shares(device, declared)):
            other = first.get("id") or "?"
            findings.add("line.address_twice", path, found=str(address), line=name, other=other)


def _shares(device: Draft, declared: Declared) -> bool:
    profile = declared.profiles.get(device.get("id"))
    return isinstance(profile, ModbusProfile) and profile.shared_address


def _check_output(output: Draft, declared: Declared, findings: Findings) -> None:
    device, target, path = output.get("device"), output.get("target"), output.path
    if device is None:
        return
    if device in declared.named("cameras"):
        check_relay(output, declared.named("cameras")[device], findings)
        return
    if device not in declared.named("devices"):
        if declared.is_whole("devices"):
            findings.add("reference.device", (*path, "device"), found=device, near=declared.named("devices"))
        return
    targets = declared.targets_of(device)
    if targets is None or target is None:
        return
    if target not in targets:
        findings.add("reference.target", (*path, "target"), found=target, near=targets, allowed=names(targets))
    elif targets[target].minimum > 0 or targets[target].maximum < 1:
        findings.add("output.not_releasable", (*path, "target"), found=target)


def _check_shared_targets(site: Draft, findings: Findings) -> None:
    """Two outputs on one target would switch against each other."""
    switched: dict[tuple[str, str], Draft] = {}
    for output in site.drafts("outputs"):
        device, target = output.get("device"), output.get("target")
        if device is None or target is None:
            continue
        first = switched.setdefault((device, target), output)
        if first is not output:
            other = first.get("name") or "?"
            findings.add("output.shared", (*output.path, "target"), found=target, other=other)


def _check_rule(rule: Draft, declared: Declared, findings: Findings) -> None:
    kind, path = rule.get("kind"), rule.path
    _check_patterns(rule, declared, findings)
    known = declared.named("outputs")
    for index, output in enumerate(rule.get("outputs") or ()):
        if output not in known and declared.is_whole("outputs"):
            findings.add("reference.output", (*path, "outputs", index), found=output, near=known, allowed=names(known))
    if kind is None:
        return
    for setting in rule.table.settings.values():
        is_set = rule.get(setting.attribute) not in (None, setting.default)
        if is_set and setting.attribute in _SPECIAL and setting.attribute not in _RULE_SETTINGS[kind]:
            findings.add("rule.unused", (*path, setting.key), at="key", kind=kind)
    if kind == "threshold":
        check_limits(rule, findings)
    _check_night(rule, kind, findings)
    _check_point(rule, kind, declared, findings)


def _check_night(rule: Draft, kind: str, findings: Findings) -> None:
    start, end, for_s = rule.get("start"), rule.get("end"), rule.get("for_s")
    if kind != "night_flow" or start is None or end is None or for_s is None:
        return
    least_s = for_s or NIGHT_FLOW_FOR_S
    if length_s(start, end) <= least_s:
        findings.add("rule.night_short", (*rule.path, "end"), start=start, end=end, least=duration_text(least_s))


def _check_point(rule: Draft, kind: str, declared: Declared, findings: Findings) -> None:
    point, path = rule.get("point"), (*rule.path, "point")
    if point is None:
        if kind == "threshold" and "point" in rule.values:
            findings.add("rule.needs_point", path)
        return
    if point not in declared.catalogue:
        findings.add("point.unknown", path, found=point, near=declared.catalogue)
        return
    watched = [declared.points_of(device) for device in declared.matching(rule.get("devices") or ())]
    known = [points for points in watched if points is not None]
    if not known or len(known) < len(watched) or not declared.is_whole("devices"):
        return
    if not any(point in points for points in known):
        read = sorted(set().union(*known))
        findings.add("rule.not_read", path, found=point, near=read, allowed=names(read))
