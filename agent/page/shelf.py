"""Every device as the page shows it, made anew only where something of it has changed.

Invariants
1. A device that is the same as before is the same object, so that whoever drew it before need not look again.
2. What is told is what looking at every device would tell; only those are looked at of which anything was said since.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, NamedTuple

from courtyard.agent.latest import Known, Latest
from courtyard.agent.web.model import Device, PointValue, State, Words
from courtyard.config.care import personal
from courtyard.config.catalogue import Catalogue
from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.drivers.base import Fault, Reading

SILENT_PERIODS, SILENT_S = 3.0, 30.0
"""A device is silent when nothing good came for so many of its periods, and for so long at least."""
MAIN: Final = ("water.volume.total", "water.flow", "water.pressure")
"""What a list shows of a device, if it measures that; else its first point."""
NO_ANSWER_CLASS: Final = "unreachable"


class _Entry(NamedTuple):
    """A device and what it was made of; `until_ms` is when silence changes its state."""

    installed: InstalledDevice
    known: Known | None
    fault: Fault | None
    since_ms: int | None
    alarmed: str | None
    until_ms: float
    device: Device


class Shelf:
    """Used from the event loop only."""

    def __init__(self, latest: Latest) -> None:
        self._latest = latest
        self._entries: dict[str, _Entry] = {}
        self._shown: tuple[Device, ...] = ()
        self._ahead = False
        """Whether a single device was looked at since, and is newer than what `_shown` holds."""
        self._site: Snapshot | None = None
        self._said: tuple[Mapping[str, Hashable], ...] = ({}, {}, {})
        self._until_ms = float("-inf")
        """No device falls silent before."""

    def devices(
        self,
        snapshot: Snapshot,
        faults: Mapping[str, Fault],
        since: Mapping[str, int],
        alarmed: Mapping[str, str],
        now_ms: int,
    ) -> tuple[Device, ...]:
        """All devices in the order of the site; the very same tuple while nothing has changed.

        `since` dates faults, `alarmed` has the class of a device's active alarm; none of the three changes later.
        """
        said: tuple[Mapping[str, Hashable], ...] = faults, since, alarmed
        news = self._latest.news().union(*map(_differing, self._said, said))
        anew = snapshot is not self._site or now_ms > self._until_ms
        if snapshot is not self._site:
            self._entries = {name: entry for name, entry in self._entries.items() if name in snapshot.devices}
        before, entries = self._entries, dict[str, _Entry]() if anew else self._entries
        changed = self._ahead or snapshot is not self._site
        for name in snapshot.devices if anew else news & before.keys():
            entry, installed = before.get(name), snapshot.devices[name]
            known, fault, since_ms, alarm = self._latest.of(name), faults.get(name), since.get(name), alarmed.get(name)
            if entry is None or not _stands(entry, installed, known, fault, since_ms, alarm, now_ms):
                entry = _entry(installed, known, fault, since_ms, alarm, now_ms, snapshot.catalogue)
                changed = True
                self._until_ms = min(self._until_ms, entry.until_ms)
            entries[name] = entry
        if anew:
            self._until_ms = min((entry.until_ms for entry in entries.values()), default=float("inf"))
        self._entries, self._site, self._said = entries, snapshot, said
        if changed:
            self._shown, self._ahead = tuple(entry.device for entry in entries.values()), False
        return self._shown

    def device(
        self,
        name: str,
        snapshot: Snapshot,
        faults: Mapping[str, Fault],
        since: Mapping[str, int],
        alarmed: str | None,
        now_ms: int,
    ) -> Device:
        """One installed device as it is now, without a look at the others; `alarmed` is as in `devices`."""
        entry, installed, known, fault = (
            self._entries.get(name),
            snapshot.devices[name],
            self._latest.of(name),
            faults.get(name),
        )
        if entry is None or not _stands(entry, installed, known, fault, since.get(name), alarmed, now_ms):
            entry = _entry(installed, known, fault, since.get(name), alarmed, now_ms, snapshot.catalogue)
            self._entries[name], self._ahead = entry, True
            self._until_ms = min(self._until_ms, entry.until_ms)
        return entry.device


def _differing(before: Mapping[str, Hashable], now: Mapping[str, Hashable]) -> set[str]:
    """The names of which something else is said."""
    if before == now:
        return set()
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def _stands(
    entry: _Entry,
    installed: InstalledDevice,
    known: Known | None,
    fault: Fault | None,
    since_ms: int | None,
    alarmed: str | None,
    now_ms: int,
) -> bool:
    return (
        entry.known is known
        and entry.fault is fault
        and entry.since_ms == since_ms
        and entry.alarmed == alarmed
        and entry.installed is installed
        and now_ms <= entry.until_ms
    )


def _entry(
    installed: InstalledDevice,
    known: Known | None,
    fault: Fault | None,
    since_ms: int | None,
    alarmed: str | None,
    now_ms: int,
    catalogue: Catalogue,
) -> _Entry:
    good, until_ms = known.good if known else None, float("inf")
    state: State = "ok"
    if alarmed not in (None, NO_ANSWER_CLASS):
        state = "alarm"
    elif fault is not None or alarmed is not None:
        state = "fault"
    elif installed.every_s is not None:
        silent_at_ms = good.at_ms + 1000 * max(SILENT_S, SILENT_PERIODS * installed.every_s) if good else now_ms
        state = "waiting" if good is None else "stale" if now_ms > silent_at_ms else "ok"
        until_ms = silent_at_ms if state == "ok" else until_ms
    main = main_point(good) if good else None
    device = Device(
        installed.id,
        installed.name,
        Words.of(installed.title),
        installed.profile,
        installed.place,
        installed.line,
        state,
        good.at_ms if good else None,
        installed.every_s,
        point_value(catalogue, good, main) if good and main else None,
        Words.of(fault.what) if fault else None,
        Words.of(fault.cure) if fault else None,
        since_ms,
    )
    return _Entry(installed, known, fault, since_ms, alarmed, until_ms, device)


def main_point(reading: Reading) -> str | None:
    """The point of a reading that a list shows; never health data."""
    shown = [name for name in reading.values if not personal(name)]
    return next((name for name in MAIN if name in reading.values), shown[0] if shown else None)


def point_value(catalogue: Catalogue, reading: Reading, name: str) -> PointValue:
    """One value of a reading, with its name in words."""
    point = catalogue.get(name)
    label = Words.of(point.label) if point else Words(name, name)
    value = reading.values[name]
    if point is not None and isinstance(value, str) and value in point.values:
        shown = point.values[value]
        label = Words(f"{label.en}: {shown.get('en', value)}", f"{label.zh}：{shown.get('zh', value)}")
    return PointValue(name, label, value, point.unit if point else None, reading.quality.get(name))
