"""The support bundle: what somebody far away needs to help, without anything that must stay here.

Invariants
1. No secret that the site names, and nothing that looks like one, is in the bundle; nor any one-time code, phone number
   or frame of a wearable.
2. No part is larger than PART_BYTES, the whole not larger than WHOLE_BYTES before compression; what is cut says so.
3. A part that can not be had is replaced by the reason.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from courtyard.agent.accounts.passwords import CODE, TOKEN_MARK
from courtyard.config.redact import MASK, Redactor, is_secret_name

PART_BYTES: Final = 2_000_000
WHOLE_BYTES: Final = 10_000_000
LONGEST_SECRET: Final = 65_536
_TOKEN: Final = re.compile(rf"\b{TOKEN_MARK}[\w-]{{20,}}")
_PHONE: Final = re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d{9}(?!\d)")
_KEY: Final = re.compile(r"(?:^|_)(?:key|pin|puk|code)s?$", re.IGNORECASE)
CUT: Final = "[cut] "


def secrets_of_site(site_file: Path) -> Iterator[str]:
    """Every secret that a site file names or holds, also one with mistakes."""
    directory = site_file.parent
    for path in sorted((directory / "secrets").glob("*")):
        yield from _lines_of(path)
    try:
        site = tomllib.loads(site_file.read_text("utf-8"))
    except (OSError, ValueError):
        return
    yield from _within(site, directory)


def cleaner(secrets: Iterator[str]) -> Redactor:
    """Knows these secrets; `clean` adds the shapes that only a bundle masks."""
    return Redactor(secrets)


def clean(text: str, redactor: Redactor) -> str:
    """The text without anything that must stay here."""
    text = redactor(text)
    for shape in (CODE, _TOKEN, _PHONE):
        text = shape.sub(MASK, text)
    return text


def pack(parts: Mapping[str, str | Any], redactor: Redactor) -> bytes:
    """A gzipped tar of the parts by name: texts as they are, anything else as JSON; redacted and bounded."""
    buffer, left = io.BytesIO(), WHOLE_BYTES
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, part in parts.items():
            if isinstance(part, str):
                text = part
            else:
                text = msgspec.json.format(msgspec.json.encode(redactor.value("", msgspec.to_builtins(part)))).decode()
            recent = _tail(text, 2 * PART_BYTES).decode()  # to mask what is cut anyway would take minutes
            content = _tail(clean(recent, redactor), min(PART_BYTES, left))
            left -= len(content)
            entry = tarfile.TarInfo(f"courtyard-support/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _tail(text: str, most: int) -> bytes:
    """The end of a text: what happened last matters most.  Cut between lines, so that no masked thing is torn."""
    content = text.encode("utf-8", "replace")
    if len(content) <= most:
        return content
    kept = content[len(content) - max(most - len(CUT), 0) :]
    return (CUT.encode() + kept.partition(b"\n")[2])[:most]


def _within(value: object, directory: Path) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key.endswith("_file"):
                yield from _lines_of(directory / item)
            elif isinstance(item, str | int) and (is_secret_name(key) or _KEY.search(key)):
                yield str(item)
            else:
                yield from _within(item, directory)
    elif isinstance(value, list):
        for item in value:
            yield from _within(item, directory)


def _lines_of(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET).decode("utf-8", "replace")
    except (OSError, ValueError):
        return
    yield content.strip()
    yield from (line.strip() for line in content.splitlines())
