"""What is wrong with the gateway itself, as every page tells it, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from courtyard.agent.journal_health import DAMAGE, DISK
from courtyard.agent.web.model import Notice, NoticeKind, Words
from courtyard.drivers.base import Fault

_KINDS: Final[tuple[tuple[str, str, NoticeKind], ...]] = (
    (DISK, "journal.", "memory"),
    ("site", "site.broken", "site"),
    (DAMAGE, "journal.", "damage"),
)
"""Subject of a fault, how its code begins, and what the page makes of it."""


def notices_of(faults: Mapping[str, Fault], since: Mapping[str, int]) -> tuple[Notice, ...]:
    """`since` is in Unix milliseconds."""
    found = []
    for subject, code, kind in _KINDS:
        fault = faults.get(subject)
        if fault is not None and fault.code.startswith(code):
            what, cure = Words.of(fault.what), Words.of(fault.cure)
            found.append(Notice(kind, what, cure, since.get(subject), kind == "damage"))
    return tuple(found)
