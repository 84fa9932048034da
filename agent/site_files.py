"""Whether a person has changed the site file, or one of the files that it names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """What differs when a file was written; all zero when it cannot be looked at."""

    modified_ns: int = 0
    size: int = 0
    inode: int = 0


class SiteFiles:
    """Looks at files now and then; one `stat` each, nothing is read."""

    def __init__(self, site: Path) -> None:
        self._site = site
        self._files: tuple[Path, ...] = (site,)
        self._taken: Mapping[Path, Stamp] = {}
        self._looked: Mapping[Path, Stamp] = {}

    def take(self, own: Iterable[Path] = ()) -> None:
        """From now on the site is made of its file and of `own`; those of which nothing is known count as taken."""
        self._files = (self._site, *own)
        self._taken = {path: self._taken.get(path) or _stamp(path) for path in self._files}

    def begin(self) -> None:
        """What is there now is about to be read: what is written later is a change."""
        self._taken = self._stamps()

    def changed(self) -> bool:
        """Whether something was written since, and nobody has been writing since the last look."""
        before, self._looked = self._looked, self._stamps()
        return self._looked == before and self._looked != self._taken

    def _stamps(self) -> dict[Path, Stamp]:
        return {path: _stamp(path) for path in self._files}


def _stamp(path: Path) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return Stamp()
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)
