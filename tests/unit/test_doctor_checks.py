"""The doctor on boxes of every kind, and the command lines of doctor, users and support-bundle."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.clock import KernelClock
from courtyard.agent.tools.box import SERVICE, Box, output_of, why_not
from courtyard.agent.tools.doctor import Check, examine

SITE = """
[gateway]
id = "gw-0007"
place = "370213/005/012/0007"
[[uplinks]]
name = "community"
url = "mqtts://platform.example:8883"
username = "gw-0007"
password_file = "secrets/community"
[[lines]]
name = "rs485-1"
kind = "serial"
port = "/dev/ttyUSB0"
"""
RUNNING = "LoadState=loaded\nActiveState=active\nNRestarts=0\nResult=success\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "community").write_text("hunter2-of-the-platform\n")
    (secrets / "community").chmod(0o600)
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    return file


def healthy(site: Path) -> Box:
    """A box on which everything is as it should be, but for the gateway, which does not run in this test."""
    root = site.parent / "root"
    (root / "dev").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/localtime").touch()
    port = root / "dev/ttyUSB0"
    port.touch()
    port.chmod(0o666)
    disk = root / "sys/block/mmcblk0/device"
    disk.mkdir(parents=True)
    (disk / "life_time").write_text("0x01 0x02\n")
    data = site.parent / "data"
    data.mkdir(mode=0o700)
    return Box(
        site,
        data,
        site.parent / "none.sock",
        root,
        kernel_clock=lambda: KernelClock(True, 3),
        free_bytes=lambda _: 50_000_000_000,
        groups_of=lambda _: frozenset(("dialout",)),
        run=lambda _: RUNNING,
        reaches=lambda host, port: None if (host, port) == ("platform.example", 8883) else "no route",
    )


def found(box: Box) -> dict[str, Check]:
    return {check.name: check for check in examine(box)}


def test_a_healthy_box_has_nothing_to_mend_but_the_gateway_that_does_not_run(site: Path) -> None:
    checks = found(healthy(site))
    assert {name for name, check in checks.items() if check.verdict != "ok"} == {"gateway"}
    assert set(checks) == {
        "site", "service", "gateway", "clock", "time zone", "disk wear", "data", "disk space", "line rs485-1",
        "uplink community", "secrets",
    }  # fmt: skip


ILLS: list[tuple[str, str, Callable[[Box], Box]]] = [
    ("clock", "warning", lambda box: box._replace(kernel_clock=lambda: KernelClock(False, 0))),
    ("service", "warning", lambda box: box._replace(run=lambda _: None)),
    ("service", "fault", lambda box: box._replace(run=lambda _: RUNNING.replace("=active", "=failed"))),
    ("service", "warning", lambda box: box._replace(run=lambda _: RUNNING.replace("NRestarts=0", "NRestarts=12"))),
    ("disk space", "fault", lambda box: box._replace(free_bytes=lambda _: 1_000_000)),
    ("disk space", "warning", lambda box: box._replace(free_bytes=lambda _: 1_000_000_000)),
    ("uplink community", "fault", lambda box: box._replace(reaches=lambda host, port: "refused")),
    ("time zone", "warning", lambda box: without(box, "etc/localtime")),
    ("line rs485-1", "fault", lambda box: without(box, "dev/ttyUSB0")),
    ("line rs485-1", "fault", lambda box: with_mode(box, "dev/ttyUSB0", 0o600)),
    ("disk wear", "warning", lambda box: with_text(box, "sys/block/mmcblk0/device/life_time", "0x02 0x09")),
    ("disk wear", "fault", lambda box: with_text(box, "sys/block/mmcblk0/device/life_time", "0x0b 0x01")),
    ("data", "fault", lambda box: box._replace(data=box.data / "none")),
    ("data", "warning", lambda box: with_mode(box, str(box.data), 0o755)),
    ("secrets", "fault", lambda box: with_mode(box, str(box.site.parent / "secrets/community"), 0o644)),
    ("site", "fault", lambda box: with_text(box, str(box.site), "nonsense")),
    ("bluetooth keys", "fault", lambda box: with_bonds(box, 0o755)),
    ("bluetooth keys", "ok", lambda box: with_bonds(box, 0o700)),
]


def without(box: Box, path: str) -> Box:
    (box.root / path).unlink()
    return box


def with_mode(box: Box, path: str, mode: int) -> Box:
    (box.root / path).chmod(mode)
    return box


def with_text(box: Box, path: str, text: str) -> Box:
    (box.root / path).write_text(text)
    return box


def with_bonds(box: Box, mode: int) -> Box:
    (box.root / "var/lib/bluetooth").mkdir(parents=True)
    (box.root / "var/lib/bluetooth").chmod(mode)
    return with_text(box, str(box.site), SITE + '[[lines]]\nname = "air"\nkind = "ble"\n')


@pytest.mark.parametrize(("name", "verdict", "spoil"), ILLS)
def test_every_ill_is_found_with_a_cure_in_both_languages(
    site: Path, name: str, verdict: str, spoil: Callable[[Box], Box]
) -> None:
    check = found(spoil(healthy(site)))[name]
    assert check.verdict == verdict
    assert bool(check.cure.en) == bool(check.cure.zh) == (verdict != "ok")
    assert check.what.en != check.what.zh


def test_the_real_machine_is_asked_without_harm(tmp_path: Path) -> None:
    assert output_of(["true"]) == ""
    assert output_of(["false"]) is None
    assert output_of(["no-such-command-anywhere"]) is None
    assert why_not("127.0.0.1", 0) is not None
    checks = examine(Box(tmp_path / "none.toml", tmp_path, tmp_path / "none.sock", reaches=lambda *_: None))
    assert {check.verdict for check in checks} <= {"ok", "warning", "fault"}
    assert SERVICE == "courtyard"


def test_doctor_speaks_both_languages_and_json(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--site", str(site), "--data", str(site.parent), "--socket", str(site.parent / "none.sock")]
    site.write_text(SITE.replace("platform.example", "127.0.0.1").replace(":8883", ":1"))
    assert main(["doctor", *where, "--json"]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["gateway"]["cure"]["zh"].startswith("请运行")
    assert main(["doctor", *where, "--lang", "zh-CN"]) == 1
    assert "故障  gateway" in capsys.readouterr().out


def test_users_are_managed_at_the_box(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]

    def users(*arguments: str) -> object:
        assert main(["users", *arguments, *data, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    code = users("add", "li", "--role", "manager")
    assert isinstance(code, dict)
    assert len(code["code"]) == 11
    command = [sys.executable, "-m", "courtyard.agent", "users", "passwd", "li", *data]
    subprocess.run(command, input="a fine pass phrase 7\n", text=True, check=True, timeout=60, capture_output=True)
    listed = users("list")
    assert isinstance(listed, list)
    assert [(user["name"], user["has_password"]) for user in listed] == [("installer", False), ("li", True)]
    token = users("token", "lobby", "--scope", "wall")
    assert isinstance(token, dict)
    assert token["token"].startswith("cy_")
    tokens = users("tokens")
    assert isinstance(tokens, list)
    assert tokens[0]["scopes"] == ["wall"]
    users("revoke", "lobby")
    users("code", "li")
    users("remove", "li")
    assert main(["users", "list", *data, "--lang", "zh-CN"]) == 0
    assert "上次登录" in capsys.readouterr().out
    assert main(["users", "remove", "nobody", *data, "--lang", "en"]) == 1
    assert "There is no account nobody." in capsys.readouterr().err
    assert main(["users", "add", *data, "--lang", "en"]) == 2


def test_a_bundle_is_written_once_for_its_owner_alone(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--site", str(site), "--data", str(site.parent / "none"), "--socket", str(site.parent / "none.sock")]
    site.write_text(SITE.replace("platform.example", "127.0.0.1").replace(":8883", ":1"))
    target = site.parent / "bundle.tar.gz"
    assert main(["support-bundle", *where, "--output", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with tarfile.open(target) as archive:
        names = {name.rpartition("/")[2] for name in archive.getnames()}
    assert names == {
        "about.json", "site.toml", "check.json", "doctor.json", "status.json", "frames.json", "journal.json", "log.txt",
    }  # fmt: skip
    assert main(["support-bundle", *where, "--output", str(target), "--lang", "en"]) == 1
    assert "cannot write" in capsys.readouterr().err
