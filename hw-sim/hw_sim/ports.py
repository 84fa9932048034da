"""Ports for servers that must know theirs before they start."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

FIRST_PORT, DRAWN_PORTS = 20_000, Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A loopback TCP port that nobody listens on, and that the kernel gives nobody who does not ask for it.

    A port of the range that it draws from could until it is used become the near end of any connection: of one that
    tries this very port again and again, too, which is then connected to itself.
    """
    first_drawn = int(DRAWN_PORTS.read_text().split()[0])
    for port in random.sample(range(FIRST_PORT, first_drawn), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no free port from {FIRST_PORT} to {first_drawn}")
