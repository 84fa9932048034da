"""Pictures and clips of alarms as they lie in the data directory."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Final

from courtyard.agent.lifts import FOLDER, PICTURES
from courtyard.agent.vision.own_head import NoHead, mark
from courtyard.agent.web.watched import Piece

MOST_FOLDERS: Final = 64


class EvidenceFiles:
    """Implements `courtyard.agent.web.watched.Evidence`."""

    def __init__(self, data: Path) -> None:
        """`data` is the data directory."""
        self._folder = data / FOLDER

    async def part(self, name: str, first: int, count: int) -> Piece | None:
        return await asyncio.to_thread(self._part, name, first, count)

    async def mark(self, event: str) -> bool:
        try:
            await asyncio.to_thread(mark, self._folder, event)
        except NoHead:
            return False
        return True

    def _part(self, name: str, first: int, count: int) -> Piece | None:
        if not name or name != Path(name).name or name.startswith("."):
            return None
        for folder in sorted(self._folder.glob(f"{PICTURES}*"))[:MOST_FOLDERS]:
            try:
                descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue  # each process has a folder of its own; what is not kept any more is in none
            with os.fdopen(descriptor, "rb") as file:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    return None
                begin = max(0, about.st_size + first) if first < 0 else first
                file.seek(begin)
                return Piece(file.read(count), begin, about.st_size)
        return None
