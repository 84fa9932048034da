"""Cameras in a site file: what is accepted, what is named as a mistake, and what a site without cameras pays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from courtyard.config.read import check_site
from courtyard.drivers.base import DriverError
from courtyard.drivers.camera.login import MOST_PASSWORD, InstalledCamera
from tests.camera_rig import settings

HEAD = '[gateway]\nid = "gw-0007"\nplace = "370213/005/012/0007"\n'


def camera(name: str = "cam-1", **more: str) -> str:
    tables = {"id": f'"{name}"', "address": '"192.168.1.64"', "username": '"gateway"', "password_file": '"pw"', **more}
    return "[[cameras]]\n" + "".join(f"{key} = {value}\n" for key, value in tables.items())


def codes(folder: Path, *parts: str) -> list[str]:
    (folder / "pw").write_text("secret")
    (folder / "pw").chmod(0o600)
    file = folder / "site.toml"
    file.write_text("\n".join((HEAD, *parts)))
    verdict = check_site(file)
    for each in (*verdict.mistakes, *verdict.warnings):
        assert each.text.en
        assert each.text.zh
        assert "secret" not in each.excerpt
    return [each.code for each in (*verdict.mistakes, *verdict.warnings)]


def test_a_camera_is_a_device_of_the_site(tmp_path: Path) -> None:
    output = '[[outputs]]\nname = "door"\ndevice = "cam-1"\ntarget = "relay_0"\n'
    assert codes(tmp_path, camera(relays='["relay_0"]', place='"b03/x-lift1"'), output) == []
    snapshot = check_site(tmp_path / "site.toml").snapshot
    assert snapshot is not None
    assert snapshot.devices["cam-1"].family == "camera"
    assert snapshot.devices["cam-1"].place == "370213/005/012/0007/b03/x-lift1"
    assert snapshot.lines["cameras/onvif"].devices[0].login().password == "secret"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([camera(), camera("cam-2")], "camera.same_address"),
        ([camera(), camera(address='"192.168.1.65"')], "name.twice"),
        ([camera(certificate=f'"{"ab" * 32}"')], "camera.pin_unused"),
        ([camera(address='"h:70000"')], "camera.address"),
        ([camera(password_file='"nothing"')], "secret_file.missing"),
        ([camera(), '[[outputs]]\nname = "d"\ndevice = "cam-1"\ntarget = "relay_9"\n'], "reference.relay"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, parts: list[str], expected: str) -> None:
    assert codes(tmp_path, *parts) == [expected]


@pytest.mark.parametrize(
    "more",
    [
        {"address": '"http://user:pass@192.168.1.64/"'},
        {"certificate": '"ab"'},
        {"silence": '"1s"'},
        {"transport": '"http"'},
        {"password": '"secret"'},
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, more: dict[str, str]) -> None:
    assert codes(tmp_path, camera(**more))


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"x" * (MOST_PASSWORD + 1)])
def test_a_password_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "password").write_bytes(content)
    with pytest.raises(DriverError) as failed:
        InstalledCamera(settings("192.168.1.64"), tmp_path).login()
    assert failed.value.fault.code == "camera.password_file"


def test_a_site_without_cameras_loads_nothing_for_them() -> None:
    code = (
        "import sys, courtyard.agent.daemon; "
        "print([name for name in ('av', 'lxml', 'numpy', 'onvif', 'requests', 'zeep') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
