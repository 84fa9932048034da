"""Cameras break in every way and heal: pictures are back within ten seconds, and no process is left behind."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.camera_campaign import HEAL_S, campaign


def test_cameras_are_back_soon_after_random_faults(tmp_path: Path) -> None:
    faults = 200 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 20
    results, workers = asyncio.run(campaign(tmp_path, faults))
    assert len(results) == faults
    assert workers == 1
    assert not [each for each in results if each.seconds > HEAL_S]
