"""Fire panels of a site: checked against their lines, and ready for their drivers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.describe import names
from courtyard.config.fire import FireModbusPanel, FirePanel
from courtyard.config.mistakes import Findings
from courtyard.config.part_names import PartNames, read_part_names
from courtyard.config.text_file import read_text
from courtyard.drivers.fire import register_settings as registers
from courtyard.drivers.fire import settings as serial
from courtyard.drivers.fire.naming import NAMINGS, naming
from courtyard.drivers.fire.ports import PORTS
from courtyard.drivers.lines.settings import RtuTcpLine, SerialLine, TcpLine, TcpServerLine, UdpLine

LISTS = ("fire_panels", "fire_modbus_panels")
PanelTable: TypeAlias = FirePanel | FireModbusPanel
CHARSETS = ("utf-8-sig", "gb18030")
NO_NAMES = PartNames({}, {})
_NAMED_BY_A_LIST = {"gst200", "gst5000"}
"""Models whose registers are known."""
_LINES = {
    "fire_panels": (SerialLine, RtuTcpLine, TcpLine, TcpServerLine),
    "fire_modbus_panels": (SerialLine, RtuTcpLine, TcpLine),
}


class ResolvedPanel(NamedTuple):
    """A panel of the site and the same for its driver."""

    settings: PanelTable
    driver: serial.FirePanel | registers.RegisterPanel


def resolve_panels(site: Draft, own: Path, findings: Findings) -> list[ResolvedPanel]:
    """The panels of a site with the names of their parts; `own` is the folder of the site's own files.

    What is wrong with a table or a names file is reported; its panel is left out.
    """
    found = []
    for key in LISTS:
        for draft in site.drafts(key):
            parts = _part_names(draft, own, findings)
            panel = draft.build()
            if isinstance(panel, FirePanel | FireModbusPanel):
                found.append(ResolvedPanel(panel, _driver(panel, parts)))
    return found


def _driver(panel: PanelTable, parts: PartNames) -> serial.FirePanel | registers.RegisterPanel:
    if isinstance(panel, FirePanel):
        return serial.FirePanel(
            id=panel.id,
            protocol=panel.protocol,
            address=panel.address,
            speak=panel.speak,
            silence_s=panel.silence_s,
            addresses=panel.addresses,
            select_alone=panel.select_alone,
            set_clock=panel.set_clock,
            names=parts.names,
            places=parts.places,
        )
    return registers.RegisterPanel(
        id=panel.id,
        model=panel.model,
        address=panel.address,
        spans=tuple((span.first, span.count) for span in panel.spans),
        every_s=panel.every_s,
        timeout_s=panel.timeout_s,
        silence_s=panel.silence_s,
        names=parts.names,
        places=parts.places,
    )


def _part_names(draft: Draft, own: Path, findings: Findings) -> PartNames:
    file, kind = draft.get("names"), draft.get("protocol") or draft.get("model")
    if file is None or kind not in NAMINGS:
        return NO_NAMES
    path = (*draft.path, "names")
    if not os.path.isfile(own / file):
        findings.add("names.unreadable", path, found=file)
        return NO_NAMES
    text, of_file = read_text(own / file, shown_as=file, charsets=CHARSETS)
    parts = NO_NAMES if text is None else read_part_names(text, naming(kind, draft.get("addresses") or ""), of_file)
    findings.mistakes.extend(of_file.mistakes)
    return parts


def check_panels(site: Draft, declared: Declared, findings: Findings) -> None:
    """What must hold between panels, lines and devices."""
    devices: Mapping[str, Draft] = declared.named("devices")
    on_line: dict[str, list[Draft]] = {}
    taken = dict(devices)
    for key in LISTS:
        for panel in site.drafts(key):
            _check_id(panel, taken, findings)
            name = panel.get("line")
            if name is not None:
                on_line.setdefault(name, []).append(panel)
                _check_line(key, panel, declared, findings)
    meters = {device.get("line"): device.get("id") or "?" for device in site.drafts("devices")}
    for name, panels in on_line.items():
        if name in meters:
            for panel in panels:
                findings.add("panel.on_meter_line", (*panel.path, "line"), found=name, other=meters[name])
        _check_together(panels, findings)
    for panel in site.drafts("fire_modbus_panels"):
        model = panel.get("model")
        if model is not None and model not in _NAMED_BY_A_LIST and panel.get("spans") == ():
            findings.add("panel.needs_spans", (*panel.path, "spans"), found=model)


def _check_id(panel: Draft, taken: dict[str, Draft], findings: Findings) -> None:
    name = panel.get("id")
    if name is None:
        return
    first = taken.setdefault(name, panel)
    if first is not panel:
        position = findings.source.position((*first.path, "id"))
        findings.add("name.twice", (*panel.path, "id"), found=name, first=position[0] if position else "?")


def _check_line(key: str, panel: Draft, declared: Declared, findings: Findings) -> None:
    name, known, path = panel.get("line"), declared.named("lines"), (*panel.path, "line")
    if name not in known:
        if declared.is_whole("lines"):
            findings.add("reference.line", path, found=name, near=known, allowed=names(known))
        return
    line, protocol = known[name], panel.get("protocol") or panel.get("model")
    allowed: tuple[type[Any], ...] = _LINES[key] + ((UdpLine,) if protocol == "gb26875" else ())
    if line.table.tag is not None and line.table.cls not in allowed:
        tags = [str(each.__struct_config__.tag) for each in allowed]
        findings.add("panel.line_kind", path, found=line.table.tag, panel=str(protocol), allowed=names(tags))
    port = PORTS.get(str(protocol))
    if port is None or line.table.cls is not SerialLine or None in (line.get("baud"), line.get("parity")):
        return
    is_set = (line.get("baud"), f"{line.get('data_bits')}{line.get('parity')}{line.get('stop_bits')}")
    if is_set[0] not in port.bauds or is_set[1] not in port.characters:
        usual = f"{'/'.join(map(str, port.bauds))} Bd, {'/'.join(port.characters)}"
        findings.add("panel.port_unusual", path, found=f"{is_set[0]} Bd, {is_set[1]}", panel=str(protocol), usual=usual)


def _check_together(panels: Iterable[Draft], findings: Findings) -> None:
    """One line carries panels of one protocol; more than one where each has an address."""
    first, *others = panels
    addresses: dict[Any, Draft] = {first.get("address"): first}
    for panel in others:
        same = panel.table is first.table and panel.get("protocol") == first.get("protocol")
        if not same or (panel.get("protocol") or "gb26875") != "gb26875":
            findings.add(
                "panel.not_alone", (*panel.path, "line"), found=panel.get("line"), other=first.get("id") or "?"
            )
            continue
        address, other = panel.get("address"), addresses.setdefault(panel.get("address"), panel)
        if address is None or first.get("address") is None:
            findings.add("panel.needs_address", (*panel.path, "line"), found=panel.get("line"))
        elif other is not panel:
            about = {"line": panel.get("line"), "other": other.get("id") or "?"}
            findings.add("line.address_twice", (*panel.path, "address"), found=str(address), **about)
