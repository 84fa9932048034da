"""Promises of time that tests do not check, because a busy machine would break them: start, stop, demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from bench.report import Row, Section
from bench.throughput import rig

ROUNDS: Final = 5
STOP_S, DEMO_S = 5.0, 75.0
DEVICES: Final = 200
PATIENCE_S: Final = 60.0


class Life(NamedTuple):
    """One run of the daemon: seconds until every meter has been delivered, and from SIGTERM to its end."""

    all_delivered_s: float
    stopped_s: float


def lives(rounds: int = ROUNDS, devices: int = DEVICES) -> list[Life]:
    """Starts and stops a daemon so often."""
    return [_life(devices) for _ in range(rounds)]


def _life(devices: int) -> Life:
    with rig(devices=devices, points=20, every_s=1.0) as stage:
        began = time.monotonic()
        while len(stage.collector.polls) < devices and time.monotonic() < began + PATIENCE_S:
            time.sleep(0.02)
        delivered = time.monotonic()
        os.kill(stage.agent_pid, signal.SIGTERM)
        while _runs(stage.agent_pid) and time.monotonic() < delivered + PATIENCE_S:
            time.sleep(0.01)
        return Life(delivered - began, time.monotonic() - delivered)


def _runs(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def demo_s() -> float:
    """Seconds that the unattended demo takes, from the command to its verdict.  Raises CalledProcessError."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    began = time.monotonic()
    command = [str(Path(sys.executable).with_name("courtyard")), "demo", "--check"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def section() -> Section:
    """Start, stop, demo."""
    runs, took_s = lives(), demo_s()
    stopped_s, delivered_s = max(each.stopped_s for each in runs), max(each.all_delivered_s for each in runs)
    rows = [
        Row(
            f"stop of a daemon of {DEVICES} meters, longest of {ROUNDS}",
            f"{stopped_s:.2f} s",
            "<= 5 s",
            stopped_s <= STOP_S,
        ),
        Row("start until every meter is at the platform, longest", f"{delivered_s:.1f} s"),
        Row("courtyard demo --check, whole", f"{took_s:.0f} s", "<= 75 s", took_s <= DEMO_S),
    ]
    return Section("Promises of time", "python -m bench promises", rows)
