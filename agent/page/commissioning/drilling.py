"""Drills from the page, through the same request as `courtyard drill`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from courtyard.agent.control import Handler
from courtyard.agent.control import Refused as NotDone
from courtyard.agent.drills.drill import Result
from courtyard.agent.drills.drill import Stage as Reached
from courtyard.agent.drills.evidence import Entry, Evidence
from courtyard.agent.drills.words import STAGES
from courtyard.agent.web.commissioning.model import Drill, Stage
from courtyard.agent.web.model import Refused, Words
from courtyard.drivers.base import Text

WAIT_S: Final = 60.0
RUNNING: Final = Words("A drill is running; wait for its end.", "演练正在进行，请等待结束。")


class DeviceDrills:
    """Implements `courtyard.agent.web.commissioning.model.Drills`."""

    def __init__(self, handlers: Mapping[str, Handler], evidence: Evidence, *, wait_s: float = WAIT_S) -> None:
        self._handlers, self._evidence, self._wait_s = handlers, evidence, wait_s
        self._drill: Drill | None = None
        self._task: asyncio.Task[None] | None = None

    def now(self) -> Drill | None:
        """The drill that runs, or the last one."""
        return self._drill

    def start(self, device: str, alarm_class: str, *, full: bool, by: str) -> None:
        """Begins a drill.  Raises Refused."""
        if self._drill is not None and self._drill.running:
            raise Refused(RUNNING)
        self._drill = Drill(device, True, ())
        request = {"device": device, "class": alarm_class, "full": full, "by": by, "wait_s": self._wait_s}
        self._task = asyncio.create_task(self._run(request))

    async def stop(self) -> None:
        """Ends what runs, when the page ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def evidence(self) -> tuple[Drill, ...]:
        """Drills that were kept, the latest first."""
        entries = await asyncio.to_thread(self._evidence.read)
        return tuple(map(_kept, reversed(entries)))

    async def _run(self, request: Mapping[str, Any]) -> None:
        try:
            answer = await self._handlers["drill"](request, self._step)
            result: Result = answer["drill"]
            kept = answer["kept"]
            shown = _shown(result)
            self._drill = msgspec.structs.replace(shown, number=kept["number"], hash=kept["hash"][:16])
        except NotDone as error:
            en, _, zh = str(error).partition(" / ")
            self._change(fault=Words(en, zh or en))
        finally:
            self._change(running=False)

    async def _step(self, stage: Reached) -> None:
        assert self._drill is not None
        self._change(stages=(*self._drill.stages, _stage(stage)))

    def _change(self, **more: Any) -> None:
        if self._drill is not None:
            self._drill = msgspec.structs.replace(self._drill, **more)


def _stage(stage: Reached) -> Stage:
    return Stage(Words.of(STAGES.get(stage.name, Text(stage.name, stage.name))), stage.ms, stage.who)


def _shown(result: Result) -> Drill:
    stages = tuple(map(_stage, result.stages))
    return Drill(result.device, False, stages, result.passed, result.missing, at=result.at, by=result.by)


def _kept(entry: Entry) -> Drill:
    return msgspec.structs.replace(_shown(entry.drill), number=entry.number, hash=f"{entry.key}")
