"""Whatever a camera sends is understood or refused by name; nothing else is ever raised."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from hypothesis import example, given, settings
from hypothesis import strategies as st

from courtyard.drivers.camera import values
from courtyard.drivers.camera.discovery import matches, probe
from courtyard.drivers.camera.happenings import Happenings
from courtyard.drivers.camera.reply import Element, Malformed, Refused, parse
from hw_sim.camera.camera import BOMB
from hw_sim.camera.discovery import Discovery
from hw_sim.camera.media import Media
from hw_sim.camera.soap import Request, envelope
from tests.gateway_rig import examples
from tests.unit.test_camera_values import NOTIFICATION

READERS: tuple[Callable[[Element], Any], ...] = (
    values.clock,
    values.services,
    values.identity,
    values.profiles,
    values.uri,
    values.relays,
    values.subscription,
    values.notifications,
)
MEDIA = Media("rtsp://127.0.0.1:554", "http://127.0.0.1/s.jpg")
SEEDS = (
    envelope(f"<x>{MEDIA.media1(Request('', '', 'GetProfiles', None))}</x>"),  # type: ignore[arg-type]
    envelope(f"<x>{MEDIA.media2(Request('', '', 'GetProfiles', ElementTree.XML('<a><Type>All</Type></a>')))}</x>"),
    envelope(f"<x>{NOTIFICATION}</x>"),
    envelope("<x><UTCDateTime><Year>2026</Year><Month>2</Month><Day>30</Day></UTCDateTime></x>"),
    envelope("<x><SubscriptionReference><Address>http://h/1</Address></SubscriptionReference></x>"),
    envelope('<x><RelayOutputs token="r"/><Service><Namespace>n</Namespace><XAddr>a</XAddr></Service></x>'),
)


def read(body: bytes) -> None:
    try:
        content = parse(body)
    except (Malformed, Refused):
        return
    for reader in READERS:
        try:
            result = reader(content)
        except Malformed:
            continue
        if reader is values.notifications:
            states = Happenings()
            for each in result:
                states.take(each, 0.0)


@given(st.binary(max_size=400))
@example(BOMB)
@settings(max_examples=examples(200), deadline=None)
def test_any_bytes(body: bytes) -> None:
    read(body)


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 40)), min_size=1, max_size=4),
)
@settings(max_examples=examples(300), deadline=None)
def test_damaged_replies(body: bytes, changes: list[tuple[float, bytes, int]]) -> None:
    for share, put, cut in changes:
        at = int(share * len(body))
        body = body[:at] + put + body[at + cut :]
    read(body)


@given(st.data())
@settings(max_examples=examples(100), deadline=None)
def test_damaged_answers_to_a_probe(data: st.DataObject) -> None:
    answer = Discovery(uuid.uuid4(), lambda: "http://127.0.0.1:80/onvif/device_service").answer(probe(uuid.uuid4()))
    assert answer is not None
    assert len(matches(answer, "127.0.0.1")) == 1
    at = data.draw(st.integers(0, len(answer)))
    damaged = answer[:at] + data.draw(st.binary(max_size=8)) + answer[at + data.draw(st.integers(0, 20)) :]
    try:
        matches(damaged, "127.0.0.1")
    except Malformed:
        return
