"""One lift on a virtual clock: contacts and fires forbid, a closed door slows the camera, shadow only notes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from courtyard.agent.condition import Condition
from courtyard.agent.lift_post import LiftPost, policy_of
from courtyard.agent.lift_watch import OVERLOADED, heeds
from courtyard.agent.lifts import LiftPorts
from courtyard.agent.recorder import Recorder
from courtyard.agent.vision.messages import Keep, Kept, Looked, Ready, Stages
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.scores import Calibration, Scores, calibrate, calibration_file, read_scores, write
from courtyard.agent.vision.tracker import Detection
from courtyard.config.lifts import Lift, Vision
from courtyard.drivers.base import Fault, Reading
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import VirtualClock, elapse, settle, virtual

LIFT: dict[str, object] = {
    "id": "lift-1",
    "camera": "cam",
    "hold": "door",
    "warn": ["lamp"],
    "fire": {"device": "io", "point": "input.1"},
    "door_closed": {"device": "io", "point": "input.2"},
    "level": {"device": "io", "point": "lift.floor"},
    "commissioned": {"maintainer": "Lift Service, Wang", "date": "2026-11-20"},
}
MODEL = Ready("5e88" * 16, 0.5, 28.0)
OTHER = Ready("0ther", 0.5, 28.0)
EBIKE = Detection("ebike", 0.9, Box(0.3, 0.3, 0.7, 0.9))
STAGES = Stages(10.0, 2.0, 40.0, 28.0)


class Rig:
    """A lift, and everything that it does to the rest of the gateway."""

    def __init__(self, folder: Path, **vision: object) -> None:
        self.held: set[str] = set()
        self.said: list[Condition] = []
        self.faults: list[Fault | None] = []
        self.paces: list[bool] = []
        self.keeps: list[Keep] = []
        self.journal = FakeJournal()
        lift, settings = msgspec.convert(LIFT, Lift), msgspec.convert(vision, Vision)
        recorder = Recorder(self.journal, VirtualClock(), lambda _: "here")
        ports = LiftPorts(
            self,
            recorder,
            self.said.append,
            lambda _, fault: self.faults.append(fault),
            lambda _, slow: self.paces.append(slow),
            lambda _: 1.0,
        )
        self.post = LiftPost(lift, settings, ports, folder, self, folder / "none.wav")

    async def hold(self, output: str, holder: str, ttl_s: float) -> None:
        assert holder == "vision:lift-1"
        self.held.add(output)

    def drop(self, output: str, holder: str) -> int:
        self.held.discard(output)
        return 1

    def keep(self, order: Keep) -> None:
        self.keeps.append(order)

    def says(self, *, fire: bool | None = False, closed: bool = False) -> None:
        quality = {"input.1": "bad:comm"} if fire is None else {}
        self.post.reading(Reading("io", 0, 0, {"input.1": fire, "input.2": closed, "lift.floor": 7}, quality))

    async def watch(self, seconds: float, *seen: Detection) -> None:
        for number in range(round(seconds / 0.2)):
            if number % 5 == 0:
                self.post.look_at_contacts()
            self.post.looked(Looked("lift-1", number, 0.0, seen, STAGES))
            await elapse(0.2)

    def events(self, name: str) -> list[dict[str, Any]]:
        bodies = [json.loads(body) for lane, _, body in self.journal.committed if lane == "event"]
        return [body["details"] for body in bodies if body["event"] == name]


def play(
    folder: Path,
    work: Callable[[Rig], Awaitable[None]],
    *,
    shadow: bool = False,
    calibrated: bool = True,
    **vision: object,
) -> None:
    if calibrated:
        write(
            calibration_file(folder, "lift-1", MODEL.model), Calibration("lift-1", MODEL.model, 0.5, 0.4, 9, 9, 0, 1, 1)
        )

    async def main() -> None:
        rig = Rig(folder, **vision)
        running = asyncio.create_task(rig.post.run())
        rig.post.ready(MODEL, shadow=shadow)
        await settle()
        await work(rig)
        running.cancel()
        await asyncio.wait([running])
        assert not rig.held

    virtual(main)


def test_a_door_is_held_only_while_the_fire_contact_is_known_to_be_quiet(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        await rig.watch(2, EBIKE)
        assert rig.held == {"lamp"}
        assert rig.post.state().blocked_by == ("unknown",)
        rig.says()
        await rig.watch(1, EBIKE)
        assert rig.held == {"lamp", "door"}
        for fire in (True, None):
            rig.says(fire=fire)
            await settle()
            assert rig.held == {"lamp"}
            rig.says()
            await rig.watch(1, EBIKE)
            assert rig.held == {"lamp", "door"}
        await rig.watch(12, EBIKE)
        assert rig.held == {"lamp"}, "nobody has read the contact for ten seconds"

    play(tmp_path, work)


def test_a_lift_that_is_not_calibrated_warns_and_holds_once_it_is(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.says()
        await rig.watch(2, EBIKE)
        assert (rig.held, rig.post.state().why) == ({"lamp"}, "not_calibrated")
        write(calibration_file(tmp_path, "lift-1", "other"), Calibration("lift-1", "other", 0.5, 0.4, 9, 9, 0, 1, 1))
        rig.post.look_at_files()
        await rig.watch(1, EBIKE)
        assert rig.held == {"lamp"}, "another model's calibration counts for nothing"
        own = Calibration("lift-1", MODEL.model, 0.5, 0.4, 9, 9, 0, 1, 1)
        write(calibration_file(tmp_path, "lift-1", MODEL.model), own)
        rig.post.look_at_files()
        await rig.watch(1, EBIKE)
        assert (rig.held, rig.post.state().why) == ({"lamp", "door"}, "held")

    play(tmp_path, work, calibrated=False)


def test_fire_of_a_panel_and_smoke_of_a_detector_are_heeded_where_the_lift_says_so() -> None:
    lift = msgspec.convert({**LIFT, "fire_alarms": ["fp-*", "smoke-loft"]}, Lift)
    assert heeds(lift, "fp-1", "fire")
    assert heeds(lift, "smoke-loft", "smoke")
    assert not heeds(lift, "smoke-gate", "smoke")
    assert not heeds(lift, "fp-1", "fault")


def test_a_fire_in_the_building_releases_and_forbids(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.says()
        await rig.watch(2, EBIKE)
        assert "door" in rig.held
        rig.post.fire("fp-1:fire:1-2", burns=True)
        await settle()
        assert rig.held == {"lamp"}
        assert rig.post.state().why == "blocked"
        rig.post.fire("fp-1:fire:1-2", burns=False)
        await rig.watch(1, EBIKE)
        assert "door" in rig.held

    play(tmp_path, work)


def test_a_closed_door_is_not_held_and_its_camera_needs_key_frames_only(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.says(closed=True)
        await rig.watch(2, EBIKE)
        assert rig.held == {"lamp"}
        await elapse(4.0)
        assert rig.held == {"lamp"}, "key frames are seconds apart"
        rig.says()
        await rig.watch(1, EBIKE)
        assert "door" in rig.held
        assert rig.paces == [True, False]

    play(tmp_path, work)


def test_the_alarm_says_which_lift_where_how_sure_and_how_fast(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.says()
        await rig.watch(2, EBIKE)
        raised = next(condition for condition in rig.said if condition.alarm_class == "ebike")
        assert (raised.device, raised.severity) == ("lift-1", 1)
        wanted = {"lift": "lift-1", "floor": 7, "track": 1, "score": 0.9, "model": MODEL.model, **STAGES._asdict()}
        assert wanted.items() <= raised.details.items()
        assert raised.details["vote_ms"] == 200.0
        (keep,) = rig.keeps
        assert keep.name == raised.details["evidence"]
        assert not keep.small
        assert rig.events("lift.door_held")[0]["command_ms"] >= 0
        rig.post.kept(Kept("lift-1", keep.name, f"{keep.name}.jpg", f"{keep.name}.avi", 50))
        await settle()
        assert rig.events("lift.evidence")[0]["clip"] == f"{keep.name}.avi"
        await rig.watch(4)
        assert not rig.held
        assert [each.active for each in rig.said if each.alarm_class == "ebike"] == [True, True, False]
        await rig.watch(1, EBIKE)
        assert len(rig.keeps) == 2, "the next e-bike has pictures of its own"

    play(tmp_path, work)


def test_shadow_only_notes_what_it_would_have_done(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.says()
        await rig.watch(3, EBIKE)
        assert not rig.held
        assert not [each for each in rig.said if each.alarm_class == "ebike"]
        assert rig.post.state().shadow
        assert [each["why"] for each in rig.events("lift.stance")][-1] == "shadow"
        assert len(rig.keeps) == 1

    play(tmp_path, work, shadow=True)


def test_a_blind_camera_sees_nothing(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.says()
        await rig.watch(2, EBIKE)
        rig.post.guard.blind("cam:picture_frozen:", blind=True)
        await rig.watch(2, EBIKE)
        assert not rig.held
        rig.post.guard.blind("cam:picture_frozen:", blind=False)
        await rig.watch(2, EBIKE)
        assert rig.held == {"lamp", "door"}

    play(tmp_path, work)


def test_a_lift_that_is_not_watched_is_an_alarm_with_the_cure(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.post.fault("load", OVERLOADED)
        rig.post.fault("load", OVERLOADED)
        rig.post.fault("load", None)
        told = [each for each in rig.said if each.alarm_class == "vision_fault"]
        assert [each.active for each in told] == [True, False]
        assert "workers" in told[0].text.zh
        assert rig.faults[-1] is None

    play(tmp_path, work)


def test_its_own_threshold_holds_for_the_model_that_it_was_made_with(tmp_path: Path) -> None:
    scores = Scores("lift-1", MODEL.model, 0)
    for number in range(1000):
        scores.add(0.7 if number < 10 else 0.1, number)
    write(calibration_file(tmp_path, "lift-1", MODEL.model), calibrate(scores, 1))

    async def work(rig: Rig) -> None:
        assert rig.post.state().threshold == 0.725
        rig.says()
        await rig.watch(2, EBIKE._replace(score=0.7))
        assert not rig.held
        rig.post.ready(OTHER, shadow=False)
        assert rig.post.state().threshold == 0.5
        await rig.watch(2, EBIKE._replace(score=0.7))
        rig.post.save()
        kept = read_scores(tmp_path, "lift-1")
        assert kept is not None
        assert (kept.model, kept.looks) == (OTHER.model, 10)

    play(tmp_path, work, calibrated=False)


def test_the_site_has_the_last_word_on_thresholds() -> None:
    lift = msgspec.convert({**LIFT, "warn_at": 0.4, "hold_at": 0.8}, Lift)
    policy = policy_of(lift, Vision(warn="1/2", hold="4/6"), score=0.5, calibrated=True, shadow=False)
    assert (policy.warn_at, policy.hold_at) == (0.4, 0.8)
    assert (policy.warn_votes.needed, policy.hold_votes.of) == (1, 6)
    assert policy.commissioned
