"""The list of drills: each entry signed by this box and chained to the one before.

One line of JSON an entry.  `previous` is the SHA-256 of the line before, so that nothing can be changed, put in or
taken out in between; `signature` is Ed25519 over the line without it.  What is cut off at the end shows against the
number and hash that the event `drill.ended` has told the platforms.  The key is made at the first drill and never
leaves the box.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from courtyard.agent.drills.drill import Result

FOLDER: Final = "drills"
LIST, KEY, PUBLIC = "list.jsonl", "key.pem", "key.pub"
BEGIN: Final = "0" * 64
MAX_BYTES: Final = 64 << 20
APART_S: Final = 60.0


class Entry(msgspec.Struct, frozen=True):
    """One drill in the list."""

    number: int
    previous: str
    key: str
    drill: Result
    signature: str = ""


class Kept(NamedTuple):
    """What an appended entry is known by: its number, the hash of its line, the fingerprint of the key."""

    number: int
    hash: str
    key: str


class Checked(NamedTuple):
    """One line and what is wrong with it, if anything: `unreadable`, `chain`, `number`, `key` or `signature`."""

    entry: Entry | None
    problem: str | None


class Evidence:
    """The list in a folder of the data directory.  Every method blocks and raises OSError."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER

    def append(self, result: Result) -> Kept:
        """Signs and adds a drill; on disk when this returns."""
        key = self._key()
        lines = self._lines()
        previous = _hash(lines[-1]) if lines else BEGIN
        public = key.public_key().public_bytes_raw()
        entry = Entry(len(lines) + 1, previous, fingerprint(public), result)
        entry = msgspec.structs.replace(entry, signature=key.sign(_encode(entry)).hex())
        line = _encode(entry)
        with (self.folder / LIST).open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return Kept(entry.number, _hash(line), entry.key)

    def append_apart(self, result: Result) -> Kept:
        """The same in a process of its own, so that a daemon that runs for years does not hold what signing takes."""
        command = [sys.executable, "-m", __name__, str(self.folder.parent)]
        done = subprocess.run(command, input=msgspec.json.encode(result), capture_output=True, timeout=APART_S)
        if done.returncode != 0:
            raise OSError(done.stderr.decode("utf-8", "replace").strip()[-200:])
        return msgspec.json.decode(done.stdout, type=Kept)

    def read(self) -> list[Entry]:
        """All entries that can be read, unchecked."""
        return [entry for line in self._lines() if (entry := _decoded(line)) is not None]

    def verify(self) -> list[Checked]:
        """Every line against the one before and against the key of this box."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        lines, checked, previous = self._lines(), list[Checked](), BEGIN
        if not lines:
            return []
        raw = bytes.fromhex((self.folder / PUBLIC).read_text().strip())
        public = Ed25519PublicKey.from_public_bytes(raw)
        for number, line in enumerate(lines, 1):
            entry, problem = _decoded(line), None
            if entry is None:
                problem = "unreadable"
            elif entry.previous != previous:
                problem = "chain"
            elif entry.number != number:
                problem = "number"
            elif entry.key != fingerprint(raw):
                problem = "key"
            else:
                try:
                    public.verify(bytes.fromhex(entry.signature), _encode(msgspec.structs.replace(entry, signature="")))
                except (InvalidSignature, ValueError):
                    problem = "signature"
            checked.append(Checked(entry, problem))
            previous = _hash(line)
        return checked

    def _lines(self) -> list[bytes]:
        try:
            with (self.folder / LIST).open("rb") as file:
                return file.read(MAX_BYTES).splitlines()
        except FileNotFoundError:
            return []

    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
            load_pem_private_key,
        )

        path = self.folder / KEY
        try:
            return load_pem_private_key(path.read_bytes(), None)
        except FileNotFoundError:
            key = Ed25519PrivateKey.generate()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        (self.folder / PUBLIC).write_text(key.public_key().public_bytes_raw().hex() + "\n")
        return key


def fingerprint(public: bytes) -> str:
    """The first 16 hexadecimal digits of the key's SHA-256, for comparing by eye."""
    return hashlib.sha256(public).hexdigest()[:16]


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _encode(entry: Entry) -> bytes:
    return msgspec.json.encode(entry)


def _decoded(line: bytes) -> Entry | None:
    """None for what this box would not have written in this way."""
    try:
        entry = msgspec.json.decode(line, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return entry if _encode(entry) == line else None


if __name__ == "__main__":
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Result)
    sys.stdout.buffer.write(msgspec.json.encode(Evidence(Path(sys.argv[1])).append(told)))
