"""`courtyard vision watch`, `region`, `calibrate` and `evidence` on real files and a model that the test builds."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.vision.drawing import png
from courtyard.agent.vision.scores import Scores, read_calibration, scores_file, write
from courtyard.config.read import check_site
from tests.lift_rig import Car
from tests.vision_rig import make

RATE = 10
GATEWAY = '[gateway]\nid = "gw-0007"\nplace = "370213/005/012/0007"\nlanguage = "en"\n'
CAMERA = '[[cameras]]\nid = "cam"\naddress = "192.168.1.64"\nusername = "gateway"\npassword_file = "pw"\n'
LIFT = '[[lifts]]\nid = "lift-1"\ncamera = "cam"\n'
FLOOR = "0.25,0.25 0.75,0.25 0.75,0.75"


def film(path: Path, seconds: float, ebike_from: float, ebike_until: float) -> Path:
    car = Car()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 180, "yuv420p", 4_000_000
        for number in range(round(seconds * RATE)):
            car.ebike = ebike_from <= number / RATE < ebike_until
            frame = av.VideoFrame.from_ndarray(car.picture(number / RATE), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_recording_is_watched_with_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = film(tmp_path / "lift.mp4", 12.0, 3.0, 6.0)
    assert main(["vision", "watch", "--json", "--model", str(make(tmp_path)), str(source)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["seen", "warn", "hold", "over"]
    times = [event["at"] for event in events]
    assert 3.0 <= times[0] <= 3.4
    assert times[0] < times[1] < times[2] <= 4.5
    assert 8.5 <= times[3] <= 10.0
    assert events[1]["score"] > 0.5


def test_each_recording_has_its_own_time_and_what_lasts_is_over_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = [str(film(tmp_path / name, 6.0, 3.0, 6.0)) for name in ("one.mp4", "two.mp4")]
    assert main(["vision", "watch", "--json", "--model", str(make(tmp_path)), *sources]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["seen", "warn", "hold", "over"] * 2
    assert [event["at"] for event in events[:4]] == [event["at"] for event in events[4:]]
    assert 5.5 <= events[3]["at"] <= 6.0


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("gone.mp4", "no such file", "文件不存在"),
        ("sound.wav", "there is no picture in it", "其中没有画面"),
        ("torn.mp4", "not whole", "文件不完整"),
        ("letter.txt", "no picture or recording", "不是可识别的图像"),
        ("folder", "it is a folder", "这是文件夹"),
    ],
)
def test_a_file_that_cannot_be_watched_is_named_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, english: str, chinese: str
) -> None:
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    whole = film(tmp_path / "whole.mp4", 2.0, 0.0, 1.0).read_bytes()
    (tmp_path / "torn.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "letter.txt").write_text("Dear lift,\n" * 100)
    (tmp_path / "folder").mkdir()
    model, file = str(make(tmp_path)), str(tmp_path / name)
    for language, words in (("en", english), ("zh", chinese)):
        assert main(["vision", "watch", "--lang", language, "--model", model, file]) == 1
        said = capsys.readouterr().err
        assert file in said
        assert words in said
        assert main(["vision", "score", "--json", "--lang", language, "--model", model, file]) == 1
        assert words in json.loads(capsys.readouterr().out)["error"]


def test_a_source_that_cannot_be_read_is_named_without_its_login(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "rtsp://gateway:s3cret@127.0.0.1:9/none"
    assert main(["vision", "watch", "--model", str(make(tmp_path)), address]) == 1
    said = capsys.readouterr().err
    assert "127.0.0.1" in said
    assert "s3cret" not in said


def site(folder: Path, more: str = "") -> Path:
    (folder / "pw").write_text("secret")
    (folder / "pw").chmod(0o600)
    file = folder / "site.toml"
    file.write_text(GATEWAY + CAMERA + LIFT + more)
    return file


def test_regions_are_drawn_and_written_as_the_site_takes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, output = tmp_path / "car.png", tmp_path / "region.png"
    picture.write_bytes(png(np.full((90, 160, 3), 80, np.uint8)))
    arguments = ["vision", "region", "cam", "--site", str(site(tmp_path)), "--picture", str(picture)]
    assert main([*arguments, "--output", str(output), "--lang", "en", "--floor", FLOOR]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("floor_region"))
    verdict = check_site(site(tmp_path, line + "\n"))
    assert verdict.snapshot is not None
    assert verdict.snapshot.site.lifts[0].floor_region == ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75))
    with av.open(str(output)) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert tuple(shown[22, 80]) == (0, 220, 60)
    assert tuple(shown[60, 40]) == (80, 80, 80)


@pytest.mark.parametrize("floor", ["0.1,0.1 0.2,0.2", "nonsense", "0,0 1,1 2,2"])
def test_a_region_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], floor: str) -> None:
    arguments = ["vision", "region", "cam", "--site", str(site(tmp_path)), "--lang", "zh-CN", "--floor", floor]
    assert main(arguments) == 1
    assert "三个顶点" in capsys.readouterr().err


def counted(folder: Path, hours: float) -> None:
    scores = Scores("lift-1", "5e88", since_ms=0, watched_s=hours * 3600)
    for number in range(20_000):
        scores.add(0.61 if number % 1000 == 0 else 0.1, number)
    write(scores_file(folder / "vision", "lift-1"), scores)


def test_a_day_of_traffic_gives_a_threshold_and_less_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["vision", "calibrate", "lift-1", "--json", "--lang", "en", "--data", str(tmp_path)]
    assert main(arguments) == 1
    counted(tmp_path, 3.0)
    assert main(arguments) == 1
    assert "--anyway" in capsys.readouterr().err
    counted(tmp_path, 24.0)
    assert main(arguments) == 0
    made = json.loads(capsys.readouterr().out)
    own = read_calibration(tmp_path / "vision", "lift-1", "5e88")
    assert own is not None
    assert made["threshold"] == own.threshold == 0.3
    assert read_calibration(tmp_path / "vision", "lift-1", "another model") is None
    assert main(arguments) == 1, "the day is used up: the next threshold rests on the next day"


def test_pictures_of_alarms_are_listed_and_erased(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "vision" / "pictures"
    folder.mkdir(parents=True)
    for name in ("a.jpg", "a.avi", "b.jpg"):
        (folder / name).write_bytes(b"x" * 10)
    assert main(["vision", "evidence", "list", "--json", "--data", str(tmp_path)]) == 0
    assert {json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()} == {"a", "b"}
    assert main(["vision", "evidence", "erase", "a", "--data", str(tmp_path)]) == 0
    assert [path.name for path in folder.iterdir()] == ["b.jpg"]
    assert main(["vision", "evidence", "erase", "a", "--data", str(tmp_path)]) == 1
    assert main(["vision", "evidence", "erase", "--data", str(tmp_path)]) == 0
    assert not list(folder.iterdir())
    assert main(["vision", "evidence", "burn", "--data", str(tmp_path)]) == 2
