"""What must hold for presence: receivers that hear, each once, and somebody to look for."""

from __future__ import annotations

from courtyard.config.convert import Draft
from courtyard.config.declared import Declared
from courtyard.config.describe import names
from courtyard.config.mistakes import Findings
from courtyard.drivers.lines.settings import BleLine


def receivers(site: Draft) -> set[str]:
    """Names of the lines that presence listens to."""
    presence = site.get("presence")
    if not isinstance(presence, Draft):
        return set()
    return {receiver.get("name") for receiver in presence.drafts("receivers")} - {None}


def check_presence(site: Draft, declared: Declared, findings: Findings) -> None:
    """Reports what does not fit together."""
    presence = site.get("presence")
    if not isinstance(presence, Draft):
        return
    lines = {name: line for name, line in declared.named("lines").items() if line.table.cls is BleLine}
    hearing = [*lines, *(proxy.get("name") for line in lines.values() for proxy in line.drafts("proxies"))]
    seen: set[str] = set()
    for receiver in presence.drafts("receivers"):
        name, path = receiver.get("name"), (*receiver.path, "name")
        if name is None:
            continue
        if name not in hearing and declared.is_whole("lines"):
            findings.add("presence.receiver", path, found=name, near=hearing, allowed=names(hearing))
        elif name in seen:
            findings.add("presence.receiver_twice", path, found=name)
        seen.add(name)
    residents = site.drafts("residents")
    if "residents" in site.values and not any(each.get("wearables") or each.get("buttons") for each in residents):
        findings.add("presence.nobody", presence.path, at="key")
