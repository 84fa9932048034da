"""Whatever says that it burns lets a lift's door go and keeps it so: each contact of the lift, and the building's
detectors, also after the gateway was killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon_rig import Box, box, device
from tests.lift_rig import DOOR, LAMP, Car, calibrate, camera, lift_site

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [
    {"id": "relays", "model": "relay-board", "line": "hall", "address": 10},
    {"id": "duct", "model": "ug-3", "line": "hall", "address": 1},
]
DUCT = device("duct", "fire/calectro-ug-3", "hall", 1)
CONTACTS = (
    'fire = { device = "relays", point = "input.3" }\n'
    'firefighter = { device = "relays", point = "input.4", active = false }\ncap = "10m"\n'
)
SIGNS = (
    ("fire_return", "relays input 0 on", "relays input 0 off"),
    ("fire", "relays input 2 on", "relays input 2 off"),
    ("firefighter", "relays input 3 off", "relays input 3 on"),
    ("fire", "duct smoke", "duct reset"),
)
"""What the lift calls it, how it begins in the simulator, and how it ends."""
WAIT_S = 100.0


@contextmanager
def hall(folder: Path) -> Iterator[Box]:
    car = Car()
    with box(folder, LINES, DEVICES) as made, camera(car) as address:
        made.simulator("device relays input 3 on")
        made.write_site(made.line("hall"), DUCT, lift_site(folder, address, lift=CONTACTS))
        calibrate(folder, made.data)
        made.start()
        made.wait(lambda: "quiet" in [each["why"] for each in details(made, "lift.stance")])
        car.ebike = True
        wait_held(made, 1)
        yield made


def wait_held(made: Box, times: int) -> None:
    """Until the door is held for the so-manieth time, and that is told."""
    made.wait(lambda: relays(made) == {LAMP, DOOR} and len(details(made, "lift.door_held")) == times)


def relays(made: Box) -> set[int]:
    return {int(address) for address in made.simulator("held")["relays"]}


def details(made: Box, name: str) -> list[dict[str, Any]]:
    return [record["details"] for record in made.platform.records["event"] if record["event"] == name]


def lift(made: Box) -> dict[str, Any]:
    """How it stands."""
    lifts = made.status().get("lifts") or [{}]
    return dict(lifts[0])


def soon(condition: Callable[[], bool]) -> None:
    """Waits for what no record tells of."""
    until_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.2)


def test_every_sign_of_fire_lets_the_door_go_and_forbids_to_hold_it(tmp_path: Path) -> None:
    with hall(tmp_path) as made:
        for times, (reason, begins, ends) in enumerate(SIGNS, 1):
            made.simulator(f"device {begins}")
            made.wait(lambda: relays(made) == {LAMP})
            made.wait(lambda: details(made, "lift.stance")[-1]["why"] == "blocked")
            now = lift(made)
            assert (now["why"], now["hold"], now["blocked_by"]) == ("blocked", False, [reason]), begins
            assert len(details(made, "lift.door_held")) == times
            made.simulator(f"device {ends}")
            wait_held(made, times + 1)
        assert made.alarms("smoke")[0]["device"] == "duct"
        assert made.end() == 0
        assert relays(made) == set()


def test_a_drill_is_no_fire_to_a_lift(tmp_path: Path) -> None:
    with hall(tmp_path) as made:
        made.run("drill", "duct", "--class", "smoke", "--full", "--wait", "1", "--socket", str(made.socket))
        made.wait(lambda: [alarm["action"] for alarm in made.alarms("smoke")] == ["raise", "clear"])
        assert all(alarm["test"] for alarm in made.alarms("smoke"))
        assert relays(made) == {LAMP, DOOR}
        assert (lift(made)["why"], lift(made)["hold"]) == ("held", True)
        assert len(details(made, "lift.door_held")) == 1
        made.simulator("device duct smoke")
        made.wait(lambda: relays(made) == {LAMP})


def test_a_fire_from_before_a_restart_forbids_though_its_detector_is_gone(tmp_path: Path) -> None:
    with hall(tmp_path) as made:
        made.simulator("device duct smoke")
        made.wait(lambda: relays(made) == {LAMP})
        made.simulator("fault duct dead")
        made.wait(lambda: bool(made.alarms("detector_silent")))
        before = len(details(made, "lift.stance"))
        made.end(signal.SIGKILL)
        made.start()
        made.wait(lambda: "blocked" in [each["why"] for each in details(made, "lift.stance")[before:]])
        soon(lambda: lift(made).get("blocked_by") == ["fire"])
        made.wait(lambda: relays(made) == {LAMP})
        assert len(details(made, "lift.door_held")) == 1
        assert lift(made)["why"] == "blocked", "the e-bike is still there, and the contacts are quiet"
