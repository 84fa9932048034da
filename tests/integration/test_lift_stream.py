"""The rendered lift as a camera: H.264 over RTSP, obeying while it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av

from hw_sim.control import Client


def test_a_lift_is_streamed_and_an_e_bike_wheeled_in(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hw_sim", "lift", "--control", str(tmp_path / "control.sock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        client = Client(ready["control"])
        try:
            address = ready["streams"].replace("rtsp://", "rtsp://gateway:gateway-demo@") + "/sub"
            with av.open(address, options={"rtsp_transport": "tcp"}, timeout=100.0) as stream:
                frames = stream.decode(video=0)
                first = next(frames)
                assert (first.width, first.height, stream.streams.video[0].name) == (640, 360, "h264")
                assert client("wheel in ebike") == 1
                while client("truth")["door"] == 0.0:
                    next(frames)
            assert [event["kind"] for event in client("happened")][:2] == ["over-sill", "inside"]
        finally:
            client("quit")
            client.close()
    assert process.returncode == 0
