"""What one reading costs between driver and journal: `python -m bench.pipeline_cost [--json]`.

A 20-point reading with the four rule kinds watching its device; the journal takes what it is given and keeps nothing,
so that only encoding, rules and the way there are counted.  Each figure is the best of several rounds, in
microseconds of CPU time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.care.discretion import Discretion
from courtyard.agent.normalise import Places, encode_reading
from courtyard.agent.pipeline import Pipeline
from courtyard.agent.recorder import NOTHING, Recorder, State
from courtyard.agent.records import ClockQuality, batch
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.buffer import Appended, Entry
from courtyard.config.site import Site
from courtyard.drivers.base import Reading

ROUNDS: Final = 7
READINGS: Final = 2000
TURN: Final = 20
"""Readings that arrive in one turn of the event loop."""
START_MS: Final = 1_795_329_015_000
BUDGET_US: Final = {"pipeline": 40.0, "encode": 10.0, "splice": 1.0}
SITE: Final = {
    "gateway": {"id": "gw-0007", "place": "370213/005/012/0007"},
    "devices": [
        {"id": "wm-1", "profile": "water/tuf-2000", "line": "rs485-1", "address": 1, "place": "b03/u02/f06/r601"}
    ],
    "rules": [
        {"name": "pressure", "kind": "threshold", "point": "point.19", "above": 1e9, "hysteresis": 5.0, "for": 60.0},
        {"name": "silent", "kind": "unreachable"},
        {"name": "reverse", "kind": "reverse_flow"},
        {"name": "night", "kind": "night_flow"},
    ],
}


class Sinkhole:
    """A journal that has everything on disk at once."""

    durable = True

    def submit(self, entries: Sequence[Entry], state: State = NOTHING.state) -> asyncio.Future[Appended]:
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        future.set_result(Appended("", (), True))
        return future

    def state(self, prefix: str = "") -> dict[str, bytes]:
        return {}


class FixedClock:
    """Time that does not pass by itself."""

    quality: ClockQuality = "synced"

    def wall_ms(self) -> int:
        return START_MS

    def mono_ms(self) -> int:
        return 1000


class Block(NamedTuple):
    """A batch in the making."""

    epoch: str
    boot: str
    lane: str
    first: int
    last: int
    seqs: Sequence[int]
    bodies: Sequence[bytes]


def reading(number: int) -> Reading:
    """20 points of a meter: two that rules look at by name, and 18 others."""
    values = {f"point.{index}": 1.2345 * index + number for index in range(2, 20)}
    return Reading(
        "wm-1", START_MS + number * 5, number * 5, {"water.flow": 0.37, "water.volume.total": 1234.0 + number, **values}
    )


def best_us(work: Callable[[], None], count: int) -> float:
    """Microseconds of CPU time per item, in the best round."""

    def once() -> float:
        start = time.process_time_ns()
        work()
        return (time.process_time_ns() - start) / 1000 / count

    return min(once() for _ in range(ROUNDS))


async def pipeline_us(readings: Sequence[Reading]) -> float:
    """The whole way of a reading, with everything that follows in the same turn of the loop."""
    site = msgspec.convert(SITE, Site)
    places = Places(site)
    recorder = Recorder(Sinkhole(), FixedClock(), places.place)
    book = AlarmBook(recorder)
    engine = AlarmEngine(book, gateway="gw-0007")
    rounds = []
    for _ in range(ROUNDS):
        pipeline = Pipeline(recorder, book, engine, places, site, RuleBook(site), Discretion((), lambda _: False))
        start = time.process_time_ns()
        for first in range(0, len(readings), TURN):
            for each in readings[first : first + TURN]:
                pipeline.reading(each)
            await asyncio.sleep(0)
        rounds.append((time.process_time_ns() - start) / 1000 / len(readings))
    return min(rounds)


def measure() -> dict[str, float]:
    """Microseconds per 20-point reading: the whole pipeline, its encoding alone, and splicing it into a batch."""
    readings = [reading(number) for number in range(READINGS)]
    site = msgspec.convert(SITE, Site)
    installed = Places(site).of("wm-1")
    bodies = [encode_reading(each, installed, "synced") for each in readings]
    hundreds = [range(first + 1, first + 101) for first in range(0, READINGS, 100)]

    def encode() -> None:
        for each in readings:
            encode_reading(each, installed, "synced")

    def splice() -> None:
        for seqs in hundreds:
            numbered = bodies[seqs[0] - 1 : seqs[-1]]
            batch("gw-0007", Block("6f3a91c2", "1f0c2b7e", "reading", seqs[0], seqs[-1], seqs, numbered))

    return {
        "pipeline": asyncio.run(pipeline_us(readings)),
        "encode": best_us(encode, READINGS),
        "splice": best_us(splice, READINGS),
    }


def main(arguments: list[str]) -> int:
    """Prints the figures; exit code 1 when one is over its budget."""
    found = measure()
    if "--json" in arguments:
        print(json.dumps({"microseconds": found, "budget": BUDGET_US}))
    else:
        for name, microseconds in found.items():
            print(f"{name:9} {microseconds:6.2f} us of {BUDGET_US[name]:g} us per 20-point reading")
    return 0 if all(found[name] <= BUDGET_US[name] for name in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
