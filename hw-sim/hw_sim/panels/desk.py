"""One simulated panel, its line, and what it can be told while it runs."""

from __future__ import annotations

import asyncio
import datetime
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hw_sim.control import Command
from hw_sim.line import Line
from hw_sim.panels import mischief
from hw_sim.panels.attach import Attached, TcpClient, to_line
from hw_sim.panels.event import Detector, Event, Kind
from hw_sim.panels.incidents import INCIDENTS
from hw_sim.panels.panel import Panel


class Desk:
    """A panel behind a pty at `path`, or one that connects to the server `address`."""

    def __init__(
        self,
        panel: Panel,
        *,
        path: Path | None = None,
        address: tuple[str, int] | None = None,
        today: Callable[[], datetime.datetime] = datetime.datetime.now,
    ) -> None:
        if (path is None) == (address is None):
            raise ValueError("a panel has either a port or an address")
        self.panel = panel
        self.stopped = asyncio.Event()
        self._path, self._address = path, address
        self._today = today
        self._line: Line | None = None
        self._client: TcpClient | None = None
        self._attached: Attached | None = None
        self.table: Mapping[str, Command] = {
            "event": Command(self.event, f"KIND LOOP POINT [DETECTOR [TEXT]]: {', '.join(KINDS)}"),
            "play": Command(self.play, f"INCIDENT: {', '.join(INCIDENTS)}"),
            "mischief": Command(self.mischief, f"KIND [FRAMES]: {', '.join(mischief.KINDS)}"),
            "counters": Command(self.counters, "bytes and collisions on the line; received_b is what the panel heard"),
            "told": Command(self.told, "every event that was put onto the line"),
            "mute": Command(self.mute, "on, off: nothing comes out of the panel"),
            "unplug": Command(self.unplug, "the cable is out"),
            "replug": Command(self.replug, "the cable is in again"),
            "quit": Command(lambda words: self.stopped.set(), "end the simulator"),
        }

    async def open(self) -> None:
        if self._path is not None:
            serial = self.panel.serial
            bits = 1 + serial.data_bits + (serial.parity != "N") + serial.stop_bits
            self._line = Line(self._path, baud=serial.baud, bits=bits).open()
            self._attached = to_line(self.panel, self._line)
        elif self._address is not None:
            self._client = TcpClient(self.panel, *self._address)
            self._attached = self._client.attached

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        elif self._attached is not None:
            self._attached.close()
        if self._line is not None:
            self._line.close()

    def describe(self) -> dict[str, Any]:
        place = {"path": str(self._path)} if self._path else {"address": list(self._address or ())}
        return {"panel": type(self.panel).__name__, **self.panel.serial._asdict(), **place}

    # Commands

    def event(self, words: list[str]) -> None:
        kind, loop, point, detector, *text = [*words[:3], *(words[3:] or ["smoke"])]
        if kind not in KINDS or detector not in DETECTORS:
            raise ValueError(f"kinds: {', '.join(KINDS)}; detectors: {', '.join(DETECTORS)}")
        noticed = Event(KINDS[kind], self._today(), 1, int(loop), int(point), DETECTORS[detector], " ".join(text))
        self._running().happen(noticed)

    def play(self, words: list[str]) -> int:
        script = INCIDENTS[words[0]](self._today())
        self._running().play(script)
        return len(script)

    def mischief(self, words: list[str]) -> None:
        if words[0] not in mischief.KINDS:
            raise ValueError(f"known: {', '.join(mischief.KINDS)}")
        self.panel.mischief.plan(words[0], int(words[1]) if words[1:] else 1)

    def told(self, words: list[str]) -> list[dict[str, Any]]:
        return [
            {
                **told.event._asdict(),
                "at": told.event.at.isoformat(),
                "frame": told.frame.hex(),
                "whole": told.whole,
                "confirmed": told.confirmed,
            }
            for told in self.panel.told
        ]

    def counters(self, words: list[str]) -> dict[str, float]:
        return {} if self._line is None else self._line.counters()

    def mute(self, words: list[str]) -> None:
        if words not in (["on"], ["off"]):
            raise ValueError("known: on, off")
        self._running().mute = words == ["on"]

    def unplug(self, words: list[str]) -> None:
        if self._client is not None:
            self._client.unplug()
        elif self._line is not None:
            self._line.unplug()

    def replug(self, words: list[str]) -> None:
        if self._line is not None:
            self._line.replug()

    def _running(self) -> Attached:
        if self._attached is None:
            raise ValueError("the panel is not open")
        return self._attached


KINDS: Mapping[str, Kind] = {kind: kind for kind in typing.get_args(Kind)}
DETECTORS: Mapping[str, Detector] = {detector: detector for detector in typing.get_args(Detector)}
