"""What must hold for escalations, their modem, and uplinks to fire-control centres."""

from __future__ import annotations

import os
from typing import Any

from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.describe import names
from courtyard.config.forms import CENTRE_SCHEMES
from courtyard.config.mistakes import Findings
from courtyard.config.quantities import duration_text
from courtyard.config.second_path import MAX_STEPS

_LOGIN = ("username", "password_file", "ca_file", "certificate_file", "key_file")


def check_format(uplink: Draft, findings: Findings) -> None:
    """Whether address and settings of an uplink fit its format."""
    path, url, format = uplink.path, uplink.get("url"), uplink.get("format")
    if format is None:
        return
    centre = format == "gb26875"
    if url is not None and centre != url.startswith(tuple(f"{scheme}:" for scheme in CENTRE_SCHEMES)):
        findings.add("uplink.scheme", (*path, "url"), found=url, format=format)
    if centre:
        if "station" in uplink.values and uplink.get("station") is None:
            findings.add("uplink.station_missing", (*path, "format"))
        for key in _LOGIN:
            if uplink.get(key):
                findings.add("uplink.no_login", (*path, key), at="key")
        return
    for key in ("station", "only_escalated"):
        if uplink.get(key):
            findings.add("uplink.only_gb26875", (*path, key), at="key")


def check_escalations(site: Draft, declared: Declared, findings: Findings) -> None:
    """References, order and possibility of every escalation."""
    handed: set[str] = set()
    for escalation in site.drafts("escalations"):
        _check_awaited(escalation, declared, findings)
        steps = escalation.drafts("steps")
        if len(steps) > MAX_STEPS:
            findings.add("escalation.too_many", (*escalation.path, "steps"), count=len(steps), limit=MAX_STEPS)
        seen: set[Any] = set()
        latest_s = 0.0
        for step in steps:
            _check_step(step, site, declared, findings)
            what = step.get("output") or step.get("uplink") or step.get("numbers")
            if what in seen:
                findings.add("escalation.step_twice", step.path, found=str(what))
            seen.add(what)
            after_s = step.get("after_s")
            if after_s is not None and after_s < latest_s:
                findings.add("escalation.order", (*step.path, "after"), before=duration_text(after_s))
            latest_s = max(latest_s, after_s or 0.0)
            handed.add(step.get("uplink") or "")
    for name, uplink in declared.named("uplinks").items():
        if uplink.get("only_escalated") and name not in handed and declared.is_whole("escalations"):
            findings.add("uplink.never_handed", (*uplink.path, "only_escalated"), found=name)


def check_modem(site: Draft, findings: Findings) -> None:
    """A port has one owner."""
    modem = site.get("modem")
    if not isinstance(modem, Draft) or modem.get("port") is None:
        return
    port = os.path.realpath(str(modem.get("port")))
    for line in site.drafts("lines"):
        used = line.get("port")
        if isinstance(used, str) and os.path.realpath(used) == port:
            other = line.get("name") or "?"
            findings.add("modem.port_twice", (*modem.path, "port"), found=str(modem.get("port")), other=other)


def _check_awaited(escalation: Draft, declared: Declared, findings: Findings) -> None:
    for index, name in enumerate(escalation.get("uplinks") or ()):
        path = (*escalation.path, "uplinks", index)
        uplink = _uplink(name, path, declared, findings)
        if uplink is None:
            continue
        lanes = uplink.get("filter")
        given = lanes.get("lanes") if isinstance(lanes, Draft) else getattr(lanes, "lanes", None)
        deaf = uplink.get("commands") is False and uplink.get("format") == "native"
        if uplink.get("only_escalated") or deaf or (given is not None and "alarm" not in given):
            findings.add("escalation.cannot_confirm", path, found=name)


def _check_step(step: Draft, site: Draft, declared: Declared, findings: Findings) -> None:
    output, name, numbers = step.get("output"), step.get("uplink"), step.get("numbers")
    known = declared.named("outputs")
    if output is not None and output not in known and declared.is_whole("outputs"):
        path = (*step.path, "output")
        findings.add("reference.output", path, found=output, near=known, allowed=names(known))
    if name is not None:
        uplink = _uplink(name, (*step.path, "uplink"), declared, findings)
        if uplink is not None and uplink.get("only_escalated") is False:
            findings.add("escalation.not_second", (*step.path, "uplink"), found=name)
    if numbers and "modem" in site.values and site.get("modem") is None:
        findings.add("escalation.no_modem", (*step.path, "numbers"))


def _uplink(name: str, path: tuple[str | int, ...], declared: Declared, findings: Findings) -> Draft | None:
    known = declared.named("uplinks")
    if name not in known and declared.is_whole("uplinks"):
        findings.add("reference.uplink", path, found=name, near=known, allowed=names(known))
    return known.get(name)
