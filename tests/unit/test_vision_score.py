"""`courtyard vision score` on real picture files and a model that the test builds."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from courtyard.agent.__main__ import main
from tests.vision_rig import make, reddish


def picture(path: Path, red: int) -> Path:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        for packet in (
            *stream.encode(av.VideoFrame.from_ndarray(reddish(red), format="rgb24")),
            *stream.encode(None),
        ):
            container.mux(packet)
    return path


def test_each_picture_gets_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make(tmp_path)
    files = [picture(tmp_path / "red.png", 255), picture(tmp_path / "black.png", 0)]
    assert main(["vision", "score", "--json", "--model", str(model), *map(str, files)]) == 0
    red, black = map(json.loads, capsys.readouterr().out.splitlines())
    assert red["file"] == str(files[0])
    assert red["ebike"] == pytest.approx(1.0, abs=0.01)
    assert red["boxes"][0]["class"] == "ebike"
    assert red["boxes"][0]["box"] == pytest.approx([0.375, 0.25, 0.625, 0.75])
    assert red["ms"] > 0
    assert (black["ebike"], black["boxes"]) == (0.0, [])


def test_a_file_that_is_no_picture_is_named_and_the_others_are_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, torn = make(tmp_path), tmp_path / "torn.png"
    torn.write_bytes(b"no picture")
    red = picture(tmp_path / "red.png", 255)
    assert main(["vision", "score", "--json", "--model", str(model), str(torn), str(red)]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["error"]
    assert second["ebike"] > 0.9


def test_without_a_model_the_packages_own_detector_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    black = picture(tmp_path / "black.png", 0)
    assert main(["vision", "score", "--json", str(black)]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["ebike"] < 0.5
    assert all(each["class"] in ("ebike", "person") for each in line["boxes"])
