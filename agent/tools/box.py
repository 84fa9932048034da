"""The machine as the doctor looks at it: files, kernel, systemd and network; a test can be any box."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from courtyard.agent.clock import KernelClock, read_kernel_clock

REACH_S: Final = 3.0
COMMAND_S: Final = 5.0
SERVICE: Final = "courtyard"


class Box(NamedTuple):
    """The machine.  `root` is where its files begin; the functions ask the kernel, systemd and the network."""

    site: Path
    data: Path
    socket: Path
    root: Path = Path("/")
    user: str = SERVICE
    kernel_clock: Callable[[], KernelClock] = read_kernel_clock
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    groups_of: Callable[[str], frozenset[str]] = lambda user: groups_of(user)
    run: Callable[[list[str]], str | None] = lambda command: output_of(command)
    reaches: Callable[[str, int], str | None] = lambda host, port: why_not(host, port)


def groups_of(user: str) -> frozenset[str]:
    """Names of the groups of a user, `dialout` and `bluetooth` of the unit file for a user that is not there."""
    try:
        own = group_name(pwd.getpwnam(user).pw_gid)
    except KeyError:
        return frozenset(("dialout", "bluetooth"))
    members = {group.gr_name for group in grp.getgrall() if user in group.gr_mem}
    return frozenset((own, "dialout", "bluetooth", *members))


def output_of(command: list[str]) -> str | None:
    """What a command prints; None when there is no such command or it does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def why_not(host: str, port: int) -> str | None:
    """Why a TCP endpoint can not be reached; None when it can."""
    try:
        with socket.create_connection((host, port), timeout=REACH_S):
            return None
    except (OSError, ValueError, OverflowError) as error:
        return str(error)


def group_name(number: int) -> str:
    """The name of a group, or its number where it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def used_bytes(directory: Path) -> int:
    """What the files of a directory take."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder, name)
            total += path.lstat().st_size if path.exists() else 0
    return total


def words_of(path: Path) -> list[str]:
    """The words of a file of the kernel; none where it cannot be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []
