"""A camera before it is in the site: the process that looks at it, against a simulated camera."""

from __future__ import annotations

import asyncio

from courtyard.agent.page.commissioning.camera_look import Asked
from courtyard.agent.page.commissioning.cameras import CameraTrials
from tests.camera_rig import PASSWORD, simulated


def test_a_camera_shows_a_picture_and_a_wrong_password_is_named() -> None:
    async def main() -> None:
        trials = CameraTrials()
        async with simulated() as camera:
            seen = await trials.look(Asked(camera.http.url, "gateway", PASSWORD))
            assert seen.fault is None
            assert seen.model
            assert (trials.picture(seen.picture or "") or b"").startswith(b"\xff\xd8")
            refused = await trials.look(Asked(camera.http.url, "gateway", "wrong"))
            assert refused.picture is None
            assert refused.fault is not None
            assert refused.cure is not None
        assert trials.picture("unknown") is None

    asyncio.run(main())
