"""Replies of cameras as values: times, profiles, notifications, faults, and what is not accepted at all."""

from __future__ import annotations

import datetime

import pytest

from courtyard.drivers.camera.addresses import device_service, reached, stream_address, with_login
from courtyard.drivers.camera.discovery import matches, targets
from courtyard.drivers.camera.reply import MOST_BYTES, Malformed, Refused, parse
from courtyard.drivers.camera.values import Profile, choose, instant, notifications, plain_topic
from hw_sim.camera.camera import BOMB

# The notification of an ONVIF camera in the form of the Core Specification, section 9.
NOTIFICATION = """<wsnt:NotificationMessage xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"
 xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics">
<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:VideoSource/MotionAlarm</wsnt:Topic>
<wsnt:Message><tt:Message UtcTime="2026-11-22T06:30:15Z" PropertyOperation="Changed">
<tt:Source><tt:SimpleItem Name="VideoSourceToken" Value="VS0"/></tt:Source>
<tt:Data><tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"""


def envelope(content: str) -> bytes:
    return f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{content}</s:Body></s:Envelope>'.encode()


def test_a_notification_says_what_where_and_when() -> None:
    (said,) = notifications(parse(envelope(f"<PullMessagesResponse>{NOTIFICATION}</PullMessagesResponse>")))
    assert said.topic == "VideoSource/MotionAlarm"
    assert said.source == (("VideoSourceToken", "VS0"),)
    assert said.data == {"State": "true"}
    assert said.at == datetime.datetime(2026, 11, 22, 6, 30, 15, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-22T06:30:15Z", "2026-11-22T06:30:15+00:00"),
        ("2026-11-22T24:00:00Z", "2026-11-23T00:00:00+00:00"),
        ("2026-11-22T14:30:15.500+08:00", "2026-11-22T06:30:15.500000+00:00"),
        ("2026-11-22T06:30:60", "2026-11-22T06:30:59+00:00"),
        ("2026-13-22T06:30:15Z", None),
        ("yesterday", None),
        ("9999-12-31T24:00:00Z", None),
    ],
)
def test_times_of_cameras(text: str, iso: str | None) -> None:
    at = instant(text)
    assert (at and at.isoformat()) == iso


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>login</html>",
        b"<s:Envelope",
        BOMB,
        BOMB.decode().encode("utf-16"),
        b"x" * (MOST_BYTES + 1),
        envelope(""),
    ],
    ids=["empty", "page", "cut", "bomb", "bomb in UTF-16", "huge", "no body"],
)
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


@pytest.mark.parametrize(
    ("fault", "about_login"),
    [
        (
            "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>",
            True,
        ),
        ("<s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>not Authorized</s:Text></s:Reason>", True),
        ("<s:Code><s:Value>s:Receiver</s:Value></s:Code>", False),
        ("<faultcode>s:Client</faultcode><faultstring>busy</faultstring>", False),
    ],
)
def test_faults_of_cameras(fault: str, about_login: bool) -> None:
    with pytest.raises(Refused) as refused:
        parse(envelope(f"<s:Fault>{fault}</s:Fault>"))
    assert refused.value.about_login is about_login


def test_the_smallest_stream_that_shows_enough_is_chosen() -> None:
    main, sub, tiny = Profile("a", "H264", 1920, 1080), Profile("b", "H264", 640, 360), Profile("c", "H264", 176, 144)
    other = Profile("d", "H265", 400, 300)
    assert choose([main, sub, tiny, other], "sub") == sub
    assert choose([tiny], "sub") == tiny
    assert choose([main, sub], "a") == main
    assert choose([main, sub], "nothing") is None


def test_a_stream_that_cannot_be_watched_is_the_last_choice() -> None:
    too_large, tiny = Profile("a", "H264", 3840, 2160), Profile("b", "H264", 176, 144)
    newer, still = Profile("c", "H265", 640, 360), Profile("d", "JPEG", 640, 360)
    assert choose([too_large, tiny, newer, still], "sub") == newer
    assert choose([too_large, tiny, still], "sub") == tiny
    assert choose([too_large, still], "sub") == still


def test_vendors_prefixes_are_no_part_of_a_topic() -> None:
    assert plain_topic("tns1:Device/Trigger/tnshik:AlarmIn") == "Device/Trigger/AlarmIn"


def test_addresses_are_reached_where_the_camera_was_reached() -> None:
    device = device_service("192.168.1.64:2020")
    assert device == "http://192.168.1.64:2020/onvif/device_service"
    assert reached("http://10.0.0.9/onvif/Media?x=1", device) == "http://192.168.1.64:2020/onvif/Media?x=1"
    assert stream_address("rtsp://user:secret@10.0.0.9:554/s/1", device) == "rtsp://192.168.1.64:554/s/1"
    assert with_login("rtsp://h:554/s", "a", "p:@/ ") == "rtsp://a:p%3A%40%2F%20@h:554/s"
    for claimed in ("http://h/x", "file:///etc/passwd", "rtsp://h:99999/", "rtsp://h/ x"):
        with pytest.raises(ValueError, match=r"."):
            stream_address(claimed, device)


@pytest.mark.parametrize("address", ["", "http://", "ftp://h", "h:0", "http://h:70000"])
def test_what_is_no_address_of_a_camera(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        device_service(address)


def test_an_answer_to_a_probe_gives_the_address_that_was_reached() -> None:
    answer = envelope(
        "<ProbeMatches><ProbeMatch><EndpointReference><Address>urn:uuid:1</Address></EndpointReference>"
        "<Scopes>onvif://www.onvif.org/name/Lift%203 onvif://www.onvif.org/hardware/X1</Scopes>"
        "<XAddrs>http://10.0.0.9:2020/onvif/device_service</XAddrs></ProbeMatch></ProbeMatches>"
    )
    (found,) = matches(answer, "192.168.1.64")
    assert (found.name, found.hardware, found.identity) == ("Lift 3", "X1", "urn:uuid:1")
    assert found.address == "http://192.168.1.64:2020/onvif/device_service"


def test_targets_of_a_scan_are_bounded() -> None:
    assert targets(["10.0.0.1", "10.0.0.0/30", "h:99"]) == [("10.0.0.1", 3702), ("10.0.0.2", 3702), ("h", 99)]
    for text in ("10.0.0.0/8", "h:x", "h:0", "10.0.0.300/24"):
        with pytest.raises(ValueError, match=r"."):
            targets([text])
