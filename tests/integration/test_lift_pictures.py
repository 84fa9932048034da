"""What leaves the box of a watched lift, and what never does: pictures as the site allows, no password.  And what a
closed door spares."""

from __future__ import annotations

import base64
import json
import re
import tarfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import cv2
import numpy as np
import psutil

from hw_sim.ports import free_port
from tests.daemon_rig import Box, box
from tests.lift_rig import Car, calibrate, camera, lift_site
from tests.vision_rig import PEOPLE

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "relays", "model": "relay-board", "line": "hall", "address": 10}]
PASSWORD = "Zx9+kept/quiet@lift%"


@contextmanager
def hall(folder: Path, more: str = "", **options: Any) -> Iterator[tuple[Box, Car]]:
    car = Car()
    password = {"password": options.pop("password")} if "password" in options else {}
    with box(folder, LINES, DEVICES) as made, camera(car, **password) as address:
        made.write_site(made.line("hall"), lift_site(folder, address, **password, **options), more)
        calibrate(folder, made.data)
        made.start()
        made.wait(lambda: "quiet" in stances(made))
        yield made, car


def stances(made: Box) -> list[str]:
    return [each["details"]["why"] for each in events(made, "lift.stance")]


def events(made: Box, name: str) -> list[dict[str, Any]]:
    return [record for record in made.platform.records["event"] if record["event"] == name]


def soon(condition: Callable[[], bool], within_s: float = 100.0) -> None:
    """Waits for what no record tells of."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.2)


def pictures_a_second(made: Box) -> float:
    """Decoded of the camera's stream."""

    def count() -> int:
        (of_cameras,) = (each["cam"] for each in made.status()["counters"].values() if "cam" in each)
        return int(of_cameras.get("pictures", 0))

    before, began_s = count(), time.monotonic()
    time.sleep(4.0)
    return (count() - before) / (time.monotonic() - began_s)


def test_a_small_picture_goes_up_only_where_the_site_says_so_and_shows_no_face(tmp_path: Path) -> None:
    with hall(tmp_path, vision='pictures = "platform"\n') as (made, car):
        car.ebike = True
        made.wait(lambda: bool(events(made, "lift.evidence")))
        details = events(made, "lift.evidence")[0]["details"]
        content = base64.b64decode(details["jpeg"])
        assert len(content) <= 24_000
        kept = made.data / "vision" / "pictures" / details["picture"]
        for each, wide in ((content, 320), (kept.read_bytes(), 640)):
            picture = cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR)
            height, width = picture.shape[:2]
            assert width == wide
            # this model knows no people: all but the lower half of the e-bike's box, in the middle, is hidden
            above = picture[: height // 4, : width // 3 - 8]
            shown = picture[height // 2 + 8 : height * 3 // 4 - 8, width * 3 // 8 + 8 : width * 5 // 8 - 8]
            # something of one colour may pass in front of most of what is shown
            assert np.median(fine(above)) < fine(shown).max() / 4


def test_with_a_model_that_knows_people_heads_are_hidden_and_the_rest_is_sent(tmp_path: Path) -> None:
    with hall(tmp_path, vision='pictures = "platform"\n', classes=PEOPLE) as (made, car):
        car.ebike = True
        made.wait(lambda: bool(events(made, "lift.evidence")))
        details = events(made, "lift.evidence")[0]["details"]
        kept = made.data / "vision" / "pictures" / details["picture"]
        for each in (base64.b64decode(details["jpeg"]), kept.read_bytes()):
            picture = cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR)
            height, width = picture.shape[:2]
            # the person's box is 3/8 to 5/8 of the width and 2/36 to 34/36 of the height: its upper third is the head;
            # a block of JPEG at its edge shows something of what is beside it
            rows = picture[height * 4 // 36 : height * 9 // 36]
            head, beside = rows[:, width * 3 // 8 + 8 : width * 5 // 8 - 8], rows[:, : width // 3]
            assert np.median(fine(head)) < np.median(fine(beside)) / 4


def fine(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How much neighbours differ in each row.  Nearly nothing inside a mosaic, but where JPEG has blurred the edge
    between two of its patches."""
    return np.asarray(np.abs(np.diff(picture.astype(float), axis=1)).mean((1, 2)))


def test_without_that_a_reference_goes_up_and_no_picture(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, car):
        car.ebike = True
        made.wait(lambda: bool(events(made, "lift.evidence")))
        details = events(made, "lift.evidence")[0]["details"]
        assert details["picture"].endswith(".jpg")
        assert "jpeg" not in details
        assert not re.search(r'"[A-Za-z0-9+/]{2000,}', json.dumps(made.platform.records)), "no picture in disguise"


def test_key_frames_are_enough_while_the_door_is_closed_and_only_then(tmp_path: Path) -> None:
    with hall(tmp_path) as (made, _):
        soon(lambda: pictures_a_second(made) > 15)
        made.simulator("device relays input 1 on")
        soon(lambda: pictures_a_second(made) < 2)
        assert stances(made)[-1] == "quiet", "the picture is as live as a closed door needs"
        made.simulator("device relays input 1 off")
        soon(lambda: pictures_a_second(made) > 15)
        assert not made.alarms("camera_silent") or made.alarms("camera_silent")[-1]["state"] != "raised"


def test_the_password_of_a_camera_is_nowhere_but_in_its_file(tmp_path: Path) -> None:
    port = free_port()
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\ntls = false\n'
    with hall(tmp_path, web, password=PASSWORD, vision='pictures = "platform"\n') as (made, car):
        car.ebike = True
        made.wait(lambda: bool(events(made, "lift.evidence")))
        assert made.agent is not None
        agent = psutil.Process(made.agent.pid)
        processes = [agent, *agent.children(recursive=True)]
        assert len(processes) > 2, "with those that watch and look"
        seen = [" ".join([*each.cmdline(), *each.environ().values()]) for each in processes]
        car.fault("password")
        soon(lambda: "does not accept the login" in json.dumps(made.status()))
        bundle = tmp_path / "bundle"
        command = ("support-bundle", "--output", str(bundle), "--site", str(made.site_file), "--data", str(made.data))
        made_bundle = made.run(*command)
        assert made_bundle.returncode == 0, made_bundle.stderr
        seen += [pages(made, port), json.dumps(made.status()), made.run("status", "--socket", str(made.socket)).stdout]
        made.end()
        seen += [json.dumps(made.platform.records), made.log.read_text(errors="replace")]
        files = [bundle, *(each for each in made.data.rglob("*") if each.is_file())]
        assert len(files) > 5
        assert "password_file" in unpacked(bundle), "it was really looked into"
        seen += [unpacked(each) for each in files]
    hidden = [PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD)]
    hidden += [base64.b64encode(each.encode()).decode().rstrip("=") for each in (PASSWORD, f"gateway:{PASSWORD}")]
    for text in seen:
        for each in hidden:
            assert each not in text, text[max(0, text.find(each) - 200) :][:400]


def pages(made: Box, port: int) -> str:
    """What the page and its API show to an administrator."""
    name, code = (made.data / "accounts/first-password.txt").read_text().split()

    def ask(path: str, cookie: str = "", form: dict[str, str] | None = None) -> tuple[str, str]:
        body = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Cookie": cookie} if cookie else {})
        opener = urllib.request.build_opener(Stay)
        try:
            with opener.open(request, timeout=100) as answer:
                return answer.read().decode(errors="replace"), answer.headers.get("Set-Cookie", "")
        except urllib.error.HTTPError as error:
            return error.read().decode(errors="replace"), error.headers.get("Set-Cookie") or ""

    form = {"name": name, "code": code, "password": "a good long password"}
    cookie = ask("/login", form=form)[1].split(";")[0]
    assert cookie
    shown = [ask(path, cookie)[0] for path in ("/cameras", "/site", "/system", "/devices", "/log", "/api/v1/devices")]
    assert "lift-1" in shown[0]
    assert "password_file" in shown[1]
    return "\n".join(shown)


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


def unpacked(file: Path) -> str:
    """A file as text, with what is packed in it."""
    content = file.read_bytes()
    parts = [content]
    if content[:2] == b"PK":
        with zipfile.ZipFile(file) as pack:
            parts += [pack.read(name) for name in pack.namelist()]
    if content[:2] == b"\x1f\x8b":
        with tarfile.open(file) as pack:
            parts += [taken.read() for each in pack if (taken := pack.extractfile(each)) is not None]
    return "\n".join(part.decode("latin-1") for part in parts)
