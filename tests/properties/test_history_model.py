"""The history against a bare list of samples: whatever happens, it holds what was written, once, and no more."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.history import RESOLUTION_S
from courtyard.agent.history.buckets import Bucket, fold, pack, unpack
from tests.gateway_rig import examples, virtual
from tests.history_rig import Box, Sample, expected, same, told

POINTS = {"wm-1": 10_000.0, "wm-2": None}
COUNTER, GAUGE = "water.volume.total", "water.flow"


class Act(NamedTuple):
    kind: str
    device: str = "wm-1"
    amount: float = 0.0


ACTS = st.lists(
    st.one_of(
        st.builds(Act, st.just("reading"), st.sampled_from(sorted(POINTS)), st.floats(0, 900)),
        st.builds(Act, st.just("bad"), st.sampled_from(sorted(POINTS))),
        st.builds(Act, st.just("wait"), st.just(""), st.sampled_from([1, 7, 30, 61, 600, 3600, 40_000])),
        st.sampled_from([Act("crash"), Act("restart"), Act("fold"), Act("erase", "wm-2")]),
    ),
    min_size=1,
    max_size=40,
)


async def play(directory: Path, acts: list[Act]) -> None:
    box = Box(directory)
    kept: dict[str, list[Sample]] = {device: [] for device in POINTS}
    waiting: dict[str, list[Sample]] = {device: [] for device in POINTS}
    dials = dict.fromkeys(POINTS, 9_000.0)

    def written(until_s: float) -> None:
        for device, samples in waiting.items():
            kept[device] += [sample for sample in samples if sample.at_s < until_s]
            waiting[device] = [sample for sample in samples if sample.at_s >= until_s]

    await box.history.step()
    for act in acts:
        if act.kind in ("reading", "bad"):
            value = None
            if act.kind == "reading":
                dials[act.device] = (dials[act.device] + act.amount) % 10_000.0
                value = dials[act.device]
            await box.say({COUNTER: value, "text": "x"}, device=act.device)
            waiting[act.device].append(Sample(box.clock.now_s, value))
        elif act.kind == "wait":
            await box.pass_s(act.amount)
            written((box.clock.now_s - 2) // 60 * 60)
        elif act.kind == "crash":
            box.crash()
            waiting = {device: [] for device in POINTS}
            await box.history.step()
        elif act.kind == "restart":
            await box.history.close()
            written(float("inf"))
            box.start()
            await box.history.step()
        elif act.kind == "fold":
            await box.settle()
            written((box.clock.now_s - 2) // 60 * 60)
        else:
            assert await box.history.erase([act.device]) <= 1
            kept[act.device], waiting[act.device] = [], []
            written((box.clock.now_s - 2) // 60 * 60)
    await box.history.close()
    written(float("inf"))
    box.start()
    for _ in range(2):
        for resolution in RESOLUTION_S:
            for device, modulus in POINTS.items():
                series = await box.series(COUNTER, resolution, device=device)
                assert same(told(series), expected(kept[device], resolution, modulus=modulus)), (device, resolution)
        box.clock.now_s += 200_000
        await box.settle()
    await box.history.close()


@settings(max_examples=examples(60), deadline=None)
@given(ACTS)
def test_what_was_written_is_there_once_in_every_resolution(acts: list[Act]) -> None:
    with TemporaryDirectory() as directory:
        virtual(lambda: play(Path(directory), acts))


NUMBER = st.floats(-1e12, 1e12)
BUCKETS = st.builds(
    lambda values, more: Bucket(
        len(values) + more, len(values), len(values), min(values), max(values), sum(values), values[0], values[-1], 1.5
    ),
    st.lists(NUMBER, min_size=1, max_size=5),
    st.integers(0, 3),
)


@given(st.dictionaries(st.integers(0, 2**32 - 1), BUCKETS, max_size=70))
def test_packed_buckets_come_out_as_they_went_in(buckets: dict[int, Bucket]) -> None:
    assert dict(unpack(pack(buckets)).items()) == buckets


@given(st.lists(BUCKETS, max_size=8), st.integers(0, 8))
def test_folding_in_parts_gives_the_same(buckets: list[Bucket], cut: int) -> None:
    parts = fold((fold(buckets[:cut]), fold(buckets[cut:])))
    whole = fold(buckets)
    assert same([tuple(parts)], [tuple(whole)]) or abs(parts.total - whole.total) <= 1e-3 * len(buckets)
