"""Tells systemd how the daemon fares: sd_notify(3), Type=notify, as datagrams on the service manager's socket.

Started by anything else than systemd, every method does nothing and says True, so that callers need no cases.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping

STATUS_LIMIT = 256
"""Characters of a status line that are sent; `systemctl status` shows one line."""


class Notifier:
    """One service's connection to its manager.

    `address` is the value of NOTIFY_SOCKET: a path, or a name in the abstract name space when it begins with `@`;
    None when there is no manager.  `watchdog_s` is the time within which `watchdog()` must be called again, None when
    no watchdog runs.  Every sending method returns whether the manager took the message; when it did not (its queue is
    full, it is gone), `failure` holds the reason of the last time and the next message simply tries again.
    """

    def __init__(
        self,
        address: str | None,
        watchdog_s: float | None = None,
        *,
        mono_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Raises ValueError for an address that is no local socket (`vsock:` of virtual machines is not spoken)."""
        if address is not None and address[:1] not in ("/", "@"):
            raise ValueError(f"NOTIFY_SOCKET is {address!r}: expected an absolute path or a name that begins with '@'")
        self._address = address.replace("@", "\0", 1) if address and address[0] == "@" else address
        self._mono_ns = mono_ns
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None
        if self._socket:
            self._socket.setblocking(False)
        self.watchdog_s = watchdog_s
        self.failure: OSError | None = None

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] = os.environ,
        *,
        pid: int | None = None,
        mono_ns: Callable[[], int] = time.monotonic_ns,
    ) -> Notifier:
        """Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID (sd_watchdog_enabled(3)).

        A watchdog meant for another process is not ours.  Raises ValueError when a value makes no sense.
        """
        microseconds = int(environment.get("WATCHDOG_USEC") or 0)
        watched = int(environment.get("WATCHDOG_PID") or 0) in (0, os.getpid() if pid is None else pid)
        watchdog_s = microseconds / 1e6 if microseconds > 0 and watched else None
        return cls(environment.get("NOTIFY_SOCKET") or None, watchdog_s, mono_ns=mono_ns)

    def ready(self, status: str = "") -> bool:
        """Start-up, or a reload, is complete."""
        return self._send("READY=1", _status(status))

    def status(self, text: str) -> bool:
        """One line for people."""
        return self._send(_status(text))

    def watchdog(self) -> bool:
        """The daemon makes progress.  Call at less than half of `watchdog_s`."""
        return self._send("WATCHDOG=1")

    def reloading(self, status: str = "") -> bool:
        """New settings are being taken up; `ready` ends it."""
        return self._send("RELOADING=1", f"MONOTONIC_USEC={self._mono_ns() // 1000}", _status(status))

    def stopping(self, status: str = "") -> bool:
        """The daemon is ending on purpose."""
        return self._send("STOPPING=1", _status(status))

    def extend_timeout(self, seconds: float) -> bool:
        """Asks for this much more time, from now, to start, reload or stop."""
        return self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def close(self) -> None:
        """Gives the socket back; later messages are not sent."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str) -> bool:
        if self._socket is None or self._address is None:
            return True
        try:
            self._socket.sendto("\n".join(filter(None, lines)).encode(), self._address)
        except OSError as error:
            self.failure = error
            return False
        return True


def _status(text: str) -> str:
    # A line break in the text would start a field of its own (MAINPID=, FDSTORE=).
    return f"STATUS={' '.join(text.split())[:STATUS_LIMIT]}" if text else ""
