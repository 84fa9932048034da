"""The simulated camera's own judgement, against published vectors."""

from __future__ import annotations

import datetime
from xml.etree import ElementTree

import pytest

from hw_sim.camera.auth import Guard
from hw_sim.camera.rtp import MOST_PAYLOAD, Packetizer, nal_units
from hw_sim.camera.soap import duration_s


def envelope(user: str, digest: str, nonce: str, created: str) -> ElementTree.Element:
    parts = {"Username": user, "Password": digest, "Nonce": nonce, "Created": created}
    return ElementTree.fromstring("<t>" + "".join(f"<{name}>{text}</{name}>" for name, text in parts.items()) + "</t>")


def test_a_token_of_the_application_programmers_guide_is_accepted_once() -> None:
    # ONVIF Application Programmer's Guide, section 6.1.1.3
    guard = Guard("user", "userpassword")
    token = envelope("user", "tuOSpGlFlIXsozq4HFNeeGeFLEI=", "LKqI6G/AikKCQrN0zqZFlg==", "2010-09-16T07:50:45Z")
    now = datetime.datetime(2010, 9, 16, 7, 50, 47, tzinfo=datetime.UTC)
    assert guard.token(token, now + datetime.timedelta(minutes=8)) == "created outside of the time window"
    assert guard.token(token, now) is None
    assert guard.token(token, now) == "nonce used before"
    assert Guard("user", "other").token(token, now) == "wrong password"


def test_digests_of_rfc_2617_and_of_rtsp() -> None:
    # RFC 2617, section 3.5
    guard = Guard("Mufasa", "Circle Of Life", "testrealm@host.com")
    guard.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    header = (
        f'Digest username="Mufasa", realm="testrealm@host.com", nonce="{guard.nonce}", uri="/dir/index.html", '
        'qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"'
    )
    assert guard.digest("GET", header) is None
    assert guard.digest("POST", header) == "wrong password"
    # RFC 2069 form, as RTSP uses it
    camera = Guard("gw", "gateway-demo", "Login to cam")
    camera.nonce = "9f1c2d3e"
    uri = "rtsp://192.0.2.10:554/Streaming/Channels/102"
    header = f'Digest username="gw", nonce="9f1c2d3e", uri="{uri}", response="733aa816414925797ed74b1ce27f3630"'
    assert camera.digest("DESCRIBE", header) is None


@pytest.mark.parametrize(("text", "seconds"), [("PT1M", 60), ("PT1H0M5S", 3605), ("PT0.5S", 0.5), (None, 7), ("x", 7)])
def test_durations(text: str | None, seconds: float) -> None:
    assert duration_s(text, 7) == seconds


def test_large_units_are_cut_and_marked() -> None:
    unit = bytes([0x65]) + bytes(range(256)) * 12
    packets = Packetizer().packets(b"\x00\x00\x00\x01" + unit, 1.0)
    assert nal_units(b"\x00\x00\x01\x67\x01\x00\x00\x00\x01" + unit) == [b"\x67\x01", unit]
    assert all(len(packet) <= MOST_PAYLOAD + 14 for packet in packets)
    assert [packet[1] >> 7 for packet in packets] == [0] * (len(packets) - 1) + [1]
    assert bytes([packets[0][12] & 0xE0 | packets[0][13] & 0x1F]) + b"".join(p[14:] for p in packets) == unit


def test_large_units_of_h265_are_cut_and_marked() -> None:
    unit = bytes([0x26, 0x01]) + bytes(range(256)) * 12
    packets = Packetizer("hevc").packets(b"\x00\x00\x00\x01" + unit, 1.0)
    assert all(len(packet) <= MOST_PAYLOAD + 15 for packet in packets)
    assert [packet[12] >> 1 for packet in packets] == [49] * len(packets)
    assert [packet[14] & 0xC0 for packet in packets] == [0x80, *[0] * (len(packets) - 2), 0x40]
    assert bytes([packets[0][14] << 1 & 0x7E, packets[0][13]]) + b"".join(p[15:] for p in packets) == unit
