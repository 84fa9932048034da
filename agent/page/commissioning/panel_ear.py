"""Listens to a fire panel before it is saved: what comes, as bytes and decoded.

Invariants
1. Nothing is sent, whatever the settings say: what would be acknowledged here would be lost to the alarms.
2. It ends by itself; a line that the gateway listens to already is never opened a second time.
"""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from courtyard.agent.lines import Lines
from courtyard.agent.page.commissioning.panel_step import PanelStep
from courtyard.agent.recorder import GatewayClock
from courtyard.agent.web.commissioning.equipment_model import HeardFrame, PanelHeard
from courtyard.agent.web.commissioning.model import Form
from courtyard.agent.web.model import Refused, Words
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.fire.settings import FirePanel

LISTEN_S: Final = 600.0
LOOK_S: Final = 0.5
MOST_FRAMES: Final = 30
FIELDS: Final = frozenset(
    {"where", "protocol", "line_name", "baud", "character", "id", "place", "name", "address", "addresses", "speak"}
    | {"select_alone", "silence"}
)
TAKEN: Final = Words(
    "The gateway listens on this line already. Save the panel; then its frames are shown here.",
    "网关已在监听此线路。请先保存，之后可在此查看报文。",
)


class PanelEar:
    """Implements `courtyard.agent.web.commissioning.equipment_model.Listens`."""

    def __init__(
        self,
        step: PanelStep,
        lines: Lines,
        snapshot: Callable[[], Snapshot],
        clock: GatewayClock,
        *,
        listen_s: float = LISTEN_S,
    ) -> None:
        self._step, self._lines, self._snapshot, self._clock = step, lines, snapshot, clock
        self._listen_s = listen_s
        self._heard: PanelHeard | None = None
        self._task: asyncio.Task[None] | None = None

    def now(self) -> PanelHeard | None:
        """What is heard now, or was heard last."""
        return self._heard

    async def start(self, entry: str | None, given: Mapping[str, str]) -> Form | None:
        """Listens as the form says.  Raises Refused."""
        form, proposal = await self._step.proposed(entry, given)
        if proposal is None or proposal.verdict.snapshot is None:
            return form
        proposed = proposal.verdict.snapshot
        installed = proposed.devices[proposal.name]
        panel: Any = installed.driver
        running = self._snapshot().lines.get(installed.line)
        listens_already = running is not None and running.family is not None
        is_known = self._snapshot().devices.get(proposal.name) is not None
        if listens_already and not is_known:
            raise Refused(TAKEN)
        await self.stop()
        onward = {name: text[:200] for name, text in given.items() if name in FIELDS}
        where = given.get("where", "") or f"line:{installed.line}"
        self._heard = PanelHeard(proposal.name, panel.protocol, where[5:], True, self._clock.wall_ms(), entry, onward)
        zone = ZoneInfo(proposed.site.gateway.timezone)
        settings = proposed.lines[installed.line].settings
        work = self._follow(panel) if listens_already else self._listen(settings, panel, zone)
        self._task = asyncio.create_task(self._run(work))
        return None

    async def stop(self) -> None:
        """Ends; what was heard stays."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _run(self, work: Any) -> None:
        try:
            async with asyncio.timeout(self._listen_s):
                await work
        except TimeoutError:
            pass
        finally:
            self._change(running=False)

    async def _follow(self, panel: FirePanel) -> None:
        """What the running driver of a saved panel keeps of it."""
        while True:
            try:
                frames = [each for each in self._lines.frames(panel.id) if each.direction != "sent"]
                counts = self._lines.counters_of(panel.id)
            except DriverError as error:
                self._tell(error.fault)
                return
            shown = tuple(read_frame(panel, each.at_ms, bytes.fromhex(each.hex)) for each in frames[-MOST_FRAMES:])
            self._change(frames=shown[::-1], signs=counts.get("signs", 0) + counts.get("statements", 0))
            await asyncio.sleep(LOOK_S)

    async def _listen(self, settings: Any, panel: FirePanel, zone: datetime.tzinfo) -> None:
        from courtyard.agent.page.commissioning.panel_listener import PanelListener  # loads the panels' protocols

        listener = PanelListener(settings, msgspec.structs.replace(panel, speak=False), self._clock, zone)

        async def look() -> None:
            while True:
                self._change(
                    count=listener.count,
                    signs=listener.signs,
                    frames=tuple(listener.frames)[::-1],
                    tail=bytes(listener.tail).hex(" "),
                )
                await asyncio.sleep(LOOK_S)

        async with asyncio.TaskGroup() as group:
            group.create_task(look())
            await listener.run(self._tell, random.random)

    def _tell(self, fault: Fault | None) -> None:
        self._change(fault=Words.of(fault.what) if fault else None, cure=Words.of(fault.cure) if fault else None)

    def _change(self, **more: Any) -> None:
        if self._heard is not None:
            self._heard = msgspec.structs.replace(self._heard, **more)


def read_frame(panel: FirePanel, at_ms: int, frame: bytes) -> HeardFrame:
    """A frame with what it says."""
    from courtyard.agent.page.commissioning.panel_listener import said_by

    return said_by(panel, at_ms, frame)
