"""What the machine itself takes, sampled while something else is measured: one write made durable, one short sleep.

A delay of the product can be judged only beside these: on a virtual machine both are the host's to give.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.report import percentile

EVERY_S = 0.05
WRITE_BYTES = 4096
SLEEP_S = 0.001


class Limits(NamedTuple):
    """Seconds, one of each for each sample."""

    writes: list[float]
    sleeps: list[float]


def p99_ms(delays_s: list[float]) -> float:
    """The 99th percentile, in milliseconds."""
    return percentile(delays_s, 0.99) * 1000


def machine(limits: Limits) -> str:
    """What the machine took for one durable write and one short sleep meanwhile."""
    told = [
        f"{what} p99 {p99_ms(delays):.0f} ms, longest {max(delays) * 1000:.0f} ms"
        for what, delays in (("a durable write", limits.writes), ("a late wake-up", limits.sleeps))
    ]
    return f"of the machine: {'; '.join(told)}"


@contextmanager
def sampled(folder: Path) -> Iterator[Limits]:
    """Samples the disk that holds `folder`, and the scheduler, for the length of the block."""
    limits, ended = Limits([], []), threading.Event()

    def sample() -> None:
        descriptor = os.open(folder / "limits", os.O_CREAT | os.O_WRONLY)
        try:
            while not ended.wait(EVERY_S):
                began = time.monotonic()
                os.pwrite(descriptor, bytes(WRITE_BYTES), 0)
                os.fdatasync(descriptor)
                written = time.monotonic()
                time.sleep(SLEEP_S)
                limits.writes.append(written - began)
                limits.sleeps.append(time.monotonic() - written - SLEEP_S)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield limits
    finally:
        ended.set()
        thread.join()
