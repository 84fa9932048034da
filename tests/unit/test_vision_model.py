"""A site's own model is used only when it is what its manifest says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from courtyard.agent.vision.decoders import MOST, Fit, LayoutError, decode
from courtyard.agent.vision.model import Manifest, load, prepare
from courtyard.agent.vision.regions import Box, overlap
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.drivers.base import DriverError
from tests.gateway_rig import examples
from tests.vision_rig import SIDE, make, reddish

WHOLE = Fit(SIDE, SIDE, 0, 0, (SIDE, SIDE))


def test_a_model_that_fits_its_manifest_says_what_it_sees(tmp_path: Path) -> None:
    model = load(make(tmp_path))
    (seen,) = model.look(reddish(51)).detections
    assert seen.label == "ebike"
    assert seen.score == pytest.approx(0.2, abs=0.01)
    assert tuple(seen.box) == pytest.approx((0.375, 0.25, 0.625, 0.75))
    assert model.look(reddish(0)).detections == ()


def test_boxes_are_told_in_shares_of_the_picture_not_of_the_padded_input(tmp_path: Path) -> None:
    (seen,) = load(make(tmp_path)).look(reddish(255, 180, 360)).detections
    assert tuple(seen.box) == pytest.approx((0.375, 0.0, 0.625, 1.0))


def test_colours_come_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    with pytest.raises(DriverError) as refused:
        load(make(tmp_path, colours="bgr"))  # the golden picture's red would be taken for blue
    assert refused.value.fault.code == "model.golden"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": "0" * 64}, "model.hash"),
        ({"sha256": "short"}, "model.manifest"),
        ({"layout": "yolov99"}, "model.manifest"),
        ({"width": 63}, "model.manifest"),
        ({"width": 96}, "model.input"),
        ({"layout": "yolov5"}, "model.layout"),
        ({"scale": 0.5}, "model.golden"),
        ({"file": "other.onnx"}, "model.missing"),
        ({"file": "../red.onnx"}, "model.manifest"),
        ({"surprise": 1}, "model.manifest"),
        ({"score": 1.5}, "model.manifest"),
        ({"vote": -0.1}, "model.manifest"),
        ({"classes": 'zero = "ebike"'}, "model.manifest"),
        ({"classes": '0 = "bicycle"'}, "model.manifest"),
        ({"classes": '0 = "person"\n1 = "ebike"'}, "model.layout"),
        ({"found": "ebike = 0.3"}, "model.classes"),
        ({"found": "person = 0.8"}, "model.classes"),
        ({"found": "ebike = 8"}, "model.manifest"),
        ({"gain": 5.0}, "model.scores"),
        ({"gain": -1.0}, "model.scores"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_cure_in_both_languages(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(DriverError) as refused:
        load(make(tmp_path, **changes))
    fault = refused.value.fault
    assert fault.code == code
    assert all((fault.what.zh, fault.cure.en, fault.cure.zh))


def test_the_meaning_of_the_golden_picture_may_be_told_too(tmp_path: Path) -> None:
    assert load(make(tmp_path, found="ebike = 0.8\nperson = 0.0")).manifest.golden.found == {
        "ebike": 0.8,
        "person": 0.0,
    }


def test_exchanged_classes_of_the_product_itself_are_noticed(tmp_path: Path) -> None:
    for file in MANIFEST.parent.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    manifest = tmp_path / MANIFEST.name
    text = manifest.read_text()
    manifest.write_text(text.replace('0 = "ebike"\n1 = "person"', '1 = "ebike"\n0 = "person"'))
    assert manifest.read_text() != text
    with pytest.raises(DriverError) as refused:
        load(manifest)
    assert refused.value.fault.code == "model.classes"


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path, sha256=hashlib.sha256(b"nonsense").hexdigest())
    (tmp_path / "red.onnx").write_bytes(b"nonsense")
    with pytest.raises(DriverError) as refused:
        load(manifest)
    assert refused.value.fault.code == "model.onnx"


def test_golden_files_that_hold_objects_are_never_unpickled(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    np.save(tmp_path / "output.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(DriverError) as refused:
        load(manifest)
    assert refused.value.fault.code == "model.golden"


rows = st.integers(0, 30).flatmap(
    lambda count: arrays.arrays(np.float32, (1, count, 8), elements=st.floats(width=32, allow_nan=True))
)


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(["yolov5", "yolov8"]), rows)
def test_whatever_the_numbers_are_detections_are_sound(layout: str, output: np.ndarray) -> None:  # type: ignore[type-arg]
    shaped = output.transpose(0, 2, 1) if layout == "yolov8" else output
    found = decode(layout, shaped, WHOLE, {0: "ebike", 2: "person"}, 0.1, 0.5)  # type: ignore[arg-type]
    assert len(found) <= MOST
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for index, one in enumerate(found):
        assert 0.1 - 1e-6 <= one.score <= 1
        assert 0 <= one.box.left < one.box.right <= 1
        assert 0 <= one.box.top < one.box.bottom <= 1
        for other in found[:index]:
            assert one.label != other.label or overlap(one.box, other.box) <= 0.5


def test_an_ebike_is_seen_where_a_person_beside_it_is_seen_more_surely() -> None:
    rows = np.array([[32, 32, 16, 16, 0.6, 0.9], [32, 32, 16, 16, 0.1, 0.8]], np.float32)
    found = decode("yolov8", rows.T[None], WHOLE, {0: "ebike", 1: "person"}, 0.3, 0.5)
    assert [(each.label, round(each.score, 2)) for each in found] == [("person", 0.9), ("ebike", 0.6)]


def test_of_boxes_on_one_thing_the_surest_stays_and_other_classes_stay_too() -> None:
    output = np.array(
        [
            [32, 32, 20, 20, 1, 0.7, 0.0],
            [33, 32, 20, 20, 1, 0.9, 0.0],
            [32, 32, 20, 20, 1, 0.0, 0.8],
            [10, 10, 8, 8, 0.5, 1.0, 0.0],
        ],
        np.float32,
    )[None]
    found = decode("yolov5", output, WHOLE, {0: "ebike", 1: "person"}, 0.3, 0.5)
    assert [(each.label, round(each.score, 2)) for each in found] == [
        ("ebike", 0.9),
        ("person", 0.8),
        ("ebike", 0.5),
    ]


def test_yolox_counts_in_cells_of_three_grids() -> None:
    output = np.zeros((1, 64 + 16 + 4, 6), np.float32)
    output[0, 64 + 4 * 1 + 2] = (0.5, 0.25, np.log(2), 0, 1, 0.9)  # stride 16, column 2, row 1
    (seen,) = decode("yolox", output, WHOLE, {0: "ebike"}, 0.3, 0.5)
    centre_x, centre_y, width, height = 2.5 * 16 / SIDE, 1.25 * 16 / SIDE, 2 * 16 / SIDE, 16 / SIDE
    box = Box(centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2)
    assert tuple(seen.box) == pytest.approx(tuple(box))
    with pytest.raises(LayoutError):
        decode("yolox", output[:, :-1], WHOLE, {0: "ebike"}, 0.3, 0.5)


def test_a_picture_is_scaled_to_fit_and_the_rest_is_grey() -> None:
    manifest = Manifest("m", "0" * 64, SIDE, SIDE, "yolov8", {"0": "ebike"}, None, scale=1.0)  # type: ignore[arg-type]
    tensor, fit = prepare(reddish(200, 20, 80), manifest)
    assert fit == Fit(SIDE, SIDE, 0, 24, (64, 16))
    assert (tensor[0, 0, 24:40] == 200).all()
    assert (tensor[0, :, :24] == 114).all()
