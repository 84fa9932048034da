"""What the disk has to bear, from Linux: bytes that this process wrote, and how worn the disk says it is.

Sources: proc(5) `io`; Documentation/ABI/testing/sysfs-bus-mmc and JESD84-B51 (eMMC: `life_time` in steps of a tenth).
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Final

from courtyard.agent.web.model import Release, Wear

DAY_S: Final = 86_400.0
SOON_S: Final = 60.0
"""A pace is told only when it was watched for as long."""
LOOKS: Final = 720
RELEASES: Final = Path("/opt/courtyard")
UNKNOWN: Final = 0


class WearWatch:
    """Used from one thread at a time."""

    def __init__(self, data: Path, *, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._data, self._proc, self._sys = data, proc, sys
        self._looks: deque[tuple[float, int]] = deque(maxlen=LOOKS)

    def look(self, now_s: float) -> Wear | None:
        """What is known now; None where the system tells nothing."""
        written = self._written()
        if written is None:
            return None
        self._looks.append((now_s, written))
        (first_s, first), (last_s, last) = self._looks[0], self._looks[-1]
        pace = (last - first) / (last_s - first_s) * DAY_S if last_s - first_s >= SOON_S else None
        disk = self._disk()
        return Wear(disk.name if disk else "", pace, self._used(disk) if disk else None)

    def _written(self) -> int | None:
        try:
            lines = (self._proc / "self/io").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes")), None)

    def _disk(self) -> Path | None:
        """The folder of the whole disk under /sys; None for what is no disk (memory, network)."""
        number = os.stat(self._data).st_dev
        folder = self._sys / "dev/block" / f"{os.major(number)}:{os.minor(number)}"
        if not folder.exists():
            return None
        found = folder.resolve()
        return found.parent if (found / "partition").exists() else found

    @staticmethod
    def _used(disk: Path) -> float | None:
        """The share of its life that an eMMC says is gone, the worse of its two kinds of memory."""
        try:
            steps = [int(word, 16) for word in (disk / "device/life_time").read_text().split()]
        except (OSError, ValueError):
            return None
        worst = max(steps, default=UNKNOWN)
        return None if worst == UNKNOWN else min(worst / 10, 1.1)


def releases(folder: Path = RELEASES) -> tuple[Release, ...]:
    """The releases that stand on this box, the current one first; none where it was installed otherwise."""
    try:
        current = (folder / "current").resolve()
        found = [
            Release(each.name, each == current, round(each.stat().st_mtime * 1000))
            for each in (folder / "releases").iterdir()
            if each.is_dir() and not each.name.startswith(".")
        ]
    except OSError:
        return ()
    return tuple(sorted(found, key=lambda each: (not each.current, -each.installed_ms)))
