"""Processes under measurement: pinned to a core, with CPU time and memory read from /proc (proc(5))."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """CPU seconds (user + system) and resident bytes of one process at one instant."""

    at_s: float
    cpu_s: float
    rss_bytes: int
    written_bytes: int


def usage(pid: int) -> Usage:
    """Raises FileNotFoundError when the process is gone."""
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    written = next(line for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line.startswith("write_bytes"))
    return Usage(
        time.monotonic(),
        (int(stat[11]) + int(stat[12])) * TICK_S,
        int(resident.split()[1]) * 1024,
        int(written.split()[1]),
    )


def cpu_share(before: Usage, after: Usage) -> float:
    """Share of one core between two looks."""
    return (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s)


@contextmanager
def running(
    arguments: Sequence[str],
    *,
    core: int | None = None,
    environment: Mapping[str, str] = {},
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Runs a program for the length of the block, on one core if given; ends it at the end."""
    process = subprocess.Popen(
        list(arguments),
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def python(*arguments: str) -> list[str]:
    """This interpreter with arguments."""
    return [sys.executable, *arguments]
