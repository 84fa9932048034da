"""A gateway's inside on a virtual clock and a fake journal, for tests of alarms, rules, commands and outputs."""

from __future__ import annotations

import asyncio
import os
from typing import TypeVar

import msgspec

from courtyard.agent.alarms.acts import Acts
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.alarms.engine import AlarmEngine
from courtyard.agent.care.discretion import Discretion
from courtyard.agent.condition import Condition
from courtyard.agent.normalise import Places
from courtyard.agent.pipeline import Pipeline
from courtyard.agent.recorder import Journal, Recorder
from courtyard.agent.records import ClockQuality
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.config.site import Site
from courtyard.drivers.base import Severity, Text
from tests.contracts.fake_journal import FakeJournal
from tests.virtual_time import elapse as elapse
from tests.virtual_time import virtual as virtual

T = TypeVar("T")
START_MS = 1_795_329_015_000
"""2026-11-22T06:30:15Z."""


class VirtualClock:
    """Both clocks follow the running loop's time, from START_MS and from a boot two minutes before."""

    def __init__(self, quality: ClockQuality = "synced") -> None:
        self.quality: ClockQuality = quality
        self.step_ms = 0

    def wall_ms(self) -> int:
        return START_MS + self.step_ms + self._passed_ms()

    def mono_ms(self) -> int:
        return 120_000 + self._passed_ms()

    @staticmethod
    def _passed_ms() -> int:
        return round(asyncio.get_running_loop().time() * 1000)


def examples(short: int) -> int:
    """How many examples a property is tried with; fifty times as many with COURTYARD_CAMPAIGN=full."""
    return 50 * short if os.environ.get("COURTYARD_CAMPAIGN") == "full" else short


async def settle(turns: int = 8) -> None:
    """Lets everything run that is ready, without time passing."""
    loop = asyncio.get_running_loop()
    for _ in range(turns):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def site(**tables: object) -> Site:
    """A site from plain data, with a gateway."""
    return msgspec.convert({"gateway": {"id": "gw-0007", "place": "370213/005/012/0007"}, **tables}, Site)


def meter(device: str = "wm-1", **more: object) -> dict[str, object]:
    """A water meter as plain data."""
    return {"id": device, "profile": "water/tuf-2000", "line": "rs485-1", "address": 1, "place": "b03/u02", **more}


class Gateway:
    """Recorder, alarms, rules and pipeline, joined as the daemon joins them."""

    def __init__(
        self, journal: Journal, site: Site, clock: VirtualClock | None = None, *, capacity: int = 10_000
    ) -> None:
        self.clock = clock or VirtualClock()
        self.journal, self.site = journal, site
        self.places = Places(site)
        self.recorder = Recorder(journal, self.clock, self.places.place)
        self.book = AlarmBook(self.recorder, capacity=capacity)
        self.engine = AlarmEngine(self.book, gateway=site.gateway.id)
        self.acts = Acts(self.book)
        self.rules = RuleBook(site)
        self.pipeline = Pipeline(
            self.recorder, self.book, self.engine, self.places, site, self.rules, Discretion((), lambda _: False)
        )

    def condition(
        self,
        active: bool = True,
        *,
        device: str = "wm-1",
        kind: str = "leak",
        source: str = "a",
        severity: Severity = 2,
        test: bool = False,
        needs_evidence: bool = False,
        evidence: bool = True,
    ) -> Condition:
        """A condition of now."""
        return Condition(
            device,
            kind,
            source,
            severity,
            active,
            self.clock.wall_ms(),
            self.clock.mono_ms(),
            text=Text("It leaks.", "漏水。"),
            test=test,
            needs_evidence=needs_evidence,
            evidence=evidence,
        )


def gateway(
    journal: FakeJournal | None = None, *, capacity: int = 10_000, **tables: object
) -> tuple[Gateway, FakeJournal]:
    """A gateway with one meter on one line, unless `tables` say otherwise."""
    journal = journal or FakeJournal()
    tables = {"lines": [{"kind": "tcp", "name": "rs485-1", "host": "127.0.0.1"}], "devices": [meter()], **tables}
    return Gateway(journal, site(**tables), capacity=capacity), journal
