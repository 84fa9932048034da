"""Files around a site: unreadable ones, encodings, secrets and who may read them, profiles and points of the site."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from courtyard.config.mistakes import SiteError
from courtyard.config.read import check_site, load
from courtyard.config.text_file import LARGEST_BYTES
from tests.config_rig import GOOD, POINT, PROFILE, changed, check

SECRET = changed('name = "community"', 'name = "community"\nusername = "me"\npassword_file = "secrets/pw"')
CREDENTIAL = SECRET.replace("secrets/pw", "credential:pw")


def codes(path: Path) -> list[str]:
    verdict = check_site(path)
    assert verdict.snapshot is None
    return [each.code for each in verdict.mistakes]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert codes(tmp_path / "site.toml") == ["file.missing"]


@pytest.mark.parametrize("name", [".", "site\x00.toml"])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    assert codes(tmp_path / name) == ["file.unreadable"]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    with path.open("wb") as stream:
        stream.truncate(LARGEST_BYTES + 1)
    assert codes(path) == ["file.too_large"]


def test_a_file_in_another_encoding_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes('[gateway]\nid = "gw"\n# 网关\n'.encode("gb18030"))
    (mistake,) = check_site(path).mistakes
    assert (mistake.code, mistake.line, mistake.column) == ("file.encoding", 3, 3)


@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_notepad_is_understood(change: object, tmp_path: Path) -> None:
    assert callable(change)
    path = tmp_path / "site.toml"
    path.write_bytes(change(GOOD).encode())
    assert check_site(path).snapshot is not None
    path.write_bytes(change(GOOD.replace("above = 3", "above = x")).encode())
    (mistake,) = check_site(path).mistakes
    assert (mistake.line, mistake.column) == (GOOD[: GOOD.index("above")].count("\n") + 1, 9)


def test_load_raises_with_every_mistake(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(changed("address = 1", "adress = 1"))
    with pytest.raises(SiteError, match=r"site\.toml:\d+: There is no setting adress here\.") as caught:
        load(path)
    assert [each.code for each in caught.value.mistakes] == ["key.unknown"]


def warnings(folder: Path, text: str = SECRET, credentials: Path | None = None) -> list[str]:
    verdict = check(folder, text, credentials=credentials)
    assert verdict.mistakes == ()
    return [each.code for each in verdict.warnings]


@pytest.mark.parametrize(("mode", "told"), [(0o600, []), (0o640, []), (0o644, ["secret_file.open"])])
def test_a_secret_is_for_the_service_alone(mode: int, told: list[str], tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "pw"
    file.parent.mkdir()
    file.write_text("s3cret")
    file.chmod(mode)
    assert warnings(tmp_path) == told


@contextmanager
def nobody() -> Iterator[None]:
    """As somebody who is not root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_the_user_may_not_enter_is_not_called_empty() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "secrets").mkdir()
        (folder / "site.toml").write_text(SECRET)
        (folder / "secrets").chmod(0o000)
        with nobody():
            verdict = check_site(folder / "site.toml")
        (folder / "secrets").chmod(0o700)
    assert [each.code for each in verdict.warnings] == ["secret_file.hidden"]


def test_folders_that_may_not_be_entered_hold_nothing() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "site.toml").write_text(GOOD.replace("water/ultrad", "own/type"))
        (folder / "profiles").mkdir()
        (folder / "profiles").chmod(0o000)
        with nobody():
            verdict = check_site(folder / "site.toml", credentials=folder / "profiles")
        (folder / "profiles").chmod(0o700)
    assert [each.code for each in verdict.mistakes] == ["profile.missing"]


def test_a_credential_that_systemd_hands_over(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    assert warnings(tmp_path, CREDENTIAL, credentials) == ["credential.missing"]
    (credentials / "pw").write_text("s3cret")
    assert warnings(tmp_path, CREDENTIAL, credentials) == []
    assert warnings(tmp_path, SECRET, credentials) == [], "a credential of the same name takes the place of the file"


def test_a_profile_of_the_site(tmp_path: Path) -> None:
    text = changed('profile = "water/ultrad"', 'profile = "own/type"')
    snapshot = check(tmp_path, text, {"profiles/own/type.toml": PROFILE + POINT}).snapshot
    assert snapshot is not None
    assert snapshot.devices["meter"].title == ("Own", "自定义")
    assert [point.register.point for point in snapshot.devices["meter"].driver.points] == ["water.flow"]


def test_a_broken_profile_is_told_once_with_its_own_file(tmp_path: Path) -> None:
    meters = "".join(
        f'[[devices]]\nid = "m{number}"\nprofile = "own/type"\nline = "bus"\naddress = {number}\n'
        for number in (11, 12)
    )
    verdict = check(tmp_path, GOOD + meters, {"profiles/own/type.toml": PROFILE + POINT.replace("L/h", "L/hour")})
    assert [(Path(each.file).name, each.code, each.path) for each in verdict.mistakes] == [
        ("site.toml", "profile.broken", "devices[2].profile"),
        ("site.toml", "profile.broken", "devices[3].profile"),
        ("type.toml", "point.unit", "points[0].unit"),
    ]
    assert verdict.mistakes[-1].nearest == "L/h"


def test_a_profile_names_its_protocol(tmp_path: Path) -> None:
    text = changed('profile = "water/ultrad"', 'profile = "own/type"')
    for protocol, told in (("", "key.missing"), ('protocol = "modbuss"\n', "value.wrong")):
        profile = protocol + (PROFILE + POINT).replace('protocol = "modbus"\n', "")
        verdict = check(tmp_path, text, {"profiles/own/type.toml": profile})
        assert [(each.code, each.path) for each in verdict.mistakes[1:]] == [(told, "protocol")]


def test_points_of_the_site(tmp_path: Path) -> None:
    points = '["site.colour"]\ntype = "number"\nunit = "1"\nen = "Colour"\nzh = "色度"\n'
    profile = PROFILE + POINT + '[[points]]\npoint = "site.colour"\naddress = 1\ntype = "uint16"\nunit = "1"\n'
    text = changed('profile = "water/ultrad"', 'profile = "own/type"')
    verdict = check(tmp_path, text, {"profiles/own/type.toml": profile, "points.toml": points})
    assert verdict.snapshot is not None
    assert verdict.snapshot.devices["meter"].points["site.colour"].label.zh == "色度"


@pytest.mark.parametrize("name", ["../../etc/passwd", "water/../water/ultrad", "/etc/x", "water", "water/Ultrad"])
def test_a_profile_name_never_leaves_its_folder(name: str, tmp_path: Path) -> None:
    verdict = check(tmp_path, changed("water/ultrad", name))
    assert verdict.snapshot is None
    assert "passwd" not in "".join(each.cure.en for each in verdict.mistakes)
