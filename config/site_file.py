"""The site file as a program changes it: read with a mark, checked before it is written, in one step, old ones kept.

Invariants
1. What is written has passed the same check as any site file.
2. A file that has changed since it was read is not written over.
3. A crash leaves the old file or the new one; the old one is among the versions before the new one is in place.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from courtyard.config.read import Verdict, check_site
from courtyard.config.text_file import LARGEST_BYTES

VERSIONS: Final = 20


class Changed(Exception):
    """Somebody else has changed the site file since it was read."""


class SiteText(NamedTuple):
    """A site file at one moment; `mark` changes with every byte of it, and is empty where there is no file."""

    text: str
    mark: str
    crlf: bool = False


class SiteFile:
    """Every method blocks.  `data` is the data folder, where versions are kept."""

    def __init__(self, path: Path, data: Path, *, wall_s: Callable[[], float] = time.time) -> None:
        self.path, self._data, self._wall_s = path, data, wall_s
        self.versions = data / "site.versions"

    def read(self) -> SiteText:
        """The text with `\\n` line ends.  Raises OSError, UnicodeDecodeError."""
        try:
            with self.path.open("rb") as stream:
                data = stream.read(LARGEST_BYTES)
        except FileNotFoundError:
            return SiteText("", "")
        text = data.decode("utf-8-sig")
        return SiteText(text.replace("\r\n", "\n"), hashlib.sha256(data).hexdigest(), "\r\n" in text)

    def check(self, text: str) -> Verdict:
        """What `courtyard check` would say of this text at this place.  Raises OSError."""
        self._data.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._data, prefix=".site.", suffix=".toml") as new:
            new.write(text)
            new.flush()
            folder = self.path.parent
            return check_site(Path(new.name), directory=folder, own=folder)

    def write(self, text: str, before: SiteText) -> None:
        """Puts a checked text in the place of `before`.  Raises Changed, OSError."""
        now = self.read()
        if now.mark != before.mark:
            raise Changed
        if before.mark:
            self._keep_version()
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, text.replace("\n", "\r\n" if before.crlf else "\n").encode(), 0o640)

    def keep(self, folder: str, name: str, content: str, mode: int) -> str:
        """Writes a file that the site names, in a folder beside it; gives back that name.  Raises OSError."""
        beside = self.path.parent / folder
        beside.mkdir(mode=0o750, parents=True, exist_ok=True)
        replace_file(beside / name, content.encode(), mode)
        return f"{folder}/{name}"

    def _keep_version(self) -> None:
        self.versions.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._wall_s()))
        kept = sorted(self.versions.glob("site-*.toml"))
        number = 1 + max((int(file.stem.split("-")[1]) for file in kept), default=0)
        replace_file(self.versions / f"site-{number:06}-{stamp}.toml", self.path.read_bytes(), 0o600)
        for old in kept[: max(0, len(kept) + 1 - VERSIONS)]:
            old.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Writes a file in one step, on disk when this returns.  Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
