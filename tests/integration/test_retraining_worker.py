"""The whole loop with the shipped detector: it looks at rendered lifts, keeps what it gets wrong, learns, is right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from courtyard.agent.vision import own_head
from courtyard.agent.vision.lessons import read_looks
from courtyard.agent.vision.messages import Attach, Gathered, Keep, Kept, Looked, Report
from courtyard.agent.vision.model import Model, Picture, load
from courtyard.agent.vision.own_head import Head
from courtyard.agent.vision.pupil import Pupil
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.retraining import base_file, read_base
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.agent.vision.tracker import Detection
from hw_sim.lift import Studio
from tests.integration.test_vision_process import Rig, play
from tests.retraining_rig import head

LARGEST_BASE = 1_000_000
EVENT = "20261122T063001Z-lift-1"
UPPER_LEFT = Region(((0.0, 0.0), (0.05, 0.0), (0.0, 0.05)))


@pytest.fixture(scope="module")
def model() -> Model:
    return load(MANIFEST)


@pytest.fixture(scope="module")
def ebike(model: Model) -> Picture:
    """The surest of some rendered e-bikes."""
    studio, rng = Studio(), np.random.default_rng(5)
    pictures = [np.ascontiguousarray(studio.still(rng, ("ebike",)).bgr[..., ::-1]) for _ in range(6)]
    return max(pictures, key=lambda each: surest(model.look(each).detections))


def surest(detections: Sequence[Detection]) -> float:
    return max((each.score for each in detections if each.label == "ebike"), default=0.0)


def against(model: Model) -> Head:
    """A head that calls everything anything but an e-bike."""
    columns = read_base(base_file(MANIFEST), model.manifest.sha256).rows.shape[1]
    return msgspec.structs.replace(head(model=model.manifest.sha256, bias=-60.0), weights=(0.0,) * columns)


def test_the_shipped_examples_belong_to_the_shipped_model_and_are_small(model: Model) -> None:
    """After a new model: `python -m model.base PICTURES`."""
    base = read_base(base_file(MANIFEST), model.manifest.sha256)
    assert base_file(MANIFEST).stat().st_size <= LARGEST_BASE
    assert min((base.ebike & base.held).sum(), (base.ebike & ~base.held).sum()) >= 50
    assert min((~base.ebike & base.held).sum(), (~base.ebike & ~base.held).sum()) >= 100
    assert np.isfinite(base.rows).all()


def test_looks_are_kept_where_things_count_and_heads_lower_scores(tmp_path: Path, model: Model, ebike: Picture) -> None:
    now_ms = [0]

    def pupil(**more: object) -> Pupil:
        order = Attach("lift-1", "", lessons=str(tmp_path), gather=True)
        return Pupil(model, msgspec.structs.replace(order, **more), lambda: now_ms[0])

    bare, own = model.look(ebike), pupil()
    seen = own.look(ebike)
    assert seen.detections == bare.detections
    assert seen.trial is None
    own.keep(EVENT)
    own.save()
    folder = own_head.lessons_folder(tmp_path, "lift-1")
    kept = read_looks(folder / own_head.GATHERED, model.manifest.sha256)
    assert 1 / (1 + np.exp(-kept.logits[0])) == pytest.approx(surest(bare.detections), abs=1e-3)
    assert (folder / own_head.EVENTS / f"{EVENT}.npz").exists()
    outside = pupil(region=UPPER_LEFT)
    outside.look(ebike)
    assert outside.gathered == 1, "what was kept before; nothing stands in that corner"

    made = against(model)
    own_head.propose(tmp_path, made)
    tried = pupil(trial=made.digest).look(ebike)
    assert tried.detections == bare.detections
    assert tried.trial is not None
    assert tried.trial < 0.05
    own_head.activate(tmp_path, "lift-1", "wang", 7)
    assert surest(pupil(active=made.digest).look(ebike).detections) < 0.05
    assert pupil(active="another").look(ebike).detections == bare.detections
    assert pupil(lessons="", active=made.digest).look(ebike).detections == bare.detections


def test_the_worker_obeys_heads_and_keeps_what_an_event_may_be_learned_from(
    tmp_path: Path, model: Model, ebike: Picture
) -> None:
    made = against(model)
    own_head.propose(tmp_path, made)
    height, width = ebike.shape[:2]

    async def work(rig: Rig) -> None:
        def show() -> None:
            rig.board.put(ebike.tobytes(), width, height, time.monotonic(), 0.1)

        def last() -> Looked | None:
            found: Report | None = rig.last(Looked)
            return found if isinstance(found, Looked) else None

        frames = str(tmp_path / "lift-1")
        rig.process.attach(Attach("lift-1", frames, lessons=str(tmp_path), gather=True, trial=made.digest))
        await rig.until(last, show)
        looked = last()
        assert looked is not None
        assert looked.trial is not None
        assert looked.trial < 0.05 < surest(looked.detections)
        rig.process.keep(Keep("lift-1", EVENT, time.monotonic() - 4.0, small=False))
        await rig.until(lambda: rig.last(Kept), show)
        event = own_head.lessons_folder(tmp_path, "lift-1") / own_head.EVENTS / f"{EVENT}.npz"
        await rig.until(event.exists, show)
        rig.process.detach("lift-1")
        told = len(rig.reports)
        await rig.until(lambda: any(isinstance(each, Gathered) and each.looks for each in rig.reports[: told + 9]))
        assert (own_head.lessons_folder(tmp_path, "lift-1") / own_head.GATHERED).exists()

    play(MANIFEST, tmp_path, work)
