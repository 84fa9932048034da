"""One lift as a part of the gateway: its guard, its contacts, its voice, what is kept of it and told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.lift_learning import Learning, LearningState
from courtyard.agent.lifts import LiftPorts
from courtyard.agent.records import Details, instant
from courtyard.agent.vision.contacts import DOOR, FORBIDDING, LEVEL, Contacts, Wire
from courtyard.agent.vision.guard import Guard
from courtyard.agent.vision.guard import Lift as Guarded
from courtyard.agent.vision.messages import Attach, Gathered, Keep, Kept, Looked, Ready
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.voice import Voice
from courtyard.agent.vision.votes import Door, Policy, Stance, Votes, Why
from courtyard.config.lifts import SHIPPED, Lift, Polygon, Vision
from courtyard.drivers.base import Fault, Reading, Scalar, Text

MORE_TO_HOLD: Final = 0.1
"""By how much a score must be higher to hold the door than to warn, where the site does not say."""
MOST_AT: Final = 0.99
LIVE_S: Final = 2.0
FIRE: Final = "fire"
MINOR: Final = frozenset({"voice", "disk", "lessons"})
"""Parts without which a lift is watched all the same."""


class LiftState(msgspec.Struct, frozen=True):
    """How one lift stands, for people who look.  `threshold` is what a score must reach to warn;
    `since_ms` is since when `why` is so."""

    id: str
    name: str | None
    camera: str
    live: bool
    score: float
    threshold: float
    warn: bool
    hold: bool
    why: Why
    since_ms: int
    door: Door
    floor: Scalar | None
    blocked_by: tuple[str, ...]
    commissioned: bool
    shadow: bool
    model: str
    evidence: str
    fault: Fault | None
    learning: LearningState | None = None
    named: str = SHIPPED
    """What the site file says of its model."""


class Keeps(Protocol):
    """What is needed of `courtyard.agent.vision.process.VisionProcess`."""

    def keep(self, order: Keep) -> None: ...


class LiftPost:
    """Used from the event loop only; has an effect while `run` is running."""

    def __init__(self, lift: Lift, vision: Vision, ports: LiftPorts, folder: Path, worker: Keeps, wav: Path) -> None:
        """`folder` is where scores and calibrations are kept; `wav` the sound of its voice."""
        self.lift, self._vision, self._ports, self._worker = lift, vision, ports, worker
        self.learning = Learning(folder, lift.id, ports.recorder.clock.wall_ms)
        region = Region(_polygon(lift.floor_region), _polygon(lift.door_region))
        policy = policy_of(
            lift, vision, score=0.5, calibrated=False, shadow=True
        )  # until the model has said what it is
        self.guard = Guard(
            Guarded(lift.id, region, policy, lift.warn, lift.hold),
            ports.outputs,
            self._say,
            ports.recorder.clock,
            confirmed=self._confirmed,
            changed=self._changed,
        )
        self.contacts = Contacts(_wires(lift, ports.every_s))
        self._voice = Voice(wav, vision.sound_device, self._voice_failed) if lift.voice else None
        self._evidence, self._looked_s, self._is_shadow = "", float("-inf"), True
        self._since_ms = ports.recorder.clock.wall_ms()
        self._faults: dict[str, Fault] = {}
        self._is_pacing: bool | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.guard.run())
            if self._voice is not None:
                group.create_task(self._voice.run())

    # What the vision worker tells

    def ready(self, ready: Ready, *, shadow: bool) -> None:
        """A model is in use."""
        self._is_shadow = shadow
        self.learning.begin(ready.model, ready.score)
        self._follow()
        self.fault("model", None)

    def attach(self, frames: str) -> Attach:
        """The order to look at this lift's pictures."""
        return self.learning.attach(frames, self.guard.lift.region)

    def look_at_files(self) -> None:
        """Takes a calibration or a head that has changed; called every second."""
        changed = self.learning.changed()
        if changed:
            self._follow()
            self._ports.recorder.event("lift.learned", changed, device=self.lift.id)

    def gathered(self, gathered: Gathered) -> None:
        """How much there is to learn from."""
        self.learning.gathered(gathered)
        self.fault("lessons", _unkept(gathered.error) if gathered.error else None)

    def _follow(self) -> None:
        learnt = self.learning
        self.guard.follow(
            policy_of(
                self.lift,
                self._vision,
                score=learnt.threshold,
                calibrated=learnt.calibrated,
                shadow=self._is_shadow,
            )
        )

    def looked(self, looked: Looked) -> None:
        self._looked_s = asyncio.get_running_loop().time()
        if self.guard.look(looked.detections, model=self.learning.identity, stages=looked.stages):
            self.learning.looked(self.guard.score, looked.trial)
            self.learning.judged(self._looked_s, self.guard.score, looked.trial, self.guard.lift.policy)

    def still(self) -> None:
        self._looked_s = asyncio.get_running_loop().time()
        self.guard.still()

    def kept(self, kept: Kept) -> None:
        """Records where the pictures of an event are; the small one goes up with it, if there is one."""
        details: Details = {
            "alarm_id": f"{self.lift.id}:ebike:car",
            "evidence": kept.name,
            "picture": kept.picture,
            "clip": kept.clip,
            "pictures": kept.pictures,
        }
        if kept.error:
            details["error"] = kept.error
        if kept.small:
            details["jpeg"] = kept.small
        self._ports.recorder.event("lift.evidence", details, device=self.lift.id)

    # What the rest of the gateway tells

    def reading(self, reading: Reading) -> None:
        """A device with a contact of this lift says something."""
        self.contacts.take(reading, asyncio.get_running_loop().time())
        self.look_at_contacts()

    def look_at_contacts(self) -> None:
        """Brings blocks, door and pace in step with the contacts; called every second, too."""
        now_s = asyncio.get_running_loop().time()
        forbidding = self.contacts.forbids(now_s)
        for meaning in FORBIDDING:
            if meaning not in forbidding:
                self.guard.unblock(meaning)
            elif self.guard.blocks.get(meaning) != forbidding[meaning]:
                self.guard.block(meaning, forbidding[meaning])
        door = self.contacts.door(now_s)
        if door != self.guard.position:
            self.guard.door(door)
        is_closed = door == "closed"
        if is_closed != self._is_pacing:
            self._is_pacing = is_closed
            self._ports.pace(self.lift.camera, is_closed)

    def fire(self, alarm_id: str, *, burns: bool) -> None:
        """A fire alarm of a panel that this lift heeds."""
        if burns:
            self.guard.block(alarm_id, FIRE)
        else:
            self.guard.unblock(alarm_id)

    def fault(self, part: str, fault: Fault | None) -> None:
        """What keeps this lift from being watched; told as its health, and by an alarm."""
        if self._faults.get(part) == fault:
            return
        if fault is None:
            del self._faults[part]
        else:
            self._faults[part] = fault
        present = next(iter(self._faults.values()), None)
        self._ports.health(self.lift.id, present)
        watched = next((each for part, each in self._faults.items() if part not in MINOR), None)
        text = Text("The lift is watched.", "电梯已恢复监护。")
        if watched is not None:
            text = Text(f"{watched.what.en} {watched.cure.en}", f"{watched.what.zh}{watched.cure.zh}")
        details: Details = {"code": watched.code} if watched else {}
        now, active = self._ports.recorder.now(), watched is not None
        self._ports.say(Condition(self.lift.id, "vision_fault", "", 2, active, *now, text=text, details=details))

    def watched(self, seconds: float) -> None:
        """So much time has passed in which the lift was watched, if it was."""
        if asyncio.get_running_loop().time() - self._looked_s <= LIVE_S:
            self.learning.watched(seconds)

    def save(self) -> None:
        """Keeps the scores; blocks for a write.  Raises OSError."""
        self.learning.save()

    def state(self) -> LiftState:
        guard, policy, stance = self.guard, self.guard.lift.policy, self.guard.stance
        return LiftState(
            self.lift.id,
            self.lift.name,
            self.lift.camera,
            asyncio.get_running_loop().time() - self._looked_s <= LIVE_S,
            guard.score,
            policy.warn_at,
            stance.warn,
            stance.hold,
            stance.why,
            self._since_ms,
            guard.position,
            self.contacts.floor(),
            tuple(guard.blocks.values()),
            policy.commissioned,
            policy.shadow,
            self.learning.identity,
            self._evidence,
            next(iter(self._faults.values()), None),
            self.learning.state(),
            self._vision.model,
        )

    # What the guard tells

    def _say(self, condition: Condition) -> None:
        more: Details = {"lift": self.lift.id, "floor": self.contacts.floor()}
        if condition.active:
            more["evidence"] = self._keep()
        self._ports.say(msgspec.structs.replace(condition, details={**condition.details, **more}))

    def _changed(self, before: Stance, after: Stance) -> None:
        self._since_ms = self._ports.recorder.clock.wall_ms()
        if self._voice is not None:
            self._voice.want(after.warn)
        if after.why == "shadow":
            self._keep()
        details: Details = {**self.guard.seen.details(), **after._asdict(), "before": before.why}
        if after.warn or after.why == "shadow":
            details["evidence"] = self._evidence
        else:
            self._evidence = ""
        self._ports.recorder.event("lift.stance", details, device=self.lift.id)

    def _confirmed(self, took_s: float) -> None:
        details: Details = {**self.guard.seen.details(), "command_ms": round(1000 * took_s, 1)}
        self._ports.recorder.event("lift.door_held", details, device=self.lift.id)

    def _keep(self) -> str:
        """Has pictures kept of this occasion, once; their name."""
        if self._vision.pictures != "none" and not self._evidence:
            at = instant(self._ports.recorder.clock.wall_ms()).replace("-", "").replace(":", "")
            self._evidence = f"{at[:15]}Z-{self.lift.id}"
            small = self._vision.pictures == "platform" and not self.guard.lift.policy.shadow
            self._worker.keep(Keep(self.lift.id, self._evidence, asyncio.get_running_loop().time(), small))
        return self._evidence

    def _voice_failed(self, fault: Fault | None) -> None:
        self.fault("voice", fault)


def _unkept(reason: str) -> Fault:
    return Fault(
        "vision.lessons",
        Text(
            f"What the lift's own head could learn from cannot be kept: {reason}.",
            f"无法保存本梯重新训练所需的样本：{reason}。",
        ),
        Text("See `courtyard doctor` for the disk.", "请运行 courtyard doctor 检查磁盘。"),
    )


def policy_of(lift: Lift, vision: Vision, *, score: float, calibrated: bool, shadow: bool) -> Policy:
    """How this lift votes; `score` is the threshold where the site does not say one, `calibrated` whether it has been
    measured in this lift."""
    warn_at = score if lift.warn_at is None else lift.warn_at
    return Policy(
        warn_at=warn_at,
        hold_at=min(MOST_AT, warn_at + MORE_TO_HOLD) if lift.hold_at is None else lift.hold_at,
        warn_votes=_votes(vision.warn),
        hold_votes=_votes(vision.hold),
        clear_s=vision.clear_s,
        cap_s=lift.cap_s,
        cool_down_s=vision.cool_down_s,
        commissioned=lift.commissioned is not None,
        calibrated=calibrated,
        shadow=shadow or vision.shadow,
    )


def _votes(text: str) -> Votes:
    needed, _, of = text.partition("/")
    return Votes(int(needed), int(of))


def _polygon(corners: Polygon) -> tuple[tuple[float, float], ...]:
    return tuple((corner[0], corner[1]) for corner in corners)


def _wires(lift: Lift, every_s: Callable[[str], float | None]) -> Mapping[str, Wire]:
    wires: dict[str, Wire] = {}
    for meaning in (*FORBIDDING, DOOR):
        contact = getattr(lift, meaning)
        if contact is not None:
            wires[meaning] = Wire(contact.device, contact.point, contact.active, every_s(contact.device) or 60.0)
    if lift.level is not None:
        wires[LEVEL] = Wire(lift.level.device, lift.level.point)
    return wires
