"""The demo without a person: everything that the simulators served arrives, through an outage of the broker."""

from __future__ import annotations

import subprocess
import sys


def test_the_unattended_demo_verifies_that_nothing_is_missing() -> None:
    command = [sys.executable, "-m", "courtyard.agent", "demo", "--check", "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is missing" in done.stdout
    assert "stopping the broker" in done.stdout
    assert "2 calls for help, each arrived once" in done.stdout
    assert "the e-bike in the lift was seen, score 0." in done.stdout
    assert "buzzed when it was answered" in done.stdout
