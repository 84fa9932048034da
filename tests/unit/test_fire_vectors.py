"""Every published frame decodes as stated, every bad one is refused at the byte that is wrong."""

from __future__ import annotations

import pytest

from courtyard.drivers.fire.dissect import DISSECTORS
from courtyard.drivers.fire.framing import Damage, Frame, FrameError, Splitter
from courtyard.drivers.fire.protocols import PANELS
from tests.fire_referee import is_fire
from tests.fire_vectors import FIRES, REFUSED, VECTORS, Refused, Vector


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_published_frame_decodes_as_stated(vector: Vector) -> None:
    panel = PANELS[vector.protocol]
    dissection = DISSECTORS[vector.protocol](vector.frame)
    assert dissection.valid, dissection.error
    found = dissection.data()["fields"]
    for name, expected in vector.fields.items():
        assert found[name] == expected, name
    said = panel.read(vector.frame)
    if vector.event is None:
        assert said == []
    else:
        first = said[0].data()
        assert {name: first[name] for name in vector.event} == vector.event
        assert said[0].raw_hex == vector.frame.hex()
        assert is_fire(vector.protocol, vector.frame) == (first["kind"] == "fire")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_published_frame_comes_out_of_a_stream_at_once(vector: Vector) -> None:
    splitter = Splitter(PANELS[vector.protocol].shape)
    assert splitter.feed(vector.frame, 7) == [Frame(vector.frame, 7)]
    assert splitter.pending == 0


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_a_bad_frame_is_refused_at_the_byte_that_is_wrong(refused: Refused) -> None:
    panel = PANELS[refused.protocol]
    with pytest.raises(FrameError) as caught:
        panel.parse(refused.frame)
    assert (caught.value.flaw.code, caught.value.flaw.at) == (refused.flaw, refused.at)
    dissection = panel.dissect(refused.frame)
    assert not dissection.valid
    assert dissection.error_at == refused.at
    assert dissection.error is not None
    assert dissection.error.en
    assert dissection.error.zh
    assert "events" not in dissection.data()["fields"]


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_a_bad_frame_in_a_stream_is_damage_and_no_frame(refused: Refused) -> None:
    splitter = Splitter(PANELS[refused.protocol].shape)
    found = splitter.feed(refused.frame, 0) + splitter.idle(10_000)
    assert found
    assert all(isinstance(item, Damage) for item in found)
    assert found[0].flaw.code == refused.flaw  # type: ignore[union-attr]
    assert splitter.pending == 0


@pytest.mark.parametrize("protocol", sorted(PANELS))
def test_every_part_of_a_dissection_lies_inside_the_frame_and_is_named_in_both_languages(protocol: str) -> None:
    frame = FIRES[protocol]
    parts = list(PANELS[protocol].dissect(frame).parts)
    assert parts
    while parts:
        part = parts.pop()
        assert 0 <= part.start <= part.end <= len(frame)
        assert part.label.en
        assert part.label.zh
        parts += part.parts


@pytest.mark.parametrize("protocol", sorted(PANELS))
def test_a_frame_cut_short_is_reported_as_cut_off_or_as_wrong_where_it_ends(protocol: str) -> None:
    frame = FIRES[protocol]
    for size in range(len(frame)):
        dissection = PANELS[protocol].dissect(frame[:size])
        if dissection.valid:
            assert protocol == "gst-printer"  # its tickets may end by silence
        else:
            assert dissection.error_at is not None
            assert dissection.error_at <= size
