"""What the replies of ONVIF services say, as values (ONVIF Core, Media and Media2 Service Specifications).

Every function takes the content of a SOAP body (`reply.parse`) and raises Malformed where the answer is missing.
"""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

from courtyard.drivers.camera.frames import LARGEST
from courtyard.drivers.camera.reply import Element, Malformed, child, first, named, text_at

MOST_PROFILES, MOST_RELAYS, MOST_NOTIFICATIONS = 64, 32, 256
NARROWEST = 352
"""A sub-stream narrower than this shows too little."""
DEVICE, MEDIA, MEDIA2, EVENTS = (
    "http://www.onvif.org/ver10/device/wsdl",
    "http://www.onvif.org/ver10/media/wsdl",
    "http://www.onvif.org/ver20/media/wsdl",
    "http://www.onvif.org/ver10/events/wsdl",
)
_CAPABILITIES = {"Device": DEVICE, "Media": MEDIA, "Events": EVENTS}
_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")


class Identity(NamedTuple):
    """Who a camera says it is."""

    manufacturer: str
    model: str
    firmware: str
    serial: str


class Profile(NamedTuple):
    """One media profile; sizes are 0 and the encoding is empty where the camera does not say."""

    token: str
    encoding: str
    width: int
    height: int


class Subscription(NamedTuple):
    """A PullPoint: its address as claimed, the reference parameters that every request must carry, its life."""

    address: str
    parameters: tuple[Element, ...]
    lease_s: float | None


class Notification(NamedTuple):
    """One event: topic without namespace prefixes, source and data items, when and what the camera says of it."""

    topic: str
    source: tuple[tuple[str, str], ...]
    data: dict[str, str]
    operation: str
    at: datetime.datetime | None


def clock(reply: Element) -> datetime.datetime:
    """The camera's UTC time."""
    utc = first(reply, "UTCDateTime")
    utc = first(reply, "LocalDateTime") if utc is None else utc  # cameras without a zone give only this
    if utc is None:
        raise Malformed("no time")
    parts = [_number(text_at(utc, name)) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    return _moment(*parts)


def services(reply: Element) -> dict[str, str]:
    """Namespace to address, from GetServices or GetCapabilities."""
    found = {text_at(each, "Namespace"): text_at(each, "XAddr") for each in named(reply, "Service")}
    capabilities = first(reply, "Capabilities")
    for each in capabilities if capabilities is not None and not found else ():
        namespace = _CAPABILITIES.get(str(each.tag).rpartition("}")[2])
        if namespace is not None:
            found[namespace] = text_at(each, "XAddr")
    return {namespace: address for namespace, address in found.items() if namespace and address}


def identity(reply: Element) -> Identity:
    """GetDeviceInformation."""
    names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
    return Identity(*(text_at(reply, name)[:100] for name in names))


def profiles(reply: Element) -> list[Profile]:
    """GetProfiles, of Media and of Media2."""
    found = []
    for each in list(named(reply, "Profiles"))[:MOST_PROFILES]:
        encoder = first(each, "VideoEncoderConfiguration")
        encoder = first(each, "VideoEncoder") if encoder is None else encoder
        token = each.get("token")
        if encoder is None or not token:
            continue
        size = [_number(text_at(encoder, name) or "0") for name in ("Width", "Height")]
        found.append(Profile(token[:64], text_at(encoder, "Encoding").upper(), *size))
    if not found:
        raise Malformed("no media profile with video")
    return found


def choose(found: list[Profile], wanted: str) -> Profile | None:
    """The profile of that token; for `sub` the smallest that is wide enough, H.264 before H.265.

    What could not be watched, for its codec or its size, comes last.
    """
    if wanted != "sub":
        return next((each for each in found if each.token == wanted), None)
    return min(found, key=_reluctance)


def _reluctance(profile: Profile) -> tuple[bool, bool, bool, int]:
    size = profile.width * profile.height
    is_watched = profile.encoding in ("H264", "H265", "") and size <= LARGEST
    return not is_watched, profile.width < NARROWEST, profile.encoding == "H265", size


def uri(reply: Element) -> str:
    """GetStreamUri and GetSnapshotUri, of Media and of Media2."""
    text = text_at(reply, "Uri")
    if not text:
        raise Malformed("no address")
    return text


def relays(reply: Element) -> list[str]:
    """Tokens of GetRelayOutputs."""
    return [token[:64] for each in list(named(reply, "RelayOutputs"))[:MOST_RELAYS] if (token := each.get("token"))]


def subscription(reply: Element) -> Subscription:
    """CreatePullPointSubscription."""
    reference = first(reply, "SubscriptionReference")
    address = "" if reference is None else text_at(reference, "Address")
    if reference is None or not address:
        raise Malformed("no subscription address")
    parameters = first(reference, "ReferenceParameters")
    return Subscription(address, () if parameters is None else tuple(parameters), lease_s(reply))


def lease_s(reply: Element) -> float | None:
    """How long a subscription lives from now on, by the camera's own clock."""
    now, end = instant(text_at(reply, "CurrentTime")), instant(text_at(reply, "TerminationTime"))
    return None if now is None or end is None else max(0.0, (end - now).total_seconds())


def notifications(reply: Element) -> list[Notification]:
    """PullMessages; what is no event is left out."""
    found = []
    for each in list(named(reply, "NotificationMessage"))[:MOST_NOTIFICATIONS]:
        message = next((inner for inner in named(each, "Message") if inner.get("UtcTime") is not None), None)
        topic = text_at(each, "Topic")
        if message is None or not topic:
            continue
        source, data = child(message, "Source"), child(message, "Data")
        found.append(
            Notification(
                plain_topic(topic),
                tuple(sorted(_items(source).items())),
                _items(data),
                message.get("PropertyOperation") or "Changed",
                instant(message.get("UtcTime") or ""),
            )
        )
    return found


def plain_topic(topic: str) -> str:
    """`tns1:Device/Trigger/tnshik:AlarmIn` as `Device/Trigger/AlarmIn`."""
    return "/".join(step.rpartition(":")[2] for step in topic.strip()[:256].split("/"))


def instant(text: str) -> datetime.datetime | None:
    """An xs:dateTime; `24:00:00` is the next day's midnight, a time without a zone is UTC.  None for anything else."""
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        return None
    *parts, fraction, zone = match.groups()
    try:
        at = _moment(*map(int, parts))
        if fraction:
            at += datetime.timedelta(seconds=float(f"0.{fraction}"))
        if zone and zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[4:6])
            shift = datetime.timedelta(hours=hours, minutes=minutes)
            at = at - shift if zone[0] == "+" else at + shift
    except (Malformed, OverflowError):
        return None
    return at


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime.datetime:
    try:
        at = datetime.datetime(
            year, month, day, 0 if hour == 24 else hour, minute, min(second, 59), tzinfo=datetime.UTC
        )
        return at + datetime.timedelta(days=hour == 24)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"no time: {error}") from error


def _items(holder: Element | None) -> dict[str, str]:
    items = [] if holder is None else list(named(holder, "SimpleItem"))[:32]
    return {each.get("Name", "")[:64]: each.get("Value", "")[:256] for each in items}


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text):
        raise Malformed(f"{text[:20]!r} where a number should be")
    return int(text)
