"""`courtyard check` looks at the model and the sound that a site brings for its lifts."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.vision.voice import speech
from tests import vision_rig
from tests.unit.test_lift_guard_config import BOARD, CAMERA, GATEWAY, LIFT, LINE


def findings(folder: Path, *, voice: str = "own.wav", vision: str = "") -> list[dict[str, str]]:
    """What the command warns about in [[lifts]] and [vision]; the site can run all the same."""
    (folder / "pw").write_text("secret")
    (folder / "pw").chmod(0o600)
    site = folder / "site.toml"
    site.write_text("\n".join((GATEWAY, LINE, BOARD, CAMERA, LIFT + f'voice = "{voice}"\n', vision)))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["check", str(site), "--json"]) == 0
    told = json.loads(out.getvalue())
    assert told["valid"]
    return [each for each in told["findings"] if each["path"].startswith(("lifts", "vision"))]


def test_what_the_product_brings_and_a_sound_of_the_site_are_fine(tmp_path: Path) -> None:
    (tmp_path / "own.wav").write_bytes(speech())
    assert findings(tmp_path) == []
    assert findings(tmp_path, voice="speech") == []


@pytest.mark.parametrize("content", [None, b"", b"ID3 no sound", speech()[:30], speech()[:44], speech()[:43]])
def test_a_sound_that_cannot_be_played_is_named_with_its_line_and_cure(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "own.wav").write_bytes(content)
    (finding,) = findings(tmp_path)
    assert (finding["code"], finding["path"]) == ("vision.voice.file", "lifts[0].voice")
    assert "own.wav" in finding["text"]["en"]
    assert finding["cure"]["zh"]
    assert 'voice = "own.wav"' in (tmp_path / "site.toml").read_text().splitlines()[int(finding["line"]) - 1]


def test_a_model_of_the_site_is_loaded_and_tried(tmp_path: Path) -> None:
    manifest = vision_rig.make(tmp_path)
    model = f'[vision]\nmodel = "{manifest.name}"\n'
    assert findings(tmp_path, voice="chime", vision=model) == []
    (other,) = findings(tmp_path, voice="chime", vision=f'{model}activated = "{"0" * 12}"\n')
    assert (other["code"], other["path"]) == ("vision.activated", "vision.activated")
    (tmp_path / "red.onnx").write_bytes(b"another")
    (broken,) = findings(tmp_path, voice="chime", vision=model)
    assert broken["path"] == "vision.model"
    assert "red.onnx" in broken["text"]["en"]


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    (missing,) = findings(tmp_path, voice="chime", vision='[vision]\nmodel = "models/own.toml"\n')
    assert missing["path"] == "vision.model"
    assert "own.toml" in missing["text"]["en"]
