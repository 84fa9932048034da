"""The demo without a person: everything that the simulators served arrives, through an outage of the broker."""

from __future__ import annotations

import subprocess
import sys
import time


def test_the_unattended_demo_verifies_that_nothing_is_missing() -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "courtyard.agent", "demo", "--check", "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is missing" in done.stdout
    assert "stopping the broker" in done.stdout
    assert "2 calls for help, each arrived once" in done.stdout
    assert "buzzed when it was answered" in done.stdout
    assert time.monotonic() - began < 75
