"""Listening to a panel before it is saved: nothing is ever sent, everything that comes is shown with its bytes."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from courtyard.agent.page.commissioning.panel_listener import MOST_FRAMES, TAIL_BYTES, PanelListener, said_by
from courtyard.drivers.base import Fault
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.lines.settings import SerialLine
from courtyard.drivers.lines.wire import Listener
from hw_sim.panels.event import Event
from hw_sim.panels.models import PANELS
from tests.gateway_rig import VirtualClock, elapse, virtual

LINE = SerialLine("fire-1", "/dev/ttyUSB9")
WAIT = ("ld128", "espa")
"""Panels that say nothing of a fire to somebody who never says anything."""
AT = datetime.datetime(2026, 11, 23, 8, 0, tzinfo=datetime.UTC)


class DeafWire:
    """An open line that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.listener: Listener | None = None
        self.is_open = True

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_open = False

    async def open(self, settings: Any, listener: Listener) -> DeafWire:
        self.listener = listener
        return self


def listening(panel: FirePanel, main: Callable[[PanelListener, DeafWire], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        wire = DeafWire()
        listener = PanelListener(LINE, panel, VirtualClock(), datetime.UTC, open_line=wire.open)
        faults: list[Fault | None] = []
        task = asyncio.create_task(listener.run(faults.append, lambda: 1.0))
        try:
            await elapse(0.1)
            await main(listener, wire)
            assert wire.sent == []
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    virtual(run)


@pytest.mark.parametrize("protocol", sorted(PANELS))
def test_a_fire_is_shown_with_its_bytes_and_not_a_byte_is_sent(protocol: str) -> None:
    simulated = PANELS[protocol]()
    simulated.happen(Event("fire", AT.replace(tzinfo=None), 1, 6, 12))
    told: list[bytes] = []

    async def main(listener: PanelListener, wire: DeafWire) -> None:
        assert wire.listener is not None
        for _ in range(30):
            for data in simulated.due(asyncio.get_running_loop().time()):
                told.append(data)
                wire.listener.received(data)
            await elapse(1.0)
        assert listener.count == sum(map(len, told))
        assert len(listener.tail) <= TAIL_BYTES
        assert len(listener.frames) <= MOST_FRAMES
        assert bool(simulated.told) == (protocol not in WAIT)
        if simulated.told:
            frame = simulated.told[0].frame.hex(" ")
            shown = [each for each in listener.frames if frame in each.hex]
            assert shown, (frame, listener.frames)
            assert not shown[0].flaw
            assert all(each.zh for each in shown[0].says)

    listening(FirePanel(id="fp-1", protocol=protocol, speak=True), main)  # type: ignore[arg-type]


def test_noise_is_shown_as_what_it_is() -> None:
    async def main(listener: PanelListener, wire: DeafWire) -> None:
        assert wire.listener is not None
        for _ in range(200):
            wire.listener.received(bytes(range(40)))
            await elapse(1.0)
        assert listener.signs == 0
        assert listener.count == 8000
        assert len(listener.frames) <= MOST_FRAMES

    listening(FirePanel(id="fp-1", protocol="gst24"), main)


@pytest.mark.parametrize("protocol", sorted(PANELS))
def test_a_frame_that_is_none_has_words_for_it(protocol: str) -> None:
    shown = said_by(FirePanel(id="fp-1", protocol=protocol), 1, b"\x00\x01\x02")  # type: ignore[arg-type]
    assert all(words.zh for words in ((shown.flaw,) if shown.flaw else shown.says))
