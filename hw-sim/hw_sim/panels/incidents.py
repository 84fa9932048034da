"""Scripted incidents: what a bad day looks like to a panel."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Mapping

from hw_sim.panels.event import Event, Happening, Kind

BEGIN = datetime.datetime(2026, 11, 22, 14, 30, 15)


def single_smoke(begin: datetime.datetime = BEGIN) -> list[Happening]:
    """One smoke detector on the sixth floor."""
    return [Happening(0.0, Event("fire", begin, loop=6, point=12, text="3号楼2单元6层走廊"))]


def spreading_fire(begin: datetime.datetime = BEGIN, seed: int = 1) -> list[Happening]:
    """Smoke, a manual call point, smoke and fans on the floors above, lines that burn through, then the mains."""
    chance = random.Random(seed)
    script: list[Happening] = []

    def add(after_s: float, event: Event) -> None:
        script.append(Happening(after_s, event._replace(at=begin + datetime.timedelta(seconds=int(after_s)))))

    add(0.0, Event("fire", begin, loop=6, point=12, text="3号楼6层走廊"))
    add(8.0, Event("fire", begin, loop=6, point=30, detector="manual", text="3号楼6层手报"))
    after_s = 12.0
    for floor in range(7, 12):
        after_s += chance.uniform(3, 20)
        add(after_s, Event("fire", begin, loop=floor, point=12, text=f"3号楼{floor}层走廊"))
        add(after_s + 1, Event("start", begin, loop=floor, point=90, detector="module", text=f"3号楼{floor}层风机"))
        add(after_s + 3, Event("feedback", begin, loop=floor, point=90, detector="module", text=f"3号楼{floor}层风机"))
        add(after_s + 5, Event("fault", begin, loop=floor, point=12, text=f"3号楼{floor}层走廊"))
    add(after_s + 10, Event("mains_fault", begin, loop=0, point=0, detector="panel"))
    return sorted(script, key=lambda happening: happening.after_s)


def fault_storm(begin: datetime.datetime = BEGIN, count: int = 500, seconds: float = 10.0) -> list[Happening]:
    """A cut loop: `count` faults in `seconds`, each of another point."""
    script = []
    for number in range(count):
        after_s = seconds * number / count
        at = begin + datetime.timedelta(seconds=int(after_s))
        script.append(Happening(after_s, Event("fault", at, loop=1 + number // 200, point=1 + number % 200)))
    return script


def power_cut(begin: datetime.datetime = BEGIN) -> list[Happening]:
    """The mains fail, the battery follows, both come back."""
    kinds: tuple[Kind, ...] = ("mains_fault", "battery_fault", "battery_end", "mains_end")
    panel = Event("mains_fault", begin, loop=0, point=0, detector="panel")
    return [
        Happening(30.0 * step, panel._replace(kind=kind, at=begin + datetime.timedelta(seconds=30 * step)))
        for step, kind in enumerate(kinds)
    ]


INCIDENTS: Mapping[str, Callable[[datetime.datetime], list[Happening]]] = {
    "single-smoke": single_smoke,
    "spreading-fire": spreading_fire,
    "fault-storm": fault_storm,
    "power-cut": power_cut,
}
