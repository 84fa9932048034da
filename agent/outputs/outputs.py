"""The site's outputs by name: who may hold one, for how long, and what becomes of them when the site changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.outputs.actuator import PREFIX, WRITE_S, Actuator, Held, Write
from courtyard.agent.outputs.lease import Lease, OutputRefused, refused
from courtyard.agent.recorder import Recorder
from courtyard.config.lifts import DOOR_HOLD
from courtyard.config.output import Output

ACQUIRE_S: Final = WRITE_S + 5.0
"""Longest wait for an output to be on; the lease may end before."""
MAX_HOLDER: Final = 128
LIFT: Final = "vision:"
"""How the holder begins that watches a lift: the only one that may hold its door."""


class OutputStatus(msgspec.Struct, frozen=True):
    """How one output stands; `on` is None when the device has not confirmed."""

    name: str
    device: str
    on: bool | None
    holders: tuple[str, ...]
    blocked_by: tuple[str, ...]
    fault: str | None


class Outputs:
    """Used from the event loop only.  `run` first switches everything off, also what a former site may have left on."""

    def __init__(
        self, settings: Iterable[Output], recorder: Recorder, write: Write, say: Callable[[Condition], None]
    ) -> None:
        """`write` reaches the devices; `say` takes the condition that an output does not obey."""
        self._recorder, self._write, self._say = recorder, write, say
        self._actuators = {output.name: self._actuator(output) for output in settings}
        self._retiring: list[Actuator] = []
        self._group: asyncio.TaskGroup | None = None
        present = {(output.device, output.target) for output in self._settings()}
        for held in _left_on(recorder):
            recorder.event("output.found_on", {"output": held.name}, device=held.device)
            if (held.device, held.target) not in present:
                self._retire(self._actuator(Output(held.name, held.device, held.target, held.active)))

    async def run(self) -> None:
        """Until cancelled; then everything is switched off."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for actuator in (*self._actuators.values(), *self._retiring):
                    self._group.create_task(self._run(actuator))
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    async def acquire(self, output: str, holder: str, ttl_s: float) -> Lease:
        """Holds the output for `ttl_s`; returns when the device has confirmed.  Raises OutputRefused."""
        actuator = self._known(output)
        lease = Lease(output, holder[:MAX_HOLDER], self._ends_at(actuator, ttl_s))
        try:
            if actuator.settings.use == DOOR_HOLD and not holder.startswith(LIFT):
                raise refused(
                    "reserved", "Only the watch of its lift holds this door.", "只有该电梯的监视功能可以保持此门。"
                )
            actuator.add(lease)
        except OutputRefused as error:
            details = {"output": output, "holder": lease.holder, "reason": error.code}
            self._recorder.event("output.refused", {**details}, device=actuator.settings.device)
            raise
        try:
            await asyncio.wait((lease.confirmed, lease.ended), timeout=ACQUIRE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not lease.confirmed.done() and not lease.ended.done():
                actuator.end([lease], "released")
        if not lease.stands:
            fault = actuator.fault
            why_en, why_zh = (fault.what.en, fault.what.zh) if fault else (str(lease.ended.result()), "")
            raise refused("failed", f"The output could not be held: {why_en}", f"输出未能保持。{why_zh}")
        return lease

    def renew(self, lease: Lease, ttl_s: float) -> None:
        """The lease now ends `ttl_s` from now; the cap stays where it is.  Raises OutputRefused when it is over."""
        if lease.ended.done():
            why = lease.ended.result()
            raise refused(f"ended.{why}", f"The lease is over ({why}).", f"占用已结束（{why}）。")
        actuator = self._known(lease.output)
        lease.ends_at = self._ends_at(actuator, ttl_s)
        actuator.wake()

    def release(self, lease: Lease) -> None:
        """Ends the lease; the device follows at once.  Harmless when it is over already."""
        if not lease.ended.done():
            self._actuators[lease.output].end([lease], "released")

    async def hold(self, output: str, holder: str, ttl_s: float) -> None:
        """Renews what this holder has of the output, or acquires it.  Raises OutputRefused."""
        for lease in self._known(output).leases:
            if lease.holder == holder and lease.stands:
                self.renew(lease, ttl_s)
                return
        await self.acquire(output, holder, ttl_s)

    def drop(self, output: str, holder: str) -> int:
        """Ends what this holder has of the output; returns how many leases.  Raises OutputRefused if unknown."""
        actuator = self._known(output)
        dropped = [lease for lease in actuator.leases if lease.holder == holder]
        actuator.end(dropped, "released")
        return len(dropped)

    def lose(self, holder: str) -> None:
        """This holder is gone (a camera, a connection): all its leases end."""
        for actuator in self._actuators.values():
            if lost := [lease for lease in actuator.leases if lease.holder == holder]:
                actuator.end(lost, "holder_lost")

    def block(self, output: str, source: str, reason: str) -> None:
        """Interlock: releases the output and refuses it until `source` unblocks.  Raises OutputRefused if unknown."""
        self._known(output).block(source, reason)

    def unblock(self, output: str, source: str) -> None:
        """This source no longer blocks.  A start begins without blocks: sources state theirs before they run."""
        self._known(output).unblock(source)

    def adjust(self, settings: Iterable[Output]) -> None:
        """From now on these outputs; the ones that did not change keep their leases, the others are switched off."""
        wanted = {output.name: output for output in settings}
        for name, actuator in list(self._actuators.items()):
            if wanted.get(name) != actuator.settings:
                self._retire(self._actuators.pop(name))
        for name, output in wanted.items():
            if name not in self._actuators:
                self._actuators[name] = self._actuator(output)
                self._start(self._actuators[name])

    def status(self) -> list[OutputStatus]:
        """How every output stands."""
        return [
            OutputStatus(
                name,
                actuator.settings.device,
                actuator.on,
                tuple(lease.holder for lease in actuator.leases),
                tuple(actuator.blocks),
                actuator.fault.code if actuator.fault else None,
            )
            for name, actuator in self._actuators.items()
        ]

    def cap_s(self, output: str) -> float:
        """Longest uninterrupted hold of this output.  Raises OutputRefused if unknown."""
        return self._known(output).settings.cap_s

    def targets(self) -> frozenset[tuple[str, str]]:
        """Device and target of every output: nothing but a lease may write these."""
        return frozenset((output.device, output.target) for output in self._settings())

    def _settings(self) -> list[Output]:
        return [actuator.settings for actuator in self._actuators.values()]

    def _actuator(self, output: Output) -> Actuator:
        return Actuator(output, self._recorder, self._write, self._say)

    def _start(self, actuator: Actuator) -> None:
        if self._group is not None:
            self._group.create_task(self._run(actuator))

    def _retire(self, actuator: Actuator) -> None:
        actuator.retire()
        self._retiring.append(actuator)

    async def _run(self, actuator: Actuator) -> None:
        await actuator.run()
        if actuator in self._retiring:
            self._retiring.remove(actuator)

    def _known(self, output: str) -> Actuator:
        if output not in self._actuators:
            names = ", ".join(sorted(self._actuators)) or "-"
            raise refused(
                "unknown",
                f"No output {output[:64]}; the site has: {names}.",
                f"没有名为 {output[:64]} 的输出；现场已有：{names}。",
            )
        return self._actuators[output]

    def _ends_at(self, actuator: Actuator, ttl_s: float) -> float:
        cap_s = actuator.settings.cap_s
        if not 0 < ttl_s <= cap_s:
            raise refused(
                "ttl",
                f"It may be held for more than 0 and at most {cap_s:g} s at a time.",
                f"每次保持时间须大于 0 秒且不超过 {cap_s:g} 秒。",
            )
        return asyncio.get_running_loop().time() + ttl_s


def _left_on(recorder: Recorder) -> list[Held]:
    left: list[Held] = []
    for key, value in recorder.journal.state(PREFIX).items():
        try:
            left.append(msgspec.json.decode(value, type=Held))
        except msgspec.MsgspecError:
            recorder.event("output.state.unreadable", {"target": key.removeprefix(PREFIX)})
    return left
