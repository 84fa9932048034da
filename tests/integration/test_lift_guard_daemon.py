"""A whole gateway that watches a lift: real streams, a real model, real relays; then it is killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon_rig import Box, box
from tests.lift_rig import BOARD, DOOR, LAMP, Car, calibrate, camera, lift_site

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "relays", "model": "relay-board", "line": "hall", "address": 10}]


@contextmanager
def hall(folder: Path, **options: Any) -> Iterator[tuple[Box, Car]]:
    car = Car()
    with box(folder, LINES, DEVICES) as made, camera(car) as address:
        made.write_site(made.line("hall"), lift_site(folder, address, **options))
        calibrate(folder, made.data)
        made.start()
        yield made, car


def relays(made: Box) -> set[int]:
    return {int(address) for address in made.simulator("held")["relays"]}


def stances(made: Box) -> list[str]:
    return [record["details"]["why"] for record in made.platform.records["event"] if record["event"] == "lift.stance"]


def events(made: Box, name: str) -> list[dict[str, Any]]:
    return [record for record in made.platform.records["event"] if record["event"] == name]


def test_an_ebike_is_told_the_door_held_and_fire_and_death_let_it_go(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, car):
        made.wait(lambda: "quiet" in stances(made))
        car.ebike = True
        made.wait(lambda: relays(made) == {LAMP, DOOR})
        made.wait(lambda: bool(events(made, "lift.door_held")) and bool(made.alarms("ebike")))
        (alarm,) = made.alarms("ebike")
        assert alarm["place"].endswith("/b01/x-lift1")
        assert (alarm["device"], alarm["severity"], alarm["state"]) == ("lift-1", 1, "raised")
        details = alarm["details"]
        assert details["score"] > 0.5
        assert len(details["model"]) == 64
        assert {"capture_ms", "decode_ms", "queue_ms", "inference_ms", "vote_ms"} <= details.keys()
        assert events(made, "lift.door_held")[0]["details"]["command_ms"] > 0

        (state,) = made.status()["lifts"]
        assert (state["id"], state["why"], state["hold"], state["threshold"]) == ("lift-1", "held", True, 0.5)
        assert "the door is held" in made.run("status", "--lang", "en", "--socket", str(made.socket)).stdout

        made.simulator("device relays input 0 on")
        made.wait(lambda: relays(made) == {LAMP})
        made.wait(lambda: stances(made)[-1] == "blocked")
        made.simulator("device relays input 0 off")
        made.wait(lambda: relays(made) == {LAMP, DOOR})

        made.wait(lambda: bool(events(made, "lift.evidence")))
        kept = events(made, "lift.evidence")[0]["details"]
        assert kept["evidence"] == details["evidence"]
        pictures = made.data / "vision" / "pictures"
        assert (pictures / kept["picture"]).stat().st_size > 0
        assert (pictures / kept["clip"]).read_bytes()[:4] == b"RIFF"

        made.end(signal.SIGKILL)
        assert relays(made) == {LAMP, DOOR}, "a plain relay keeps what it was told: the next start lets go"
        car.ebike = False
        made.start()
        made.wait(lambda: relays(made) == set())
        made.wait(lambda: stances(made)[-1] == "quiet")
        made.wait(lambda: made.alarms("ebike")[-1]["state"] == "returned")
        assert made.end() == 0


def test_a_lift_that_is_not_commissioned_warns_and_a_lost_picture_ends_the_warning(tmp_path: Path) -> None:
    with hall(tmp_path, commissioned=False, vision='pictures = "none"\n') as (made, car):
        made.wait(lambda: "quiet" in stances(made))
        car.ebike = True
        made.wait(lambda: "not_commissioned" in stances(made))
        made.wait(lambda: relays(made) == {LAMP})
        car.fault("freeze")
        made.wait(lambda: relays(made) == set())
        made.wait(lambda: stances(made)[-1] == "picture_lost")
        (alarm,) = made.alarms("ebike")
        assert alarm["state"] == "raised", "a lost picture is no evidence that the e-bike has gone"
        assert not (made.data / "vision" / "pictures").exists()
        car.heal()
        made.wait(lambda: relays(made) == {LAMP})
        assert made.end() == 0
        assert relays(made) == set()


def test_an_own_model_acts_only_when_it_is_activated_and_a_site_without_lifts_lets_go(tmp_path: Path) -> None:
    car = Car()
    with box(tmp_path, LINES, DEVICES) as made, camera(car) as address:
        parts = made.line("hall"), lift_site(tmp_path, address, activated=False)
        made.write_site(*parts)
        calibrate(tmp_path, made.data)
        made.start()
        made.wait(lambda: "quiet" in stances(made))
        car.ebike = True
        made.wait(lambda: stances(made)[-1] == "shadow")
        assert relays(made) == set()
        assert not made.alarms("ebike")

        made.write_site(made.line("hall"), lift_site(tmp_path, address))
        reload(made)
        made.wait(lambda: relays(made) == {LAMP, DOOR})
        made.write_site(made.line("hall"), BOARD)
        reload(made)
        made.wait(lambda: relays(made) == set())
        assert made.end() == 0


def test_a_model_is_activated_and_taken_back_by_its_hash_while_the_gateway_runs(tmp_path: Path) -> None:
    car = Car()
    with box(tmp_path, LINES, DEVICES) as made, camera(car) as address:
        made.write_site(made.line("hall"), lift_site(tmp_path, address, activated=False))
        calibrate(tmp_path, made.data)
        made.start()
        made.wait(lambda: "quiet" in stances(made))
        car.ebike = True
        made.wait(lambda: stances(made)[-1] == "shadow")
        (state,) = made.status()["lifts"]
        learning = state["learning"]
        assert (state["named"], learning["model_since_ms"] > 0) == ("red.toml", True)
        assert learning["compared"]["alarms"] == 1

        model = learning["model"][:12]
        where = "--site", str(made.site_file), "--data", str(made.data), "--lang", "en"
        done = made.run("vision", "activate", model, *where)
        assert done.returncode == 0, done.stderr
        made.wait(lambda: relays(made) == {LAMP, DOOR})
        assert f"red.toml {model}: acts" in made.run("vision", "models", *where).stdout

        done = made.run("vision", "rollback", model, *where)
        assert done.returncode == 0, done.stderr
        made.wait(lambda: relays(made) == set())
        until_s = time.monotonic() + 30
        while made.status()["lifts"][0]["learning"]["model"][:12] in ("", model):
            assert time.monotonic() < until_s
            time.sleep(0.5)
        assert made.status()["lifts"][0]["named"] == "shipped"
        assert made.end() == 0


def reload(made: Box) -> None:
    assert made.agent is not None
    made.agent.send_signal(signal.SIGHUP)
