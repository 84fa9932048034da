"""Which pictures are looked at, on a clock of the test's own."""

from __future__ import annotations

from collections import Counter

import numpy as np

from courtyard.agent.vision.looking import RECHECK_S, Looking
from courtyard.agent.vision.messages import Looked, Still
from courtyard.agent.vision.model import Picture, Seen
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection
from courtyard.drivers.camera.frames import Frame, Glance

STEP_S = 0.02
EBIKE = Detection("ebike", 0.9, Box(0.3, 0.3, 0.7, 0.9))


class Camera:
    """Hands on pictures as a stream worker does: ten a second while something moves, else one."""

    def __init__(self) -> None:
        self.moving, self.dead = False, False
        self.frame: Frame | None = None

    def pass_time(self, now_s: float) -> None:
        every_s = 0.1 if self.moving else 1.0
        if not self.dead and (self.frame is None or now_s - self.frame.at_s >= every_s - 1e-9):
            number = 1 if self.frame is None else self.frame.number + 1
            pixels = np.zeros((4, 4, 3), np.uint8).tobytes()
            self.frame = Frame(number, now_s, 4, 4, 0.1 if self.moving else 0.0, pixels, 0.01, 0.002)

    def glance(self) -> Glance | None:
        return Glance(self.frame.number, self.frame.at_s, self.frame.moving) if self.frame else None

    def newest(self, after: int = 0) -> Frame | None:
        return self.frame if self.frame and self.frame.number > after else None


class Rig:
    """Cameras and a model that takes `look_s` of the clock."""

    def __init__(self, cameras: int, look_s: float = 0.028, load: float = 0.8) -> None:
        self.now_s = 0.0
        self.cameras = {f"lift-{number}": Camera() for number in range(cameras)}
        self.sees: tuple[Detection, ...] = ()
        self.looks: Counter[str] = Counter()
        self.stills: Counter[str] = Counter()
        self.last: Looked | None = None
        self.looking = Looking(self._look, look_s, load, lambda: self.now_s)
        self._look_s = look_s
        for name, camera in self.cameras.items():
            self.looking.attach(name, camera)

    def _look(self, picture: Picture) -> Seen:
        self.now_s += self._look_s
        return Seen(self.sees, 1000 * self._look_s)

    def pass_time(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            for camera in self.cameras.values():
                camera.pass_time(self.now_s)
            before_s = self.now_s
            for each in self.looking.turn():
                if isinstance(each, Still):
                    self.stills[each.lift] += 1
                else:
                    self.last = each[0]
                    self.looks[each[0].lift] += 1
            if self.now_s == before_s:
                self.now_s += STEP_S


def test_a_still_and_empty_lift_costs_one_look_in_ten_seconds() -> None:
    rig = Rig(1)
    rig.pass_time(60)
    assert 60 / RECHECK_S - 1 <= rig.looks["lift-0"] <= 60 / RECHECK_S + 1
    assert rig.stills["lift-0"] >= 50


def test_a_lift_that_moves_is_looked_at_five_times_a_second_and_three_do_not_disturb_each_other() -> None:
    rig = Rig(8)
    for name in ("lift-0", "lift-1", "lift-2"):
        rig.cameras[name].moving = True
    rig.pass_time(20)
    for name in ("lift-0", "lift-1", "lift-2"):
        assert 85 <= rig.looks[name] <= 101
    assert rig.last is not None
    assert (rig.last.stages.capture_ms, rig.last.stages.decode_ms) == (10.0, 2.0)
    assert 0 <= rig.last.stages.queue_ms < 150


def test_when_all_eight_move_each_gets_at_least_three_and_all_the_same() -> None:
    rig = Rig(8)
    for camera in rig.cameras.values():
        camera.moving = True
    rig.pass_time(20)
    assert min(rig.looks.values()) >= 2.9 * 20
    assert max(rig.looks.values()) - min(rig.looks.values()) <= 2
    assert not rig.looking.overloaded


def test_too_much_is_told() -> None:
    rig = Rig(8, look_s=0.1)
    for camera in rig.cameras.values():
        camera.moving = True
    rig.pass_time(5)
    assert rig.looking.overloaded


def test_what_was_seen_is_looked_at_again_although_nothing_moves_any_more() -> None:
    rig = Rig(1)
    rig.sees = (EBIKE,)
    rig.cameras["lift-0"].moving = True
    rig.pass_time(2)
    rig.cameras["lift-0"].moving = False
    before = rig.looks["lift-0"]
    rig.pass_time(20)
    assert rig.looks["lift-0"] - before >= 18


def test_a_dead_camera_gets_no_look_and_a_stale_picture_is_never_one() -> None:
    rig = Rig(1)
    rig.sees = (EBIKE,)
    rig.pass_time(1)
    rig.cameras["lift-0"].dead = True
    before = rig.looks["lift-0"]
    rig.pass_time(20)
    assert rig.looks["lift-0"] - before <= 1


def test_second_looks_are_the_first_to_go_when_there_is_much_to_see() -> None:
    rig = Rig(8)
    assert rig.looking.spare
    for camera in list(rig.cameras.values())[:3]:
        camera.moving = True
    rig.pass_time(5.0)
    assert rig.looking.spare
    for camera in rig.cameras.values():
        camera.moving = True
    rig.pass_time(5.0)
    assert not rig.looking.spare
    assert not rig.looking.overloaded
