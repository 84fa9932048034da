"""One output: drives the device to what its leases say, and to off whenever there is doubt.

Invariants
1. On is written only while a lease stands and nothing blocks.
2. Off is written before anything else at a start, and as soon as the last lease ends, whatever ended it; again and
   again until the device confirms.
3. No uninterrupted hold outlasts the cap; after the cap the output rests.
4. After a write that was not confirmed the device counts as on: its leases end, and off follows.
5. Before on is written, the journal is told what may be on, so that an output that is no longer in the site at the
   next start is switched off, too; a disk that does not answer delays this by JOURNAL_S at most.
6. Where the site says so, on is written again every `repeat` while it is held, so that a relay that lets go by itself
   is on only as long as somebody lives who wants it; a repetition that is not confirmed is a write as any other (4).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.outputs.lease import End, Lease, refused
from courtyard.agent.recorder import NOTHING, Also, Recorder, State
from courtyard.agent.records import Details
from courtyard.buffer import Appended
from courtyard.config.output import Output
from courtyard.drivers.base import DriverError, Fault, Scalar, Text

WRITE_S: Final = 70.0
"""Longest wait for a device to confirm; a motor valve takes half a minute.  Leases that end interrupt it."""
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
ALARM_AFTER_S: Final = 3.0
"""An output that does not go off for this long is an alarm."""
JOURNAL_S: Final = 1.0
STOP_S: Final = 3.0
REST_S: Final = 10.0
MAX_LEASES: Final = 32
TIMER_S: Final = 0.001
"""A timer may fire this much early; what it was set for is then over."""
PREFIX: Final = "output/"


class Write(Protocol):
    """Writes one value to one target of a device; returns when it is confirmed, raises DriverError."""

    def __call__(self, device: str, target: str, value: Scalar, /) -> Awaitable[None]: ...


class Held(msgspec.Struct, frozen=True):
    """What the journal keeps of a target that may be on: by which output, and the value that is on."""

    name: str
    device: str
    target: str
    active: bool


class Actuator:
    """Used from the event loop only; leases have an effect while `run` is running."""

    def __init__(self, settings: Output, recorder: Recorder, write: Write, say: Callable[[Condition], None]) -> None:
        """`say` takes the condition that the output does not obey."""
        self.settings = settings
        self.leases: list[Lease] = []
        self.blocks: dict[str, str] = {}
        self.on: bool | None = None
        """What the device last confirmed; None: not known, as good as on."""
        self.fault: Fault | None = None
        """Why the last write was not confirmed."""
        self._on_since: float | None = None
        self._repeat_at = math.inf
        self._rest_until = 0.0
        self._retired = False
        self._recorder, self._write, self._say = recorder, write, say
        self._wake = asyncio.Event()

    def add(self, lease: Lease) -> None:
        """Takes a lease in.  Raises OutputRefused."""
        now = asyncio.get_running_loop().time()
        if self.blocks:
            reasons = "; ".join(self.blocks.values())
            raise refused("blocked", f"The output is blocked: {reasons}.", f"输出已被联锁：{reasons}。")
        if now < self._rest_until:
            rest_s = self._rest_until - now
            raise refused(
                "resting",
                f"The output was held for its cap and rests for {rest_s:.0f} s.",
                f"输出已达最长保持时间，{rest_s:.0f} 秒后可再次使用。",
            )
        if len(self.leases) >= MAX_LEASES:
            raise refused("leases", f"It has {MAX_LEASES} holders already.", f"已有 {MAX_LEASES} 个占用者。")
        self.leases.append(lease)
        if self.on:
            lease.confirmed.set_result(None)
        self._audit("acquired", {"holder": lease.holder, "for_s": round(lease.ends_at - now, 3)})
        self.wake()

    def end(self, leases: list[Lease], why: End) -> None:
        """Ends these leases; the device follows."""
        for lease in leases:
            self.leases.remove(lease)
            lease.ended.set_result(why)
            self._audit("ended", {"holder": lease.holder, "reason": why})
        self.wake()

    def block(self, source: str, reason: str) -> None:
        """Ends all leases and refuses new ones until this source unblocks."""
        if self.blocks.get(source) != reason:
            self.blocks[source] = reason
            self._audit("blocked", {"by": source, "reason": reason})
        self.end(list(self.leases), "blocked")

    def unblock(self, source: str) -> None:
        """This source no longer blocks; nothing is held again by that."""
        if self.blocks.pop(source, None) is not None:
            self._audit("unblocked", {"by": source})

    def retire(self) -> None:
        """The site no longer has this output: `run` switches it off and returns."""
        self._retired = True
        self.end(list(self.leases), "removed")

    def wake(self) -> None:
        """Something changed."""
        self._wake.set()

    async def run(self) -> None:
        """Switches off, then follows the leases until cancelled, then switches off again within STOP_S."""
        try:
            await self._switch_off()
            while not (self._retired and self.on is False):
                await self._follow()
        finally:
            self.end(list(self.leases), "stop")
            if self.on is not False:
                try:
                    # Not asyncio.timeout(): in a task that is being cancelled, Python 3.11.2 (Debian 12) lets the
                    # cancellation through in place of TimeoutError.
                    await asyncio.wait_for(self._switch_off(), STOP_S)
                except TimeoutError:
                    self._audit("left_on", {})

    async def _follow(self) -> None:
        self._wake.clear()
        ends_at = self._end_what_is_over()
        if self.leases and self.on is not True:
            await self._switch_on()
        elif self.leases and asyncio.get_running_loop().time() + TIMER_S >= self._repeat_at:
            await self._write_on()
        elif not self.leases and self.on is not False:
            await self._switch_off()
        else:
            try:
                async with asyncio.timeout_at(ends_at and min(ends_at, self._repeat_at)):
                    await self._wake.wait()
            except TimeoutError:
                return  # a lease or the cap is over, or it is time to write again

    def _end_what_is_over(self) -> float | None:
        """Ends leases whose time has come; returns when the next one comes."""
        now = asyncio.get_running_loop().time() + TIMER_S
        cap_at = None if self._on_since is None else self._on_since + self.settings.cap_s
        if cap_at is not None and now >= cap_at and self.leases:
            self._rest_until = now + REST_S
            self.end(list(self.leases), "cap")
        if over := [lease for lease in self.leases if now >= lease.ends_at]:
            self.end(over, "expired")
        ends = [lease.ends_at for lease in self.leases]
        return min([*ends, cap_at] if cap_at is not None and ends else ends, default=None)

    async def _switch_on(self) -> None:
        told = self._audit("switching_on", {}, self._state(may_be_on=True))
        if told is not None:
            await asyncio.wait((told,), timeout=JOURNAL_S)
        self._end_what_is_over()
        if not self.leases:
            return
        self._on_since = asyncio.get_running_loop().time()
        if await self._write_on():
            self._audit("on", {})

    async def _write_on(self) -> bool:
        """Whether it is on now; until the device has confirmed it counts as on, and not as confirmed."""
        self.on, began = None, asyncio.get_running_loop().time()
        self.fault = await self._write_while_leased()
        if not self.leases:
            return False
        if self.fault is None:
            self.on, self._repeat_at = True, began + (self.settings.repeat_s or math.inf)
            for lease in self.leases:
                if not lease.confirmed.done():
                    lease.confirmed.set_result(None)
        else:
            self._audit("failed", {"wanted": "on", "fault": self.fault.code})
            self.end(list(self.leases), "write_failed")
        self._tell()
        return self.on is True

    async def _write_while_leased(self) -> Fault | None:
        writing = asyncio.create_task(self._try(self.settings.active))
        try:
            while self.leases and not writing.done():
                self._wake.clear()
                waking = asyncio.create_task(self._wake.wait())
                ends_at = self._end_what_is_over() or 0.0
                wait_s = max(0.0, ends_at - asyncio.get_running_loop().time())
                await asyncio.wait((writing, waking), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
            if writing.done():
                return writing.result()
            writing.cancel()
            await asyncio.wait((writing,), timeout=STOP_S)
            return None
        finally:
            writing.cancel()

    async def _switch_off(self) -> None:
        loop, failures, told = asyncio.get_running_loop(), 0, False
        self.on, since = None, loop.time()
        while (fault := await self._try(not self.settings.active)) is not None:
            self.fault = fault
            if failures == 0:
                self._audit("failed", {"wanted": "off", "fault": fault.code})
            if not told and loop.time() - since >= ALARM_AFTER_S:
                told = True
                self._tell()
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
        self.on, self._on_since, self.fault = False, None, None
        self._tell()
        self._audit("off", {}, self._state(may_be_on=False))

    async def _try(self, value: bool) -> Fault | None:
        try:
            async with asyncio.timeout(WRITE_S):
                await self._write(self.settings.device, self.settings.target, value)
        except DriverError as error:
            return error.fault
        except TimeoutError:
            return Fault(
                "output.no_answer",
                Text(f"No confirmation within {WRITE_S:g} s.", f"{WRITE_S:g} 秒内未收到确认。"),
                Text("Check the device and its line.", "请检查该设备及其线路。"),
            )
        except Exception as error:  # a defect of a driver must not keep this output on, nor stop the others
            return Fault(
                "output.defect",
                Text(f"The driver failed: {error!r}.", f"驱动程序出错：{error!r}。"),
                Text("A defect of the gateway: send a support bundle.", "这是网关自身的缺陷：请发送支持包。"),
            )
        return None

    def _state(self, *, may_be_on: bool) -> State:
        output = self.settings
        held = Held(output.name, output.device, output.target, output.active)
        return {f"{PREFIX}{held.device}/{held.target}": msgspec.json.encode(held) if may_be_on else None}

    def _audit(self, what: str, details: Details, state: State = NOTHING.state) -> asyncio.Future[Appended] | None:
        details = {"output": self.settings.name, **details}
        return self._recorder.event(f"output.{what}", details, device=self.settings.device, also=Also(state=state))

    def _tell(self) -> None:
        name, fault = self.settings.name, self.fault
        if fault is None:
            text = Text(f"Output {name} obeys.", f"输出 {name} 动作正常。")
        else:
            text = Text(
                f"Output {name} does not obey. {fault.what.en} {fault.cure.en}",
                f"输出 {name} 未按要求动作。{fault.what.zh}{fault.cure.zh}",
            )
        self._say(
            Condition(
                self.settings.device,
                "output_fault",
                name,
                2,
                fault is not None,
                *self._recorder.now(),
                text=text,
                details={"output": name, "fault": fault.code if fault else None},
                needs_evidence=True,
            )
        )
