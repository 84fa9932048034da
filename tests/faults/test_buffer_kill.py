"""kill -9 at random moments of a journal in use; see kill_journal for what is checked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.kill_journal import campaign

KILLS = 200 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 20


@pytest.mark.timeout(900)
def test_nothing_returned_is_ever_lost(tmp_path: Path) -> None:
    summary = campaign(tmp_path, KILLS, seed=1)
    assert summary.mistakes == ()
    assert summary.appended > KILLS
    assert summary.delivered >= summary.appended
