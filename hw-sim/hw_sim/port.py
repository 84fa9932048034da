"""A real serial port as a medium, so that simulated meters can answer on a real RS-485 wire."""

from __future__ import annotations

import asyncio
import os
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path

from hw_sim.wire import Burst, Station


class SerialPort:
    """An opened tty in raw mode, 8 data bits, one stop bit, no parity.  Raises OSError when it cannot be opened.

    A USB adapter delivers bytes in lumps of up to 16 ms, so the times of received bytes are estimates.
    """

    def __init__(self, path: Path, *, baud: int = 9600, bits: int = 10) -> None:
        self.path = path
        self.char_s = bits / baud
        self._speed: int = getattr(termios, f"B{baud}")
        self._fd: int | None = None
        self._station: Station | None = None
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, station: Station) -> None:
        self._station = station

    def open(self) -> SerialPort:
        self._fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._fd)
        mode = termios.tcgetattr(self._fd)
        mode[2] |= termios.CLOCAL | termios.CREAD
        mode[4] = mode[5] = self._speed
        termios.tcsetattr(self._fd, termios.TCSAFLUSH, mode)
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    def close(self) -> None:
        if self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def transmit(self, data: bytes, at: float = 0.0, on_damage: Callable[[], None] | None = None) -> Burst:
        burst = Burst(data, max(at, time.monotonic()), on_damage)
        self._timer = asyncio.get_running_loop().call_at(burst.start, self._write, burst)
        return burst

    def cancel(self, burst: Burst) -> bool:
        if burst.start <= time.monotonic() or self._timer is None:
            return False
        self._timer.cancel()
        return True

    def _write(self, burst: Burst) -> None:
        if self._fd is None or os.write(self._fd, burst.data) < len(burst.data):
            burst.damage()

    def _read(self) -> None:
        assert self._fd is not None
        data = os.read(self._fd, 4096)
        if not data:  # hung up
            self.close()
        elif self._station is not None:
            now = time.monotonic()
            self._station.heard(data, now - len(data) * self.char_s, now)
