"""Templates compiled once for a release, by a process of their own.

Compiling all of them takes a second of a core and leaves two megabytes of gaps in the daemon's memory; loading what was
compiled takes some milliseconds.

Invariants
1. A daemon reads what was compiled from the very text of the template by the very same library and Python; anything
   else it compiles itself.
2. What a power cut may have spoiled is not read: the mark that says all is there is written last, after the rest is on
   disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from hashlib import blake2s
from pathlib import Path
from typing import Final

import jinja2

from courtyard.agent.web.render import FOLDER, Renderer

log = logging.getLogger(__name__)

MARK: Final = "complete"
LONGEST_S: Final = 60.0


class _Reading(jinja2.FileSystemBytecodeCache):
    """Compiled templates that nobody writes here."""

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Leaves the folder as it is."""


async def compiled(folder: Path) -> jinja2.BytecodeCache | None:
    """The compiled templates in a folder of their own, made there where they are missing; None where they cannot be,
    and then the daemon compiles what it needs."""
    if not await asyncio.to_thread(_complete, folder):
        command = (sys.executable, "-m", __spec__.name, str(folder))
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        said = b""
        try:
            async with asyncio.timeout(LONGEST_S):
                _, said = await process.communicate()
        except TimeoutError:
            said = b"it took too long"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            why = said.decode(errors="replace").strip().rpartition("\n")[2][:300]
            log.warning("templates are compiled in the daemon, at every start: %s", why)
            return None
    return _Reading(str(folder))


def _complete(folder: Path) -> bool:
    try:
        return (folder / MARK).read_text() == _state()
    except (OSError, UnicodeDecodeError):
        return False


def _state() -> str:
    """What the compiled templates depend on."""
    texts = b"\0".join(path.read_bytes() for path in sorted((FOLDER / "templates").iterdir()))
    return f"{blake2s(texts).hexdigest()} {FOLDER} Jinja2 {jinja2.__version__} Python {sys.version}"


def make(folder: Path) -> None:
    """Compiles all templates into a folder.  Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    Renderer(compiled=jinja2.FileSystemBytecodeCache(str(folder))).warm()
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    (folder / MARK).write_text(_state())


if __name__ == "__main__":
    make(Path(sys.argv[1]))
