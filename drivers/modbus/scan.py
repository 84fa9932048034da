"""Finds the units on a line: who answers, at which speed, to which function, and which profile it may be.

A scan only reads: one register of each address, then the requests of the profiles offered.  It needs the line for
itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from courtyard.drivers.base import DriverError, Scalar
from courtyard.drivers.lines.settings import LineSettings, SerialLine
from courtyard.drivers.lines.wire import OpenWire, open_wire
from courtyard.drivers.modbus.connection import CLOSED, make_link
from courtyard.drivers.modbus.decoding import decoder_for
from courtyard.drivers.modbus.faults import REFUSALS
from courtyard.drivers.modbus.link import Ask, LineDown, Link, NotYet, Records, Refused, Unanswered
from courtyard.drivers.modbus.planning import halves, plan
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import Function, ModbusPoint, ModbusProfile

Parity = Literal["N", "E", "O"]
ALL_UNITS = range(1, 248)
FUNCTIONS: tuple[Function, ...] = (3, 4)
TIMEOUT_S = 0.3
LATE_FACTOR = 5
"""A unit whose answer came after its time was up is asked again with this many times the time."""
GATEWAY_CODES = [code for code, refusal in REFUSALS.items() if refusal.policy == "silence"]


class Candidate(NamedTuple):
    """A profile on offer: its points with the unit conversions of the catalogue."""

    profile: ModbusProfile
    points: Sequence[ModbusPoint]


class Guess(NamedTuple):
    """How well a profile fits: the share of its points that came as plausible values."""

    profile: str
    share: float


class Found(NamedTuple):
    """A unit that answered."""

    line: LineSettings
    """With the speed and parity at which it answered."""
    unit: int
    function: Function
    exception: int | None
    """The exception that it answered with, None for data."""
    guesses: tuple[Guess, ...]


class Progress(NamedTuple):
    """How far a scan is."""

    done: int
    total: int
    line: LineSettings
    unit: int


async def scan(
    line: LineSettings,
    *,
    units: Sequence[int] = ALL_UNITS,
    bauds: Sequence[int] = (),
    parities: Sequence[Parity] = (),
    candidates: Mapping[str, Candidate] | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: Callable[[Progress], None] | None = None,
    open_line: OpenWire = open_wire,
) -> AsyncIterator[Found]:
    """Yields every unit as it is found.  Takes at most `timeout_s` per unit, function, speed and parity.

    Raises DriverError when the line cannot be opened.
    """
    variants = list(_variants(line, bauds, parities))
    total, done = len(variants) * len(units), 0
    for variant in variants:
        link = make_link(variant, Records(), lambda fault: None)
        wire = await open_line(variant, link)
        link.attach(wire)
        silent: list[int] = []
        try:
            for unit in units:
                if progress is not None:
                    progress(Progress(done, total, variant, unit))
                done += 1
                found = await _look(link, variant, unit, candidates or {}, timeout_s)
                if found is not None:
                    yield found
                else:
                    silent.append(unit)
            for unit in [unit for unit in silent if link.records[unit].counts.get("late_replies")]:
                found = await _look(link, variant, unit, candidates or {}, LATE_FACTOR * timeout_s)
                if found is not None:
                    yield found
        except LineDown as down:
            raise DriverError(down.fault, line.name) from down
        finally:
            link.close(CLOSED)


def _variants(line: LineSettings, bauds: Sequence[int], parities: Sequence[Parity]) -> Iterable[LineSettings]:
    if not isinstance(line, SerialLine):
        return (line,)
    return (
        msgspec.structs.replace(line, baud=baud, parity=parity)
        for baud in bauds or (line.baud,)
        for parity in parities or (line.parity,)
    )


async def _look(
    link: Link, line: LineSettings, unit: int, candidates: Mapping[str, Candidate], timeout_s: float
) -> Found | None:
    answer = await _knock(link, unit, timeout_s)
    if answer is None:
        return None
    return Found(line, unit, *answer, await _guess(link, unit, candidates, timeout_s))


async def _knock(link: Link, unit: int, timeout_s: float) -> tuple[Function, int | None] | None:
    """Asks for register 0 by one function after the other; any answer of the unit itself counts."""
    refused: tuple[Function, int | None] | None = None
    for function in FUNCTIONS:
        try:
            await _read(link, unit, Read(function, 0, 1), ModbusProfile("", "", timeout_s=timeout_s))
        except Refused as answer:
            if answer.code not in GATEWAY_CODES:
                refused = refused or (function, answer.code)
        except (Unanswered, NotYet):
            if refused is None:
                return None  # a unit that is there answers any function, if only with an exception
        else:
            return function, None
    return refused


async def _guess(link: Link, unit: int, candidates: Mapping[str, Candidate], timeout_s: float) -> tuple[Guess, ...]:
    """The profiles of which anything fits, best first."""
    guesses = [Guess(name, await _fit(link, unit, candidate, timeout_s)) for name, candidate in candidates.items()]
    fitting = [guess for guess in guesses if guess.share > 0]
    return tuple(sorted(fitting, key=lambda guess: -_weight(guess.share, len(candidates[guess.profile].points))))


def _weight(share: float, points: int) -> float:
    """As if each profile had one point more, which does not fit: a single register that can be read proves little."""
    return share * points / (points + 1)


async def _fit(link: Link, unit: int, candidate: Candidate, timeout_s: float) -> float:
    """Share of the points that are plausible; 0 when the unit stops answering."""
    profile = msgspec.structs.replace(candidate.profile, timeout_s=timeout_s)
    good = 0
    work = list(plan(candidate.points, profile))
    while work:
        part = work.pop()
        points = [item.point for item in part.items]
        values: dict[str, Scalar | None] = {}
        try:
            payload = await _read(link, unit, part.read, profile)
        except Refused:
            work += halves(part) or ()
            continue
        except (Unanswered, NotYet):
            return 0.0
        bad = decoder_for(part.read, points, profile.order).decode(payload, values)
        good += len(points) - len(bad)
    return good / len(candidate.points) if candidate.points else 0.0


async def _read(link: Link, unit: int, read: Read, profile: ModbusProfile) -> bytes:
    return await link.read(Ask(unit, read, profile, link.records[unit]))
