"""A line editor that leaves the screen alone: keys in, finished lines out."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_LINE = 80


class Keyboard:
    """Collects what is typed; `typed` is the unfinished line, to be shown wherever the screen wants it."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.typed = ""
        self._on_line = on_line
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def feed(self, data: bytes) -> None:
        """Takes raw bytes from the terminal: text, backspace, enter.  Escape sequences are dropped."""
        if data.startswith(b"\x1b"):
            return
        for character in self._decode.decode(data):
            if character in "\r\n":
                line, self.typed = self.typed.strip(), ""
                if line:
                    self._on_line(line)
            elif character in "\x7f\b":
                self.typed = self.typed[:-1]
            elif character.isprintable() and len(self.typed) < MAX_LINE:
                self.typed += character

    @contextmanager
    def attached(self, descriptor: int | None = None) -> Iterator[None]:
        """Reads the terminal for the length of the block; does nothing where there is none."""
        source = sys.stdin.fileno() if descriptor is None else descriptor
        if not os.isatty(source):
            yield
            return
        loop, before = asyncio.get_running_loop(), termios.tcgetattr(source)
        tty.setcbreak(source)
        loop.add_reader(source, lambda: self.feed(os.read(source, 256)))
        try:
            yield
        finally:
            loop.remove_reader(source)
            termios.tcsetattr(source, termios.TCSADRAIN, before)
