"""A lift's door held by a relay of the camera that looks into it: it lets go by itself when nobody repeats the wish."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.daemon_rig import Box, box
from tests.lift_rig import BY_CAMERA, LAMP, Car, calibrate, camera, lift_site

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "relays", "model": "relay-board", "line": "hall", "address": 10}]
SWITCH = "SetRelayOutputState"
FALLS_BACK_S, SPARE_S = 3.0, 10.0
CAP_S = 5.0


@contextmanager
def hall(folder: Path, falls_back_s: float | None = FALLS_BACK_S, **options: Any) -> Iterator[tuple[Box, Car]]:
    car = Car()
    with box(folder, LINES, DEVICES) as made, camera(car, falls_back_s=falls_back_s) as address:
        said = {"outputs": BY_CAMERA, "camera": 'relays = ["relay_0"]\n', **options}
        site = lift_site(folder, address, **said)
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


def test_a_hold_ends_at_its_cap_and_the_door_rests_while_the_ebike_stays(tmp_path: Path) -> None:
    with hall(tmp_path, lift=f'cap = "{CAP_S:g}s"\n', vision='cool_down = "5s"\n') as (made, car):
        car.ebike = True
        made.wait(lambda: held(car))
        made.wait(lambda: "cap" in stances(made))
        made.wait(lambda: not held(car))
        asked = car.calls.count(SWITCH)
        assert CAP_S - 0.1 < seconds_between(made, "held", "cap") < CAP_S + SPARE_S
        assert made.alarms("ebike")[-1]["state"] == "raised"
        made.wait(lambda: stances(made)[-1] == "cooling")
        assert car.calls.count(SWITCH) == asked, "a door that rests is told nothing"
        made.wait(lambda: held(car))
        assert seconds_between(made, "cap", "held") > 4.9
        assert made.end() == 0
        assert not held(car)


def seconds_between(made: Box, before: str, after: str) -> float:
    """From the first stance for the one reason to the next for the other."""
    told = [each for each in made.platform.records["event"] if each["event"] == "lift.stance"]
    times = [(each["details"]["why"], datetime.fromisoformat(each["at"])) for each in told]
    began = next(at for why, at in times if why == before)
    return (next(at for why, at in times if why == after and at > began) - began).total_seconds()


def test_a_relay_that_does_not_fall_back_is_let_go_by_the_next_start(tmp_path: Path) -> None:
    outputs = BY_CAMERA.replace('repeat = "500ms"\n', "")
    with hall(tmp_path, falls_back_s=None, outputs=outputs) as (made, car):
        warned = made.run("check", str(made.site_file))
        assert "cam" in warned.stdout
        assert "repeat" in warned.stdout
        car.ebike = True
        made.wait(lambda: held(car))
        made.end(signal.SIGKILL)
        assert held(car), "it keeps what it was told: this is what was warned of"
        car.ebike = False
        made.start()
        made.wait(lambda: not held(car))
        assert made.end() == 0


def test_a_gateway_that_is_killed_lets_the_door_go_and_leaves_no_process(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, car):
        car.ebike = True
        made.wait(lambda: held(car))
        assert made.agent is not None
        processes = psutil.Process(made.agent.pid).children(recursive=True)
        assert len(processes) >= 2, "one decodes, one looks"
        made.end(signal.SIGKILL)
        asked, until_s = car.calls.count(SWITCH), time.monotonic() + FALLS_BACK_S + SPARE_S
        while held(car):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        assert car.calls.count(SWITCH) == asked, "no gateway did that"
        assert not psutil.wait_procs(processes, SPARE_S)[1]


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
