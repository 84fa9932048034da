"""`courtyard scan cameras` as an installer runs it, against a simulated camera that answers probes on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hw_sim.control import Client

SECONDS = ("--seconds", "2")
NOBODY = "127.0.0.1:9"


@contextmanager
def camera(folder: Path, *more: str) -> Iterator[dict[str, Any]]:
    """A camera in a process of its own: what it says when it is ready."""
    command = [sys.executable, "-m", "hw_sim", "camera", "--control", str(folder / "camera.sock"), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        try:
            yield ready
        finally:
            client = Client(ready["control"])
            client("quit")
            client.close()


def scan(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "courtyard.agent", "scan", "cameras", "--site", str(folder / "site.toml"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.bind(("", port))
        except OSError:
            return False
    return True


def test_a_camera_answers_by_multicast_and_by_address_and_its_own_address_is_told(tmp_path: Path) -> None:
    assert is_free(3702), "another camera simulator runs on this machine"
    with camera(tmp_path, "--multicast") as ready:
        by_group = scan(tmp_path, "--interface", "127.0.0.1", *SECONDS, "--json")
        by_address = scan(tmp_path, "--hosts", "127.0.0.1", *SECONDS, "--lang", "en")
        (tmp_path / "hosts").write_text("# gatehouse\n127.0.0.1  # lift 1\n\n")
        by_file = scan(tmp_path, "--hosts-from", str(tmp_path / "hosts"), *SECONDS, "--lang", "zh")
    (found,) = json.loads(by_group.stdout)
    assert (found["address"], found["identity"]) == (ready["device"], ready["identity"])
    assert (found["hardware"], found["host"]) == ("SIM-1", "127.0.0.1")
    for asked, heading in ((by_address, "address"), (by_file, "地址")):
        assert asked.returncode == 0, asked.stderr
        assert asked.stdout.split()[0] == heading
        assert asked.stdout.count("SIM-1") == 2
    assert by_group.returncode == 0


def test_silence_says_what_to_do(tmp_path: Path) -> None:
    english, chinese = (scan(tmp_path, "--hosts", NOBODY, "--seconds", "1", "--lang", each) for each in ("en", "zh"))
    assert (english.returncode, chinese.returncode) == (1, 1)
    assert english.stdout.startswith("No camera answered. Switch ONVIF on")
    assert chinese.stdout.startswith("没有摄像机应答。请在摄像机中启用 ONVIF")
    assert scan(tmp_path, "--hosts", NOBODY, "--seconds", "1", "--json").stdout == "[]\n"


@pytest.mark.parametrize("wrong", ["10.0.0.0/99", "10.0.0.0/8", "192.168.1.64:camera", ":3702"])
def test_what_is_no_address_is_named_with_what_is_one(tmp_path: Path, wrong: str) -> None:
    refused = scan(tmp_path, "--hosts", wrong, "--lang", "zh")
    assert refused.returncode == 1
    assert wrong in refused.stderr
    assert "网段（192.168.2.0/24）" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    refused = scan(tmp_path, "--hosts-from", str(tmp_path / "none"), "--lang", "zh")
    assert refused.returncode == 1
    assert f"无法读取 {tmp_path / 'none'}" in refused.stderr
