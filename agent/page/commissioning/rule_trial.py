"""What a rule would have done in the recorded past: the rule's own evaluator, fed from the history.

A bucket of the history tells its first, least, greatest and last value.  What makes an alarm at once is fed with the
extreme that could; what must hold for a time with the one that would interrupt it.  So the answer is as exact as the
buckets are wide, and errs to the quiet side for durations.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo

from courtyard.agent.history import History, Series
from courtyard.agent.rules.evaluator import Supervises, Watch
from courtyard.agent.rules.reverse_flow import FLOW, REVERSE_TOTAL, TOTAL
from courtyard.agent.rules.rulebook import KINDS
from courtyard.agent.web.commissioning.step_model import Firing, RuleTrial
from courtyard.config.rule import Rule
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Reading, Scalar

DAYS: Final = 7
DAY_MS: Final = 86_400_000
MOST_DEVICES: Final = 24
MOST_BUCKETS: Final = 11_000
"""More than the minutes of a week."""
MOST_SHOWN: Final = 20
PHASES: Final = ("first", "extreme", "last")
Bucket = dict[str, tuple[float, float, float, float]]
"""First, least, greatest and last value of each point."""


async def try_rule(rule: Rule, snapshot: Snapshot, history: History | None, now_ms: int) -> RuleTrial:
    """What the rule would have done in the last days, on its devices."""
    devices = [each for each in snapshot.site.devices if any(fnmatchcase(each.id, one) for one in rule.devices)]
    chosen, zone = devices[:MOST_DEVICES], ZoneInfo(snapshot.site.gateway.timezone)
    firings, without = list[Firing](), 0
    for device in chosen:
        points = points_of(rule, snapshot.devices[device.id].points)
        series = [] if history is None else [
            await history.query(device.id, point, now_ms - DAYS * DAY_MS, now_ms, buckets=MOST_BUCKETS)
            for point in points
        ]  # fmt: skip
        series = [each for each in series if any(each.count)]
        if not series:
            without += 1
            continue
        step_s = max(each.step_s for each in series)
        watch = Watch(rule, device.id, max(device.every_s, step_s), device.install, zone)
        firings += await asyncio.to_thread(lambda w=watch, s=series: list(replay(w, s, now_ms)))  # type: ignore[misc]
    firings.sort(key=lambda each: each.since_ms, reverse=True)
    left_out = len(devices) - len(chosen)
    return RuleTrial(DAYS, len(chosen), without, left_out, len(firings), tuple(firings[:MOST_SHOWN]))


def points_of(rule: Rule, measured: Mapping[str, object]) -> tuple[str, ...]:
    """The points that a rule looks at on a device with these points; one of them for silence."""
    match rule.kind:
        case "threshold":
            wanted: Sequence[str | None] = (rule.point,)
        case "reverse_flow":
            wanted = (rule.point or FLOW, TOTAL, REVERSE_TOTAL)
        case "night_flow":
            wanted = (rule.point or (TOTAL if TOTAL in measured else FLOW),)
        case _:
            wanted = tuple(measured)[:1]
    return tuple(point for point in wanted if point is not None and point in measured)


def replay(watch: Watch, series: Sequence[Series], now_ms: int) -> Iterator[Firing]:
    """The alarms that the rule would have made, in their order."""
    evaluator, since_ms = KINDS[watch.rule.kind](watch), None
    heard_ms = now_ms
    for reading in (*_readings(watch, series), None):
        if isinstance(evaluator, Supervises):
            at_ms = now_ms if reading is None else reading.at_ms
            said = evaluator.tick(at_ms, at_ms)
            since_ms = heard_ms if said is not None and said.active else since_ms
        if reading is None:
            break
        heard_ms = reading.at_ms
        condition = evaluator.observe(reading)
        if condition is not None and condition.active and since_ms is None:
            since_ms = condition.at_ms
        elif condition is not None and not condition.active and since_ms is not None:
            yield Firing(watch.device, since_ms, condition.at_ms)
            since_ms = None
    if since_ms is not None:
        yield Firing(watch.device, since_ms, None)


def _readings(watch: Watch, series: Sequence[Series]) -> Iterator[Reading]:
    buckets: dict[int, Bucket] = {}
    for each in series:
        columns = zip(each.at_ms, each.first, each.minimum, each.maximum, each.last, strict=True)
        for at_ms, first, least, greatest, last in columns:
            if first is not None and least is not None and greatest is not None and last is not None:
                buckets.setdefault(at_ms, {})[each.point] = (first, least, greatest, last)
    third_ms = max(each.step_s for each in series) * 1000 // 3
    for at_ms in sorted(buckets):
        for phase, name in enumerate(PHASES):
            values: dict[str, Scalar | None] = {
                point: first if name == "first" else last if name == "last" else _extreme(watch, point, least, greatest)
                for point, (first, least, greatest, last) in buckets[at_ms].items()
            }
            when_ms = at_ms + phase * third_ms
            yield Reading(watch.device, when_ms, when_ms, values)


def _extreme(watch: Watch, point: str, least: float, greatest: float) -> float:
    """Of the least and the greatest value the one that decides."""
    rule = watch.rule
    if rule.kind == "night_flow":
        return least
    if rule.kind == "reverse_flow":
        return greatest if rule.for_s or point != (rule.point or FLOW) else least
    above = math.inf if rule.above is None else rule.above
    below = -math.inf if rule.below is None else rule.below
    inside = [value for value in (least, greatest) if below <= value <= above]
    outside = [value for value in (least, greatest) if not below <= value <= above]
    first, second = (inside, outside) if rule.for_s else (outside, inside)
    return (first or second)[0]
