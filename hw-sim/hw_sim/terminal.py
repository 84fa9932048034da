"""A pseudo terminal behind a symbolic link that can vanish and come back, as a USB adapter does."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
import tty
from collections.abc import Callable
from pathlib import Path


class Terminal:
    """What a daemon opens at `link`; bytes it writes go to `on_read`.  Begins unplugged."""

    def __init__(self, link: Path, on_read: Callable[[bytes], None]) -> None:
        self.link = link
        self._on_read = on_read
        self._master: int | None = None
        self._slave: int | None = None

    @property
    def plugged(self) -> bool:
        return self._master is not None

    def plug(self) -> None:
        """A fresh pty behind the link.  Raises OSError when the link cannot be made."""
        if self._master is not None:
            return
        self._master, self._slave = pty.openpty()  # the slave stays open: else the master reads EIO while nobody has it
        tty.setraw(self._slave, termios.TCSANOW)  # before anybody opens it: a fresh pty echoes and cooks
        os.set_blocking(self._master, False)
        fresh = self.link.with_name(self.link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.link)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def unplug(self) -> None:
        """The path vanishes; whoever has it open gets EIO or a hang-up."""
        if self._master is None or self._slave is None:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        self.link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = None

    def write(self, data: bytes) -> int:
        """How many bytes the other side can still get; 0 when it is unplugged or nobody reads."""
        if self._master is None:
            return 0
        try:
            return os.write(self._master, data)
        except BlockingIOError:  # nobody reads: a UART loses them too
            return 0

    def _read(self) -> None:
        assert self._master is not None
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return
        self._on_read(data)
