"""kill -9 of the whole gateway between a panel's frame and its acknowledgement: the alarm arrives, once."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from hw_sim.panels.gb26875 import Gb26875
from hw_sim.panels.incidents import single_smoke
from hw_sim.ports import free_port
from tests.daemon_rig import Box, box
from tests.firewire_rig import DEVICES, LINES, METER, net_line, panel

KILLS = 500 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 3
WINDOW_S = 0.03
"""From the frame to the kill, at most; an acknowledgement takes some 10 ms."""
PATIENCE_S = 100.0
CONFIRM = 3


def report(port: int, frame: bytes, patience_s: float) -> bool:
    """Sends a report; whether its confirmation came within so many seconds."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as device:
            device.sendall(frame)
            device.settimeout(patience_s)
            reply = b""
            while len(reply) < 30:
                more = device.recv(30 - len(reply))
                if not more:
                    return False
                reply += more
    except OSError:  # a time-out too
        return False
    assert (reply[2:4], reply[26]) == (frame[2:4], CONFIRM)
    return True


def deliver(port: int, frame: bytes) -> None:
    """Reports as a device does: again, until it is confirmed."""
    deadline = time.monotonic() + PATIENCE_S
    while not report(port, frame, PATIENCE_S):
        assert time.monotonic() < deadline


def started(stage: Box) -> int:
    """How often the gateway has said that it started."""
    return sum(record["event"] == "gateway.started" for record in stage.platform.records["event"])


def start(stage: Box) -> None:
    """Starts the gateway; returns when it is there."""
    before = started(stage)
    stage.start()
    stage.wait(lambda: started(stage) > before)


@pytest.mark.timeout(300 + 10 * KILLS)
def test_a_fire_arrives_once_whenever_the_gateway_is_killed(tmp_path: Path) -> None:
    chance, fire, port = random.Random(1), single_smoke()[0].event, free_port()
    frames = [Gb26875().encode(fire._replace(point=1 + n % 200, loop=1 + n // 200)) for n in range(KILLS)]
    unconfirmed = 0
    with box(tmp_path, LINES, DEVICES) as stage:
        stage.write_site(stage.line("hall"), METER, net_line(port), panel("uitd", "net", "gb26875"))
        owed: bytes | None = None
        for frame in (*frames, None):
            start(stage)
            if owed is not None:
                deliver(port, owed)
            if frame is None:
                break
            owed = None if report(port, frame, chance.uniform(0.0005, WINDOW_S)) else frame
            unconfirmed += owed is not None
            stage.end(signal.SIGKILL)
        sources = Counter(f"1-{1 + n // 200}-{1 + n % 200}" for n in range(KILLS))

        def raised() -> Counter[str]:
            fires = [record for record in stage.alarms("fire") if record["action"] == "raise"]
            return Counter(record["source"] for record in fires)

        stage.wait(lambda: raised() == sources)
        stage.end()
        result = {"kills": KILLS, "before the acknowledgement": unconfirmed, "raised": sum(raised().values())}
        print(
            json.dumps({**result, "repeats dropped": stage.platform.repeats, "missing": len(stage.platform.missing())})
        )
        assert raised() == sources
        assert stage.platform.missing() == {}
        assert stage.platform.conflicts == []
    assert KILLS < 100 or 0 < unconfirmed < KILLS
