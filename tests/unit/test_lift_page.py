"""What the page shows of lifts: the detector's score and what follows, pictures and clips of alarms."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from courtyard.agent.lift_post import LiftState
from courtyard.agent.lift_words import DOOR, WHY
from courtyard.agent.page.evidence import EvidenceFiles
from courtyard.agent.page.pictures import watching
from courtyard.agent.page.views import alarmed
from courtyard.agent.vision.votes import Door, Why
from courtyard.agent.web.evidence import MOST_BYTES, Span, span
from courtyard.agent.web.watched import Piece
from courtyard.drivers.base import Fault, Text
from tests.gateway_rig import virtual
from tests.web_rig import EVIDENCE, Answer, Stage, alarm

STATE = LiftState(
    "lift-1",
    None,
    "cam",
    True,
    0.8249,
    0.5,
    True,
    False,
    "shadow",
    7,
    "open",
    3,
    ("fire",),
    False,
    True,
    "m",
    "e",
    None,
)


def get(path: str, **headers: str) -> Answer:
    return virtual(lambda: Stage().call("GET", path, headers, role="manager"))


def test_every_reason_and_every_state_of_a_door_has_words() -> None:
    assert set(WHY) == set(get_args(Why))
    assert set(DOOR) == set(get_args(Door))


def test_a_lift_is_told_as_it_stands() -> None:
    shown = watching(STATE)
    assert (shown.score, shown.threshold, shown.since_ms, shown.blocked_by) == (0.82, 0.5, 7, ("fire",))
    assert (shown.warn, shown.held, shown.shadow, shown.commissioned, shown.evidence) == (True, False, True, False, "e")
    assert shown.why.en == WHY["shadow"].en
    broken = watching(LiftState(**{**_fields(STATE), "fault": Fault("x", Text("what", "何"), Text("cure", "治"))}))
    assert broken.fault is not None
    assert broken.fault.zh == "何"


def _fields(state: LiftState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__struct_fields__}


def test_an_ebike_in_a_lift_is_seen_at_its_camera_in_drawings_and_lists() -> None:
    ebike = msgspec.structs.replace(alarm(1), device="lift-1", alarm_class="ebike")
    assert alarmed([ebike, alarm(2)], {"lift-1": "cam"}) == {"cam": "ebike", "wm-0009": "leak"}
    assert alarmed([msgspec.structs.replace(ebike, state="cleared")], {"lift-1": "cam"}) == {}


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("0.82", "the door is held", "held open by this box")), ("zh-CN", ("0.82", "正在保持开门", "警告阈值"))],
)
def test_the_cameras_page_shows_the_score_the_stance_and_the_picture(language: str, words: tuple[str, ...]) -> None:
    answer = get("/cameras", cookie=f"courtyard_language={language}")
    assert answer.status == 200
    assert all(each in answer.text for each in words)
    assert f"/evidence/{EVIDENCE}.jpg" in answer.text


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("bytes=5-2", None),
        ("items=0-1", None),
        ("bytes=-0", None),
        ("bytes=10-19", Span(10, 10)),
        ("bytes=-10", Span(-10, 10)),
        ("bytes=4-", Span(4, MOST_BYTES)),
        ("bytes=0-999999999999", Span(0, MOST_BYTES)),
        ("bytes=0-9999999999999999999", None),
    ],
)
def test_a_range_is_understood_and_bounded(header: str | None, asked: Span | None) -> None:
    assert span(header) == asked


def test_a_clip_is_answered_whole_in_part_or_not_at_all() -> None:
    path = f"/evidence/{EVIDENCE}.avi"
    whole = get(path)
    assert (whole.status, len(whole.body), whole.headers["content-type"]) == (200, 100, "video/x-msvideo")
    assert "no-store" in whole.headers["cache-control"]
    part = get(path, range="bytes=-10")
    assert (part.status, part.body, part.headers["content-range"]) == (206, bytes(range(90, 100)), "bytes 90-99/100")
    beyond = get(path, range="bytes=100-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */100")


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e%2fsite.toml", "x.jpg", f"{EVIDENCE}.png", f"{EVIDENCE}.jpg%00", "20261122T063001Z-lift.jpg"]
)
def test_nothing_else_is_handed_out(name: str) -> None:
    assert get(f"/evidence/{name}").status in (400, 404)


def test_files_are_read_from_the_folders_of_pictures_and_from_nowhere_else(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path)

    def read(name: str, first: int = 0, count: int = 100) -> Piece | None:
        return asyncio.run(files.part(name, first, count))

    assert read("a.jpg") is None
    second = tmp_path / "vision" / "pictures-1"
    (tmp_path / "vision" / "pictures").mkdir(parents=True)
    second.mkdir()
    (second / "a.jpg").write_bytes(b"0123456789")
    (tmp_path / "vision" / "secret.jpg").write_bytes(b"secret")
    (second / "link.jpg").symlink_to(tmp_path / "vision" / "secret.jpg")
    os.mkfifo(second / "pipe.jpg")
    assert read("a.jpg") == Piece(b"0123456789", 0, 10)
    assert read("a.jpg", -4, 2) == Piece(b"67", 6, 10)
    assert read("a.jpg", -40, 3) == Piece(b"012", 0, 10)
    assert read("a.jpg", 10) == Piece(b"", 10, 10)
    for name in ("../secret.jpg", "link.jpg", "pipe.jpg", ".", "..", "", "a.jpg/x"):
        assert read(name) is None
