"""kill -9 at any moment between a frame and its acknowledgement: the alarm arrives, once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from hw_sim.panels.gb26875 import Gb26875
from hw_sim.panels.incidents import single_smoke
from tests.fire_driver_gateway import SETTLE_S, records

KILLS = 500 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 4
WINDOW_S = 0.03
"""From the frame to the kill, at most; an acknowledgement takes some 10 ms."""


async def start(directory: Path) -> tuple[asyncio.subprocess.Process, int]:
    """A gateway in a process of its own, and its port."""
    arguments = (sys.executable, "-m", "tests.fire_driver_gateway", str(directory))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    return process, int(await asyncio.wait_for(process.stdout.readline(), SETTLE_S))


async def report(port: int, frame: bytes, patience_s: float) -> bool:
    """Sends a report; whether its confirmation came within so many seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(frame)
        reply = await asyncio.wait_for(reader.readexactly(30), patience_s)
        assert (reply[2:4], reply[26]) == (frame[2:4], 3)
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        return False
    finally:
        writer.close()
    return True


@pytest.mark.timeout(300 + 4 * KILLS)
def test_the_alarm_arrives_once_whenever_the_gateway_is_killed(tmp_path: Path) -> None:
    chance = random.Random(1)
    fire = single_smoke()[0].event
    frames = [Gb26875().encode(fire._replace(point=1 + n % 200, loop=1 + n // 200)) for n in range(KILLS)]

    async def main() -> int:
        unconfirmed = 0
        owed: bytes | None = None
        for frame in frames:
            process, port = await start(tmp_path)
            if owed is not None:
                assert await report(port, owed, SETTLE_S)
            owed = None if await report(port, frame, chance.uniform(0.0005, WINDOW_S)) else frame
            unconfirmed += owed is not None
            process.send_signal(signal.SIGKILL)
            await process.wait()
        if owed is not None:
            process, port = await start(tmp_path)
            assert await report(port, owed, SETTLE_S)
            process.send_signal(signal.SIGTERM)
            await process.wait()
        return unconfirmed

    unconfirmed = asyncio.run(main())
    print(f"{KILLS} kills, {unconfirmed} before the acknowledgement")
    assert KILLS < 100 or 0 < unconfirmed < KILLS
    fires = [each for each in asyncio.run(records(tmp_path)) if each["class"] == "fire"]
    assert len({each["seq"] for each in fires}) == len(fires)
    raised = Counter(each["source"] for each in fires if each["action"] == "raise")
    assert raised == Counter(f"1-{1 + n // 200}-{1 + n % 200}" for n in range(KILLS))
