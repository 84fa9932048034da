"""A whole gateway with a camera: its site file, its alarms at the platform, its relay as an output, its secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hw_sim.control import Client
from tests.daemon_rig import Box, box

CAMERA = """
[[cameras]]
id = "cam-lift1"
address = "{address}"
username = "gateway"
password_file = "password"
place = "b03/x-lift1"
relays = ["relay_0"]
silence = "5s"

[[outputs]]
name = "door"
device = "cam-lift1"
target = "relay_0"
cap = "60s"
"""
PASSWORD = "s3cret-lift-password"


def test_a_camera_of_the_site(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "hw_sim",
        "camera",
        "--control",
        str(tmp_path / "cam.sock"),
        "--password",
        PASSWORD,
    ]
    with (
        box(tmp_path, [], []) as made,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            camera = Client(tmp_path / "cam.sock")
            try:
                _watch(made, camera, ready["device"])
            finally:
                camera.close()
        finally:
            process.terminate()


def _watch(made: Box, camera: Client, address: str) -> None:
    (made.folder / "password").write_text(PASSWORD)
    (made.folder / "password").chmod(0o600)
    made.write_site(CAMERA.format(address=address))
    made.start()
    made.wait(lambda: any(record.get("details", {}).get("kind") == "motion" for record in _events(made)))
    camera("tamper on")
    made.wait(lambda: bool(made.alarms("tamper")))
    (tamper,) = made.alarms("tamper")
    assert tamper["place"].endswith("/b03/x-lift1")
    assert (tamper["device"], tamper["severity"]) == ("cam-lift1", 2)
    assert camera("relays")["relay_0"] == "inactive"
    camera("fault freeze")
    made.wait(lambda: any(record["change"] == 1 for record in made.alarms("camera_silent")))
    camera("heal")
    made.wait(lambda: len({record["change"] for record in made.alarms("camera_silent")}) >= 2)
    assert made.end() == 0
    assert camera("subscriptions") == 0, "the slot was given back"
    kept = made.log.read_text(errors="replace") + json.dumps(made.platform.records)
    assert PASSWORD not in kept


def _events(made: Box) -> list[dict[str, Any]]:
    return list(made.platform.records["event"])
