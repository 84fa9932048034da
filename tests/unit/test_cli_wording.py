"""What scan, read and status say: cause and cure, in both languages; tables of what was found."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.cli.scan import letters, numbers, speeds
from courtyard.agent.control import ControlServer, Progress, Refused
from tests.config_rig import GOOD


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(GOOD, "utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> tuple[str, str]:
    """What is said on stderr in English and in Chinese."""
    both = []
    for language in ("en", "zh-CN"):
        assert main([*arguments, "--lang", language]) == status
        out, err = capsys.readouterr()
        assert out == ""
        both.append(err)
    return both[0], both[1]


@pytest.mark.parametrize(
    ("arguments", "status", "en", "zh"),
    [
        ([], 1, "Nothing says where to look. Give --line NAME", "未指定扫描位置。请给出 --line"),
        (
            ["--tcp", "meter"],
            1,
            "meter names no endpoint. Write host and port, such as",
            "不是有效的端点。请写主机和端口",
        ),
        (["--tcp", "a:1", "--units", "0-3"], 2, "'0-3' in --units names no addresses. Write", "“0-3”不是有效的地址"),
        (["--tcp", "a:1", "--baud", "9600,x"], 2, "'x' in --baud is no speed. Write", "“x”不是有效的波特率"),
        (["--tcp", "a:1", "--parity", "NX"], 2, "'NX' in --parity names no parities. Write", "“NX”不是有效的校验位"),
        (["--line", "bass"], 1, "The site has no line bass. Name one of: bus.", "站点中没有线路 bass。请改用：bus。"),
    ],
)
def test_a_scan_that_cannot_begin_says_why_and_what_to_write(
    arguments: list[str], status: int, en: str, zh: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = ["--site", str(site), "--socket", str(site.parent / "none.sock")]
    english, chinese = said(capsys, status, "scan", "modbus", *arguments, *socket)
    assert en in english
    assert zh in chinese


def test_addresses_speeds_and_parities_are_read_as_people_write_them() -> None:
    assert numbers("1-3, 100,2", "en") == [1, 2, 3, 100]
    assert speeds("9600, 19200", "en") == [9600, 19200]
    assert letters("nee", "en") == ["N", "E"]
    for wrong in ("", "5-2", "248", "²"):
        with pytest.raises(Refused):
            numbers(wrong, "en")


def test_a_device_that_is_not_there_is_answered_with_the_nearest_names(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    english, chinese = said(capsys, 1, "read", "metre", "--site", str(site))
    assert english == "courtyard: The site has no device metre. Name one of: meter, board.\n"
    assert chinese == "courtyard: 站点中没有设备 metre。请改用：meter, board。\n"


def test_a_site_that_cannot_run_is_said_before_anything_is_read(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text("[gateway]\n", "utf-8")
    english, chinese = said(capsys, 1, "read", "meter", "--site", str(site))
    assert "mistake: " in english
    assert "错误：" in chinese


def test_without_a_gateway_status_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    english, chinese = said(capsys, 1, "status", "--socket", str(tmp_path / "none.sock"))
    assert "No gateway answers at" in english
    assert "sudo systemctl start courtyard" in english
    assert "没有运行中的网关。请启动网关" in chinese


FAULT = {
    "what": {"en": "The broker refuses the password.", "zh": "平台拒绝密码。"},
    "cure": {"en": "Write the right one.", "zh": "请填写正确的密码。"},
}
UPLINK = {
    "name": "community",
    "connected_since_ms": None,
    "backlog": {"reading": [7, 700, 1]},
    "records": 41,
    "in_flight_messages": 2,
    "refused": 3,
}
STATUS = {
    "faults": {"uplink.community": FAULT},
    "uplinks": [UPLINK],
    "escalations": [],
    "lifts": [{"id": "lift-1", "why": "held", "score": 0.91, "threshold": 0.5}],
    "journal": {"epoch": "6f3a91c2", "used_bytes": 5_000_000, "quota_bytes": 64_000_000, "durable": False},
}


def ask(socket: Path, answer: Mapping[str, Any], *arguments: str) -> int:
    """The command against a daemon that gives this answer."""

    async def handle(request: Mapping[str, Any], progress: Progress) -> Any:
        return answer

    async def both() -> int:
        server = asyncio.create_task(ControlServer(socket, {"status": handle, "read": handle}).run())
        try:
            async with asyncio.timeout(100):
                while not socket.is_socket():
                    await asyncio.to_thread(lambda: None)
                return await asyncio.to_thread(main, [*arguments, "--socket", str(socket)])
        finally:
            server.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await server

    return asyncio.run(both())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("The broker refuses the password.", "Write the right one.", "NO", "5.0 of 64 MB, IN MEMORY ONLY")),
        ("zh-CN", ("平台拒绝密码。", "请填写正确的密码。", "否", "5.0 / 64 MB，仅在内存中")),
    ],
)
def test_status_names_what_is_wrong_its_cure_and_the_backlog(
    language: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path / "s", STATUS, "status", "--lang", language) == 1
    shown = capsys.readouterr().out
    assert [word for word in words if word not in shown] == []
    row = next(line for line in shown.splitlines() if line.split()[:1] == ["community"])
    assert row.split()[2:] == ["7", "41", "2", "3"]


def test_status_of_a_healthy_gateway_is_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    healthy = STATUS | {"faults": {}, "uplinks": []}
    assert ask(tmp_path / "s", healthy, "status", "--lang", "en") == 0
    assert capsys.readouterr().out.splitlines()[0] == "All well."
    assert ask(tmp_path / "s", healthy, "status", "--json") == 0
    assert json.loads(capsys.readouterr().out) == healthy


def test_read_shows_points_with_unit_quality_and_frames(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reading = {
        "values": {"water.volume.total": 1234.56, "water.temperature": None},
        "quality": {"water.temperature": "bad:comm"},
    }
    answer = {"reading": reading, "frames": [[0, "sent", "01 03"], [15, "received", "01 83 02"]]}
    arguments = ("read", "meter", "--raw", "--site", str(site))
    assert ask(site.parent / "s", answer, *arguments, "--lang", "en") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["point", "value", "unit", "quality"]
    assert lines[1].split()[0] == "water.volume.total"
    assert lines[1].split()[-2:] == ["1234.56", "m3"]
    assert lines[2].split()[-2:] == ["Cel", "bad:comm"]
    assert lines[3:] == ["1970-01-01T00:00:00.000Z -> 01 03", "1970-01-01T00:00:00.015Z <- 01 83 02"]
    assert ask(site.parent / "s", {"fault": FAULT, "frames": []}, *arguments, "--lang", "zh-CN") == 1
    assert capsys.readouterr().out.splitlines() == ["平台拒绝密码。", "  请填写正确的密码。"]
