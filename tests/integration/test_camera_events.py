"""A camera's event subscription over time: renewed, made anew, given back; the simulated camera counts its slots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hw_sim.camera.camera import SimCamera
from hw_sim.camera.desk import TAMPER
from tests.camera_rig import Heard, driven, settings, simulated, so

SOURCE = {"VideoSourceConfigurationToken": "vsc"}
LEASE_S = 2.0
CREATE, RENEW, UNSUBSCRIBE = "CreatePullPointSubscription", "Renew", "Unsubscribe"


@asynccontextmanager
async def short_lived(folder: Path, *faults: str) -> AsyncIterator[tuple[SimCamera, Heard]]:
    """A camera whose subscriptions live LEASE_S at most, whatever is asked for, with these faults from the start."""
    async with simulated() as camera:
        await camera.fault("lease", LEASE_S)
        for each in faults:
            await camera.fault(each)
        async with driven(folder, settings(camera.http.url, video=False)) as (_, heard):
            yield camera, heard
        assert not camera.events.subscriptions, "the slot was given back"


async def told(camera: SimCamera, heard: Heard) -> None:
    """An event that happens now is heard."""
    count = len(heard.kinds("tamper"))
    for state in ("true", "false"):
        camera.notify(TAMPER, SOURCE, {"IsTamper": state})
    await heard.until(lambda: heard.kinds("tamper")[count:] == [True, False])


def test_a_subscription_is_renewed_before_it_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with short_lived(tmp_path) as (camera, heard):
            await so(lambda: camera.calls.count(RENEW) >= 3)
            assert camera.calls.count(CREATE) == 1
            assert UNSUBSCRIBE not in camera.calls
            await told(camera, heard)
        assert camera.calls.count(UNSUBSCRIBE) == 1, "a pull that was on its way may be heard after it"

    asyncio.run(main())


def test_a_camera_that_cannot_renew_gets_its_slot_back_each_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with short_lived(tmp_path, "renew") as (camera, heard):
            await so(lambda: camera.calls.count(CREATE) >= 4)
            assert camera.calls.count(UNSUBSCRIBE) >= 3
            assert len(camera.events.subscriptions) <= 1
            await told(camera, heard)
            assert heard.code("cam-1") is None

    asyncio.run(main())


def test_a_subscription_that_a_camera_has_forgotten_is_made_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with short_lived(tmp_path) as (camera, heard):
            await so(lambda: bool(camera.events.subscriptions))
            await told(camera, heard)
            camera.events.subscriptions.clear()
            await so(lambda: bool(camera.events.subscriptions))
            await told(camera, heard)
            assert camera.calls.count(CREATE) == 2

    asyncio.run(main())


def test_events_that_cannot_be_pulled_are_named_and_leave_no_slot_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with short_lived(tmp_path, "pull") as (camera, heard):
            await heard.until(lambda: heard.code("cam-1") == "camera.refused")
            await so(lambda: camera.calls.count(CREATE) >= 2)
            assert len(camera.events.subscriptions) <= 1
            await camera.heal("pull")
            refused = camera.calls.count("PullMessages")
            await so(lambda: camera.calls.count("PullMessages") > refused)
            assert heard.code("cam-1") is None
            await told(camera, heard)

    asyncio.run(main())
