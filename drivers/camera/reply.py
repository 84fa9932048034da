"""XML from cameras, read without trust: no document types, no entities, bounded size; any prefix and extras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lxml import etree

MOST_BYTES = 1 << 20
Element: TypeAlias = etree._Element


class Malformed(Exception):
    """What a camera sent is not the reply it should be; the text says why, in English."""


class Refused(Exception):
    """The camera answered with a SOAP fault."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code, self.reason = code, reason

    @property
    def about_login(self) -> bool:
        """Whether the camera does not accept the login."""
        said = f"{self.code} {self.reason}".lower()
        return any(word in said for word in ("notauthorized", "not authorized", "failedauthentication", "unauthorized"))


def parse(body: bytes) -> Element:
    """The content of the SOAP body.  Raises Malformed; Refused for a fault."""
    if len(body) > MOST_BYTES:
        raise Malformed(f"more than {MOST_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    if b"<!DOCTYPE" in body:
        raise Malformed("a document type, which SOAP forbids")
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(f"not XML: {str(error)[:200]}") from error
    if root.getroottree().docinfo.doctype:
        raise Malformed("a document type, which SOAP forbids")
    content = first(root, "Body")
    if content is None or not len(content):
        raise Malformed("no SOAP body")
    fault = content if _name(content) == "Fault" else child(content, "Fault")
    if fault is not None:
        codes = [text_of(each).rpartition(":")[2] for each in named(fault, "Value")]
        words = first(fault, "Text")
        if words is None:
            words = first(fault, "faultstring")
        raise Refused(codes[-1] if codes else "Fault", text_of(words)[:200])
    return content[0]


def named(root: Element, name: str) -> Iterator[Element]:
    """All elements of that local name, in the order of the document; the root itself may be one."""
    return (each for each in root.iter() if _name(each) == name)


def first(root: Element, name: str) -> Element | None:
    """The first element of that local name."""
    return next(named(root, name), None)


def child(parent: Element, name: str) -> Element | None:
    """The first child of that local name."""
    return next((each for each in parent if _name(each) == name), None)


def text_of(element: Element | None) -> str:
    """Its text without the blanks around it; empty for None."""
    return "" if element is None else (element.text or "").strip()


def text_at(root: Element, name: str) -> str:
    """The text of the first element of that local name."""
    return text_of(first(root, name))


def _name(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
