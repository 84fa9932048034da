"""Test pulses of outputs: one at a time, short, agreed to, over by themselves.

Invariants
1. A pulse is a lease like any other: allow-list, blocking inputs and cap stay in force, and it is in the journal.
2. The door hold of a lift is pulsed only where its maintainer has signed; an input that forbids ends it at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from courtyard.agent.outputs.lease import OutputRefused
from courtyard.agent.outputs.outputs import LIFT, Outputs
from courtyard.agent.web.commissioning.equipment_model import Blocking, OutputState, Pulse, PulseStep
from courtyard.agent.web.model import Refused, Words
from courtyard.config.lifts import DOOR_HOLD, Lift
from courtyard.config.snapshot import Snapshot

if TYPE_CHECKING:
    from courtyard.agent.lift_post import LiftState

SHORTEST_S, LONGEST_S = 1.0, 10.0
RELEASED_S: Final = 15.0
"""Longest wait until the device confirms that it is released."""
LOOK_S: Final = 0.1
RUNNING: Final = Words("Another test pulse is running; wait for its end.", "另一次动作测试正在进行，请等待结束。")
AGREE: Final = Words(
    "Tick that everybody who could be startled or hurt knows of the test.",
    "请勾选确认：可能受惊或受伤的人员均已知晓本次测试。",
)
SECONDS: Final = Words("A test pulse lasts 1 to 10 s.", "动作测试时间为 1～10 秒。")
UNKNOWN: Final = Words("The gateway runs without this output; save it first.", "网关尚未启用此输出，请先保存。")
NO_LIFT: Final = Words(
    "A door hold is tested only as the hold of a lift: choose it in that lift.",
    "开门保持只能作为电梯的保持输出测试，请先在电梯中选定。",
)
UNSIGNED: Final = Words(
    "Not before the lift's maintainer has signed in the lift's form.", "电梯维保人员在电梯表单中签认之前不可测试。"
)
FORBIDDEN: Final = Words("An input of the lift forbids it now.", "电梯的输入当前禁止动作。")
ASKED: Final = Words("asked for", "已请求")
ON: Final = Words("switched, and confirmed by the device", "已动作，设备已确认")
OFF: Final = Words("released, and confirmed by the device", "已释放，设备已确认")
STILL_ON: Final = Words(
    "The device has not confirmed that it is released; the gateway keeps on releasing it. Look at it on the spot.",
    "设备未确认释放，网关会持续尝试释放，请到现场检查。",
)
ENDS: Final[Mapping[str, Words]] = {
    "expired": Words("its time is over", "时间到"),
    "released": Words("released before its time", "提前释放"),
    "cap": Words("the longest hold is reached", "达到最长保持时间"),
    "blocked": Words("an input blocks it", "被输入联锁"),
    "write_failed": Words("the device did not obey", "设备未执行"),
    "removed": Words("the output was changed", "输出已被修改"),
    "stop": Words("the gateway stops", "网关停止"),
    "holder_lost": Words("its holder is gone", "占用者已断开"),
}
MEANINGS: Final[Mapping[str, Words]] = {
    "fire": Words("Fire", "消防"),
    "fire_return": Words("Fire return", "消防迫降"),
    "firefighter": Words("Firefighter mode", "消防员操作"),
}


class PulseTests:
    """Implements `courtyard.agent.web.commissioning.equipment_model.Pulses`.  Used from the event loop only."""

    def __init__(
        self, outputs: Outputs, snapshot: Callable[[], Snapshot], lifts: Callable[[], Sequence[LiftState]]
    ) -> None:
        self._outputs, self._snapshot, self._lifts = outputs, snapshot, lifts
        self._pulse: Pulse | None = None
        self._task: asyncio.Task[None] | None = None
        self._began_s = 0.0

    def now(self) -> Pulse | None:
        """The pulse that runs, or the last one."""
        return self._pulse

    def states(self) -> tuple[OutputState, ...]:
        """How every output stands, and what blocks it."""
        site = self._snapshot().site
        uses = {output.name: output.use for output in site.outputs}
        lift_of = {lift.hold: lift for lift in site.lifts if lift.hold is not None}
        seen = {state.id: state for state in self._lifts()}
        states = []
        for status in self._outputs.status():
            lift = lift_of.get(status.name)
            state = seen.get(lift.id) if lift is not None else None
            blocked = (*status.blocked_by, *(state.blocked_by if state is not None else ()))
            states.append(
                OutputState(
                    status.name,
                    status.on,
                    lift.id if lift is not None else None,
                    status.holders,
                    blocked,
                    _inputs(lift, state) if lift is not None else (),
                    _untestable(uses.get(status.name, "general"), lift, blocked),
                )
            )
        return tuple(states)

    def start(self, output: str, seconds: str, by: str, *, agreed: bool) -> None:
        """Begins a pulse.  Raises Refused."""
        if self._pulse is not None and self._pulse.running:
            raise Refused(RUNNING)
        state = next((each for each in self.states() if each.name == output), None)
        if state is None:
            raise Refused(UNKNOWN)
        if state.testable is not None:
            raise Refused(state.testable)
        if not agreed:
            raise Refused(AGREE)
        text = seconds.strip()
        if not text.isdecimal() or len(text) > 2 or not SHORTEST_S <= int(text) <= LONGEST_S:
            raise Refused(SECONDS)
        hold_s = min(float(text), self._outputs.cap_s(output))
        holder = f"{LIFT}test:{by}" if state.lift is not None else f"test:{by}"
        self._began_s = asyncio.get_running_loop().time()
        self._pulse = Pulse(output, True, hold_s, state.on)
        self._step(ASKED)
        self._task = asyncio.create_task(self._run(output, holder, hold_s))

    async def stop(self) -> None:
        """Ends what runs, when the page ends."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, output: str, holder: str, hold_s: float) -> None:
        passed = False
        try:
            passed = await self._hold(output, holder, hold_s)
        except OutputRefused as error:
            self._change(fault=Words.of(error.text))
        finally:
            self._change(running=False, passed=passed)

    async def _hold(self, output: str, holder: str, hold_s: float) -> bool:
        """Whether the device switched, and released by itself."""
        lease = await self._outputs.acquire(output, holder, hold_s)
        try:
            self._change(on=True)
            self._step(ON)
            while not lease.ended.done():
                if self._forbidden(output):
                    self._change(fault=FORBIDDEN)
                    self._outputs.release(lease)
                    break
                await asyncio.wait((lease.ended,), timeout=LOOK_S)
        finally:
            self._outputs.release(lease)
        why = lease.ended.result()
        self._step(ENDS[why])
        if not await self._released(output):
            self._change(fault=STILL_ON)
            return False
        self._step(OFF)
        return why == "expired"

    async def _released(self, output: str) -> bool:
        """Whether the device confirms in time; another holder may keep it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + RELEASED_S
        while loop.time() < until:
            status = next((each for each in self._outputs.status() if each.name == output), None)
            if status is None or status.holders:
                return True
            self._change(on=status.on)
            if status.on is False:
                return True
            await asyncio.sleep(LOOK_S)
        return False

    def _forbidden(self, output: str) -> bool:
        return any(state.name == output and state.testable is not None for state in self.states())

    def _step(self, name: Words) -> None:
        assert self._pulse is not None
        ms = round(1000 * (asyncio.get_running_loop().time() - self._began_s))
        self._change(steps=(*self._pulse.steps, PulseStep(name, ms)))

    def _change(self, **more: Any) -> None:
        if self._pulse is not None:
            self._pulse = msgspec.structs.replace(self._pulse, **more)


def _untestable(use: str, lift: Lift | None, blocked: Sequence[str]) -> Words | None:
    if use == DOOR_HOLD:
        if lift is None:
            return NO_LIFT
        if lift.commissioned is None:
            return UNSIGNED
    return FORBIDDEN if blocked else None


def _inputs(lift: Lift, state: LiftState | None) -> tuple[Blocking, ...]:
    """The contacts that forbid; one that is not read forbids too, and says `unknown`."""
    found = []
    for key, meaning in MEANINGS.items():
        contact = getattr(lift, key)
        if contact is not None:
            blocks = None if state is None or "unknown" in state.blocked_by else key in state.blocked_by
            found.append(Blocking(meaning, f"{contact.device} · {contact.point}", blocks))
    return tuple(found)
