"""However a demo ends, nothing of it stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILDREN = 6
WAIT_S = 100.0


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP], ids=["ended", "terminal closed"])
def test_a_demo_that_is_ended_takes_its_simulators_with_it(how: signal.Signals) -> None:
    command = [str(Path(sys.executable).with_name("courtyard")), "demo"]
    demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + WAIT_S
        while len(started := children(demo.pid)) < CHILDREN and time.monotonic() < until:
            assert demo.poll() is None
        demo.send_signal(how)
        assert demo.wait(WAIT_S) == 1
    finally:
        demo.kill()
        demo.wait()
    while any(map(runs, started)) and time.monotonic() < until:
        continue
    assert [pid for pid in started if runs(pid)] == []
