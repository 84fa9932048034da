"""The rendered lift: pictures that can be made again, and truth that fits them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from hw_sim.lift import Frame, Scene, Script, Studio, render, traffic
from hw_sim.lift.car import draw_car
from hw_sim.lift.ebikes import draw_ebike
from hw_sim.lift.lens import Lens
from hw_sim.lift.live import LiveLift
from hw_sim.lift.mesh import BLACK, Mesh, box, ellipsoid
from hw_sim.lift.rolling import MAKERS
from hw_sim.lift.scene import Placed
from hw_sim.lift.sensor import Sensor
from hw_sim.lift.stills import make
from hw_sim.lift.testset import STRETCH, TEST_CARS, TEST_EBIKES

PLAIN = Sensor(noise=0, vignette=0)


def digest(frames: list[Frame]) -> str:
    return hashlib.sha256(b"".join(frame.bgr.tobytes() for frame in frames)).hexdigest()


def test_a_ray_through_a_pixel_meets_the_point_that_is_drawn_there() -> None:
    lens = Lens.looking(
        np.array((0.1, 0.1, 2.3)), np.array((0.8, 1.5, 0.2)), view=1.8, straight=0.5, roll=0.1, width=64, height=36
    )
    rays = lens.rays()
    pixels, depth = lens.project(lens.position + 2 * rays.reshape(-1, 3))
    rows, columns = np.mgrid[0:36, 0:64]
    assert np.allclose(pixels, np.stack((columns.ravel(), rows.ravel()), 1) + 0.5, atol=0.01)
    assert (depth > 0).all()


@pytest.mark.parametrize("mesh", [box((1, 2, 3), (1, 1, 1), BLACK), ellipsoid((0, 0, 1), (1, 2, 1), BLACK)])
def test_faces_look_outwards(mesh: Mesh) -> None:
    corners = mesh.points[mesh.faces]
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    outward = corners.mean(1) - mesh.points.mean(0)
    assert (np.einsum("ij,ij->i", normals, outward) >= -1e-6).all()


@pytest.mark.parametrize("label", ["ebike", "person", *MAKERS])
def test_things_stand_on_the_floor_and_have_a_size(label: str) -> None:
    for seed in range(5):
        points = make(np.random.default_rng(seed), label).points
        assert -0.03 < points[:, 2].min() < 0.13
        assert 0.2 < points[:, 2].max() < 2.2
        assert np.ptp(points[:, 0]) < 2.4
        assert np.isfinite(points).all()


def test_a_studio_makes_the_same_pictures_again() -> None:
    one, two, other = (
        [studio.still(rng) for _ in range(3)]
        for studio, rng in ((Studio(), np.random.default_rng(seed)) for seed in (4, 4, 5))
    )
    assert digest(one) == digest(two) != digest(other)
    assert [frame.truth for frame in one] == [frame.truth for frame in two]
    assert one[0].bgr.shape == (234, 416, 3)


def test_boxes_are_around_what_was_drawn() -> None:
    rng = np.random.default_rng(2)
    scene = Scene(TEST_CARS[1], 320, 180)
    mesh = make(rng, "ebike", "test")
    empty = scene.frame([], PLAIN).bgr.astype(int)
    frame = scene.frame([Placed("ebike", 7, mesh, 0.95, 0.9, -1.5)], PLAIN)
    (truth,) = frame.truth
    changed = np.abs(frame.bgr.astype(int) - empty).max(2) > 60
    left, top, right, bottom = (round(value) for value in truth.box)
    inside = changed[top : bottom + 1, left : right + 1].sum()
    assert truth.thing == 7
    assert truth.inside
    assert truth.over_sill
    assert inside > 300
    assert inside > 0.9 * changed.sum()  # the rest is its shadow


def test_what_is_hidden_is_not_seen() -> None:
    scene, rng = Scene(TEST_CARS[1], 320, 180), np.random.default_rng(3)
    beyond = Placed("ebike", 1, make(rng, "ebike"), 0.9, 3.0, -1.5)
    assert scene.frame([beyond], PLAIN, door=0.0).truth == ()
    (seen,) = scene.frame([beyond], PLAIN, door=1.0).truth
    assert not seen.inside
    assert not seen.over_sill
    crate = Placed("parcel", 2, box((0, 0, 0.9), (1.2, 0.3, 1.8), (0.5, 0.5, 0.5)), 0.95, 1.5, 0.0)
    covered = [each for each in scene.frame([beyond, crate], PLAIN).truth if each.thing == 1]
    assert not covered or covered[0].visible < seen.visible


def test_no_training_picture_can_show_the_test_set() -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_ebike(rng) for _ in range(2000)]
    for kept in TEST_EBIKES:
        same = [bike for bike in drawn if bike.kind == kept.kind]
        measures = ("base", "wheel", "tyre", "width", "bar", "nose")
        reach = {name: [getattr(bike, name) for bike in same] for name in measures}
        assert any(not min(values) <= getattr(kept, name) <= max(values) for name, values in reach.items())
    cars = [draw_car(rng) for _ in range(2000)]
    for car in TEST_CARS:
        assert not min(each.width for each in cars) <= car.width <= max(each.width for each in cars)
    assert len(TEST_EBIKES) == 3
    assert len(TEST_CARS) == len(STRETCH["wheelchair"]) == len(STRETCH["pram"]) == 2
    for label, stretches in STRETCH.items():
        tall = [np.ptp(make(np.random.default_rng(seed), label).points[:, 1]) for seed in range(60)]
        for factors in stretches:
            assert 1.0 not in factors
            assert not min(tall) < np.ptp(make(np.random.default_rng(0), label).points[:, 1]) * factors[1] < max(tall)


def around(script: Script, seconds: float) -> tuple[Frame, Frame]:
    """The frames shortly before and after a time."""
    first, *_, last = render(script, width=160, height=90, fps=10, start=seconds - 0.2, end=seconds + 0.3)
    return first, last


def test_a_script_says_when_wheels_cross_the_sill() -> None:
    script = traffic(11, visits=3, ebikes=1.0, geometry="test")
    kinds = [event.kind for event in script.events]
    assert kinds.count("over-sill") == kinds.count("inside") == kinds.count("clear") >= 3
    assert kinds.count("door-open") == kinds.count("door-closed") == 6
    for event in [event for event in script.events if event.label == "ebike"]:
        before, after = ({each.thing: each for each in frame.truth} for frame in around(script, event.seconds))
        match event.kind:
            case "over-sill":
                assert event.thing not in before or not before[event.thing].over_sill
                assert after[event.thing].over_sill
            case "inside":
                assert after[event.thing].inside
            case "clear":
                assert event.thing not in after or not after[event.thing].over_sill
    for event in script.events:
        if event.kind == "door-open":
            before, after = around(script, event.seconds + 0.05)
            assert before.door < 1.0 == after.door


def test_a_script_plays_the_same_again() -> None:
    one, two = (list(render(traffic(6, visits=1), width=160, height=90, fps=1)) for _ in range(2))
    assert digest(one) == digest(two)


def run(lift: LiveLift, start: float, seconds: float) -> float:
    for count in range(int(seconds * 3)):
        lift.frame(start + count / 3)
    return start + seconds


def test_a_live_lift_obeys() -> None:
    lift = LiveLift(1, width=160, height=90)
    now = run(lift, 0.0, 0.5)
    assert lift.truth() == {"door": 0.0, "held": False, "things": []}
    number = lift.table["wheel"].run(["in", "ebike"])
    lift.table["hold"].run(["on"])
    now = run(lift, now, 20)
    assert lift.truth()["door"] == 1.0
    assert {each["thing"] for each in lift.truth()["things"]} >= {number}
    lift.table["hold"].run(["off"])
    now = run(lift, now, 4)
    assert lift.truth()["door"] == 0.0
    assert lift.table["wheel"].run(["out"]) == number
    now = run(lift, now, 20)
    assert lift.truth()["things"] == []
    kinds = [event.kind for event in lift.events]
    assert sorted(kinds) == sorted(
        ["over-sill", "inside", "clear"] + 2 * ["door-opening", "door-open", "door-closing", "door-closed"]
    )
    with pytest.raises(ValueError, match="none"):
        lift.leave()
    with pytest.raises(ValueError, match="known"):
        lift.come("tank")
    assert lift.picture(now).shape == (90, 160, 3)
