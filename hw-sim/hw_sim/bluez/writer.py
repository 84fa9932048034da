"""A D-Bus connection that waits when its socket is full.

dbus-fast takes a full socket for a lost connection.  A client hardly ever meets one; a service that answers sixteen
connects at once and tells a thousand adverts a second does within a second.
"""

from __future__ import annotations

import array
import socket
from typing import Any

from dbus_fast.aio import message_bus
from dbus_fast.aio.message_bus import MessageBus


class _PatientWriter(message_bus._MessageWriter):
    """Writes what fits and goes on when there is room."""

    def write_callback(self, remove_writer: bool = True) -> None:
        descriptor: Any = self.fd
        try:
            while self.buf is not None or self.messages:
                self._write_some()
            if remove_writer:
                self.loop.remove_writer(descriptor)
        except (BlockingIOError, InterruptedError):
            self.loop.add_writer(descriptor, self.write_callback)
        except OSError as error:
            if self.fut is not None and not self.fut.done():
                self.fut.set_exception(error)
            self.bus._finalize(error)

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise ConnectionResetError("the connection is closed")
        return self.sock

    def _write_some(self) -> None:
        if self.buf is None:
            data, self.unix_fds, self.fut = self.messages.popleft()
            self.buf, self.offset = memoryview(data), 0
        rest, sock = self.buf[self.offset :], self._socket()
        if self.unix_fds:
            descriptors = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", self.unix_fds))]
            self.offset += sock.sendmsg([rest], descriptors)
            self.unix_fds = None
        else:
            self.offset += sock.send(rest)
        if self.offset >= len(self.buf):
            self.buf = None
            if self.fut is not None and not self.fut.done():
                self.fut.set_result(None)


def patient_bus(address: str) -> Any:
    """A connection to the bus at `address`, not connected yet."""
    message_bus._MessageWriter = _PatientWriter  # type: ignore[misc]
    return MessageBus(bus_address=address, negotiate_unix_fd=True)
