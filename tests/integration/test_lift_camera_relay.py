"""A lift's door held by a relay of the camera that looks into it: it lets go by itself when nobody repeats the wish."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon_rig import Box, box
from tests.lift_rig import BY_CAMERA, LAMP, Car, calibrate, camera, lift_site

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "relays", "model": "relay-board", "line": "hall", "address": 10}]
SWITCH = "SetRelayOutputState"
FALLS_BACK_S, SPARE_S = 3.0, 10.0


@contextmanager
def hall(folder: Path) -> Iterator[tuple[Box, Car]]:
    car = Car()
    with box(folder, LINES, DEVICES) as made, camera(car, falls_back_s=FALLS_BACK_S) as address:
        site = lift_site(folder, address, outputs=BY_CAMERA, camera='relays = ["relay_0"]\n')
        made.write_site(made.line("hall"), site)
        calibrate(folder, made.data)
        made.start()
        made.wait(lambda: "quiet" in stances(made))
        yield made, car


def held(car: Car) -> bool:
    return car.relays["relay_0"] == "active"


def stances(made: Box) -> list[str]:
    return [record["details"]["why"] for record in made.platform.records["event"] if record["event"] == "lift.stance"]


def test_the_door_is_held_by_repeating_and_let_go_when_the_ebike_has_gone_or_there_is_a_fire(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, car):
        assert not held(car)
        car.ebike = True
        made.wait(lambda: held(car))
        asked = car.calls.count(SWITCH)
        made.wait(lambda: car.calls.count(SWITCH) >= asked + 10)
        assert held(car), "for longer than the relay holds by itself"
        made.simulator("device relays input 0 on")
        made.wait(lambda: not held(car))
        made.wait(lambda: stances(made)[-1] == "blocked")
        made.simulator("device relays input 0 off")
        made.wait(lambda: held(car))
        car.ebike = False
        made.wait(lambda: not held(car))
        asked = car.calls.count(SWITCH)
        made.wait(lambda: stances(made)[-1] == "quiet")
        assert car.calls.count(SWITCH) == asked, "nothing is repeated of what is over"
        assert made.end() == 0
        assert "relay_1" in car.relays
        assert car.relays["relay_1"] == "inactive"


def test_a_gateway_that_is_killed_lets_the_door_go(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, car):
        car.ebike = True
        made.wait(lambda: held(car))
        made.end(signal.SIGKILL)
        asked, until_s = car.calls.count(SWITCH), time.monotonic() + FALLS_BACK_S + SPARE_S
        while held(car):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        assert car.calls.count(SWITCH) == asked, "no gateway did that"


def test_a_camera_that_answers_no_more_does_not_hold_the_door(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, car):
        car.ebike = True
        made.wait(lambda: held(car))
        car.fault("hang")
        made.wait(lambda: not held(car))
        made.wait(lambda: stances(made)[-1] == "picture_lost")
        made.wait(lambda: bool(made.alarms("output_fault")))
        made.wait(lambda: int(made.simulator("held")["relays"].get(str(LAMP), 0)) == 0)
        car.heal()
        made.wait(lambda: held(car))
        made.wait(lambda: made.alarms("output_fault")[-1]["state"] == "returned")
        assert made.end() == 0
        assert not held(car)
