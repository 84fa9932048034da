"""What must hold between cameras and the rest of a site."""

from __future__ import annotations

from urllib.parse import urlsplit

from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.describe import names
from courtyard.config.mistakes import Findings
from courtyard.config.panels import LISTS
from courtyard.drivers.camera.addresses import device_service


def check_cameras(site: Draft, declared: Declared, findings: Findings) -> None:
    """Reports names and addresses that are taken, addresses that are none, pins without https."""
    taken = dict(declared.named("devices"))
    for key in LISTS:
        taken |= {panel.get("id"): panel for panel in site.drafts(key) if panel.get("id") is not None}
    at: dict[str, str] = {}
    for camera in site.drafts("cameras"):
        name, address, path = camera.get("id"), camera.get("address"), camera.path
        if name in taken:
            first = findings.source.position((*taken[name].path, "id"))
            findings.add("name.twice", (*path, "id"), found=name, first=first[0] if first else "?")
        if address is None:
            continue
        try:
            service = device_service(address)
        except ValueError:
            findings.add("camera.address", (*path, "address"), found=address)
            continue
        other = at.setdefault(urlsplit(service).netloc, name or "?")
        if other != (name or "?"):
            findings.add("camera.same_address", (*path, "address"), found=address, other=other)
        if camera.get("certificate") and not service.startswith("https:"):
            findings.add("camera.pin_unused", (*path, "certificate"))


def check_relay(output: Draft, camera: Draft, findings: Findings) -> None:
    """An output may switch only the relays that its camera lists."""
    target, relays = output.get("target"), camera.get("relays")
    if target is not None and relays is not None and target not in relays:
        findings.add("reference.relay", (*output.path, "target"), found=target, near=relays, allowed=names(relays))
