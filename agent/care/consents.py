"""Who agreed to what, and who asked for it: an append-only file of acts, one JSON object a line.

Invariants
1. What holds now is what the acts say in their order; there is no second record of it.
2. An act counts when it is on disk.  A last line that a power cut tore is no act, and the next one takes its place.
3. Every act names the hash of the one before it, so that an act that was changed or taken out is noticed.  (Whoever
   can write the file can forge all of it: the hash of the last act belongs on paper, or at the platform.)
4. The file is for the service alone, and bounded: beyond MAX_BYTES nothing is added.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from courtyard.agent.records import Instant, instant
from courtyard.drivers.base import Text

FILE: Final = "residents.acts"
MAX_BYTES: Final = 16_000_000
GENESIS: Final = "0" * 64

Deed = Literal["grant", "withdraw", "export", "erase", "erased"]
"""`erase` is the wish, `erased` its fulfilment."""


class Act(msgspec.Struct, frozen=True):
    """One thing that a person did for a resident."""

    at: Instant
    by: str
    deed: Deed
    resident: str
    note: str
    previous: str
    """Hash (SHA-256, hexadecimal) of the line before."""


class Damaged(Exception):
    """The file is not what was written.  `text` says where and what to do."""

    def __init__(self, path: Path, line: int) -> None:
        self.text = Text(
            f"{path}, line {line}: this act, or the one before it, was changed. No consent is assumed. "
            "Restore the file from a backup, or move it away and ask the residents again.",
            f"{path} 第 {line} 行：此条或上一条记录被改动过，现按未同意处理。"
            "请从备份恢复该文件，或移走后重新征求住户同意。",
        )
        super().__init__(self.text.en)


class Full(Exception):
    """The file has reached its bound."""


class Consents:
    """The acts of one box.  `refresh` sees what another process added."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._acts: tuple[Act, ...] = ()
        self._granted: frozenset[str] = frozenset()
        self.damage: Damaged | None = None

    @property
    def acts(self) -> tuple[Act, ...]:
        """All acts, oldest first."""
        return self._acts

    def granted(self, resident: str) -> bool:
        """Whether this resident agrees to the use of health data.  False while the file is damaged."""
        return resident in self._granted

    def to_erase(self) -> frozenset[str]:
        """The residents whose wish to be erased is not fulfilled yet."""
        last = {act.resident: act.deed for act in self._acts if act.deed in ("erase", "erased")}
        return frozenset(resident for resident, deed in last.items() if deed == "erase")

    def refresh(self) -> bool:
        """Reads the file when it has changed; whether consents differ now.  Raises OSError."""
        try:
            status = self._path.stat()
            stamp = status.st_ino, status.st_size, status.st_mtime_ns
            content = b"" if stamp == self._seen else self._path.read_bytes()
        except FileNotFoundError:
            stamp, content = (0, 0, 0), b""
        if stamp == self._seen:
            return False
        before, self._seen = self._granted, stamp
        try:
            self._acts, self.damage = read(self._path, content), None
            self._granted = granted(self._acts)
        except Damaged as damage:
            self._acts, self._granted, self.damage = (), frozenset(), damage
        return self._granted != before

    def add(self, deed: Deed, resident: str, *, by: str, note: str = "", at_ms: int) -> Act:
        """Adds an act; it is on disk when this returns.  Raises Damaged, Full and OSError."""
        with open(self._path, "a+b", opener=_private) as file:
            os.lockf(file.fileno(), os.F_LOCK, 0)  # until the file is closed
            if os.geteuid() == 0:  # an administrator's act, on a file of the service
                folder = self._path.parent.stat()
                os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
            file.seek(0)
            content = file.read(MAX_BYTES)
            whole = content.rfind(b"\n") + 1
            acts = read(self._path, content[:whole])
            previous = _hash(content[:whole].splitlines()[-1]) if acts else GENESIS
            act = Act(instant(at_ms), by, deed, resident, note, previous)
            line = msgspec.json.encode(act) + b"\n"
            if whole + len(line) > MAX_BYTES:
                raise Full
            file.truncate(whole)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.refresh()
        return act


def read(path: Path, content: bytes) -> tuple[Act, ...]:
    """The acts of a file's content, without a torn last line.  Raises Damaged."""
    acts, previous = [], GENESIS
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            act = msgspec.json.decode(line, type=Act)
        except msgspec.DecodeError as error:
            raise Damaged(path, number) from error
        if act.previous != previous:
            raise Damaged(path, number)
        acts.append(act)
        previous = _hash(line)
    return tuple(acts)


def granted(acts: Iterable[Act]) -> frozenset[str]:
    """The residents that agree after these acts."""
    agree: set[str] = set()
    for act in acts:
        if act.deed == "grant":
            agree.add(act.resident)
        elif act.deed in ("withdraw", "erase"):
            agree.discard(act.resident)
    return frozenset(agree)


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
