"""Any bytes, cut anywhere: no exception, the same frames, and the next good frame is found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers.fire.espa_receiver import Receiver
from courtyard.drivers.fire.framing import Frame, Splitter
from courtyard.drivers.fire.gb26875 import centre
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.protocols import PANELS
from tests.fire_referee import is_fire
from tests.fire_vectors import FIRES, REFUSED, VECTORS

PROTOCOLS = sorted(PANELS)
NOW = TimeTag(b"\0\0\0\x01\x01\x1a")


def frames(splitter: Splitter, *chunks: bytes) -> list[bytes]:
    """All frames of a stream that arrives at once and is followed by silence."""
    found = [item for chunk in chunks for item in splitter.feed(chunk, 0)]
    found += splitter.idle(150) + splitter.idle(5000)
    return [item.data for item in found if isinstance(item, Frame)]


def stream(protocol: str) -> bytes:
    good = [vector.frame for vector in VECTORS if vector.protocol == protocol]
    bad = [refused.frame for refused in REFUSED if refused.protocol == protocol]
    return b"".join((*good, b"\x00\xff~", *bad, good[0][:3], good[0], *reversed(good)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stream_cut_at_any_position_gives_the_same_frames(protocol: str) -> None:
    shape, data = PANELS[protocol].shape, stream(protocol)
    whole = frames(Splitter(shape), data)
    assert len(whole) >= len([vector for vector in VECTORS if vector.protocol == protocol])
    for at in range(1, len(data)):
        assert frames(Splitter(shape), data[:at], data[at:]) == whole, at
    assert frames(Splitter(shape), *(data[at : at + 1] for at in range(len(data)))) == whole


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(noise=st.binary(max_size=200))
def test_after_any_bytes_and_silence_the_next_good_frame_is_found(protocol: str, noise: bytes) -> None:
    good = FIRES[protocol]
    splitter = Splitter(PANELS[protocol].shape)
    splitter.feed(noise, 0)
    splitter.idle(5000)
    assert splitter.pending == 0
    assert frames(splitter, good) == [good]


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "ld128"])
@given(noise=st.binary(max_size=200))
def test_directly_behind_any_bytes_one_of_two_good_frames_is_found(protocol: str, noise: bytes) -> None:
    good = FIRES[protocol]
    assert good in frames(Splitter(PANELS[protocol].shape), noise + good + good)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data())
def test_any_change_of_a_fire_frame_gives_no_fire_that_the_published_rule_refuses(
    protocol: str, data: st.DataObject
) -> None:
    frame = bytearray(FIRES[protocol])
    for at in data.draw(st.lists(st.integers(0, len(frame) - 1), min_size=1, max_size=4)):
        frame[at] = data.draw(st.integers(0, 255))
    _judge(protocol, bytes(frame))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.binary(max_size=400))
@settings(max_examples=200)
def test_arbitrary_bytes_never_raise_and_never_make_a_fire_of_their_own(protocol: str, data: bytes) -> None:
    _judge(protocol, data)
    starts = {"gb26875": b"@@", "jbf": b"\x82", "gst24": b"\xaa\x15", "gst232": b"\x0d\xdd", "jb3208": b"\xfe\x01\x6e"}
    starts |= {"fs5101": b"\xf0\x00\x14\xa5", "espa": b"\x011\x02", "gst-printer": b"\x1b6", "ld128": b"\x01"}
    _judge(protocol, starts[protocol] + data)


def _judge(protocol: str, data: bytes) -> None:
    panel = PANELS[protocol]
    for frame in frames(Splitter(panel.shape), data):
        for event in panel.read(frame):
            assert event.kind != "fire" or not event.active or is_fire(protocol, frame)
            event.signal("p", at_ms=0, mono_ms=0)
        assert panel.dissect(frame).protocol == protocol
    dissection = panel.dissect(data)
    dissection.data()
    assert dissection.valid or dissection.error is not None


@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 12_000)), max_size=8))
def test_an_espa_station_never_raises_and_holds_little_whatever_it_hears(heard: list[tuple[bytes, int]]) -> None:
    receiver = Receiver()
    now_ms = 0
    for data, pause_ms in heard:
        now_ms += pause_ms
        receiver.idle(now_ms)
        receiver.feed(data, now_ms)
        assert receiver.pending <= PANELS["espa"].shape.longest


@given(data=st.binary(max_size=300))
def test_damage_of_any_kind_is_denied_or_left_unanswered_but_never_raises(data: bytes) -> None:
    splitter = Splitter(PANELS["gb26875"].shape)
    for item in splitter.feed(b"@@" + data, 0) + splitter.idle(5000):
        if not isinstance(item, Frame):
            reply = centre.deny(item, NOW)
            assert reply is None or reply[26] == 6
