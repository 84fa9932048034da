"""A serial port on the event loop: pyserial sets it up, the loop reads its file descriptor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios

import serial

from courtyard.drivers.base import DriverError
from courtyard.drivers.lines.faults import line_fault, serial_fault
from courtyard.drivers.lines.settings import SerialLine
from courtyard.drivers.lines.wire import Listener

READ_BYTES = 4096


class SerialPort:
    """A Wire on an open serial port."""

    def __init__(self, port: serial.Serial, listener: Listener) -> None:
        self._port, self._listener = port, listener
        self._fd: int = port.fileno()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._loop.add_reader(self._fd, self._readable)

    @property
    def is_open(self) -> bool:
        return not self._closed

    def send(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            written = os.write(self._fd, data)
        except BlockingIOError:
            written = 0
        except OSError:
            self._lose("line.lost.unplugged", port=self._port.port)
            return
        if written < len(data):  # the driver's buffer holds kilobytes, a frame 256 bytes: nothing leaves any more
            self._lose("line.lost.jammed", where=self._port.port)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._fd)
        with contextlib.suppress(OSError, termios.error):  # an unplugged port has nothing to discard
            self._port.reset_output_buffer()  # otherwise closing a jammed port waits for it to drain
        self._port.close()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._listener.received(data)
        else:
            self._lose("line.lost.unplugged", port=self._port.port)

    def _lose(self, code: str, **details: object) -> None:
        self.close()
        self._listener.lost(line_fault(code, **details))


async def open_serial(line: SerialLine, listener: Listener) -> SerialPort:
    """Opens a port for this process alone.  Raises DriverError."""
    opening = asyncio.get_running_loop().run_in_executor(None, _open, line)
    try:
        port = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise
    except (OSError, ValueError, termios.error) as error:
        raise DriverError(serial_fault(error, line.port), line.name) from error
    return SerialPort(port, listener)


def _open(line: SerialLine) -> serial.Serial:
    port = serial.Serial(
        line.port,
        line.baud,
        bytesize=line.data_bits,
        parity="N" if _is_pseudo_terminal(line.port) else line.parity,
        stopbits=line.stop_bits,
        exclusive=True,
        inter_byte_timeout=0.001,  # becomes VMIN=1, VTIME=0: reading 0 bytes then means unplugged, not "none yet"
    )
    with contextlib.suppress(ValueError):  # only some USB adapters hold bytes back, and only those can be told not to
        port.set_low_latency_mode(True)
    return port


def _is_pseudo_terminal(path: str) -> bool:
    """Pseudo terminals have no parity and refuse to be told one (EINVAL)."""
    return os.path.realpath(path).startswith("/dev/pts/")


def _close_unwanted(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
