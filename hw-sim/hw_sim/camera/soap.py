"""SOAP 1.2 as cameras speak it: envelopes, faults, times (ONVIF Core Specification, sections 5 and 9)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "tns1": "http://www.onvif.org/ver10/topics",
    "ter": "http://www.onvif.org/ver10/error",
    "wsrf-rw": "http://docs.oasis-open.org/wsrf/rw-2",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?")


class SoapFault(Exception):
    """Answered as a fault: `subcode` such as `ter:NotAuthorized`."""

    def __init__(self, subcode: str, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.subcode, self.reason, self.status = subcode, reason, status


class Request(NamedTuple):
    """One operation with its envelope."""

    path: str
    namespace: str
    operation: str
    envelope: ElementTree.Element

    def text(self, name: str) -> str | None:
        """The text of the first element of that local name."""
        return next(iter(self.texts(name)), None)

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of that local name."""
        return [(each.text or "").strip() for each in _named(self.envelope, name)]


def parse(path: str, body: bytes) -> Request:
    """Raises SoapFault."""
    try:
        envelope = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise SoapFault("ter:WellFormed", str(error)) from error
    content = envelope.find(f"{{{NAMESPACES['s']}}}Body")
    if content is None or not len(content):
        raise SoapFault("ter:OperationProhibited", "no operation")
    namespace, _, operation = content[0].tag.removeprefix("{").rpartition("}")
    return Request(path, namespace, operation, envelope)


def first(root: ElementTree.Element, name: str) -> ElementTree.Element | None:
    """The first element of that local name."""
    return next(_named(root, name), None)


def _named(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


def envelope(content: str) -> bytes:
    """A reply with its body."""
    head = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_DECLARED}>'
    return f"{head}<s:Body>{content}</s:Body></s:Envelope>".encode()


def fault(error: SoapFault) -> bytes:
    """A reply that says what is wrong."""
    return envelope(
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{error.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(error.reason)}</s:Text></s:Reason></s:Fault>'
    )


def instant(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration_s(text: str | None, default_s: float) -> float:
    """An xs:duration of hours, minutes and seconds."""
    match = _DURATION.fullmatch(text or "")
    if match is None:
        return default_s
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
