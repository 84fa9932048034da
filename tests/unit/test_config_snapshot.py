"""Resolved sites: places, compiled points, the difference between two of them, the last good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from courtyard.config.last_good import FOLDER, NAME, check_last_good, keep_last_good
from courtyard.config.read import load
from courtyard.config.snapshot import Change, Difference, Snapshot, difference
from tests.config_rig import BOARD, GOOD, LINE, METER, OUTPUT, POINT, PROFILE, RULE, UPLINK, changed, check

SAME = Difference(False, False, *[Change()] * 6)


def snapshot(folder: Path, text: str = GOOD, files: dict[str, str] | None = None) -> Snapshot:
    verdict = check(folder, text, files)
    assert verdict.snapshot is not None, verdict.mistakes
    return verdict.snapshot


def test_a_place_is_a_whole_path(tmp_path: Path) -> None:
    placed = snapshot(tmp_path, changed("address = 1\n", 'address = 1\nplace = "b03/u02"\n'))
    assert placed.devices["meter"].place == "370213/005/012/0007/b03/u02"
    assert placed.devices["board"].place == "370213/005/012/0007"


def test_lines_have_their_devices_in_the_order_of_the_file(tmp_path: Path) -> None:
    other = LINE.replace('"bus"', '"other"').replace("USB0", "USB1")
    text = GOOD + other + METER.replace("meter", "late").replace('"bus"', '"other"')
    site = snapshot(tmp_path, text)
    assert [device.id for device in site.lines["bus"].devices] == ["meter", "board"]
    assert [device.id for device in site.lines["other"].devices] == ["late"]
    assert site.lines["other"].settings.name == "other"


def test_a_device_gives_its_own_writes_to_the_driver(tmp_path: Path) -> None:
    board = snapshot(tmp_path).devices["board"].driver
    assert [(write.name, write.kind, write.address) for write in board.profile.writes] == [("siren", "coil", 0)]
    assert [point.register.point for point in board.points] == ["relay.1"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (GOOD, GOOD + "\n# a remark\n", SAME),
        ('"gw-0007"', '"gw-0008"', SAME._replace(gateway=True)),
        (RULE, RULE + '[journal]\nquota = "1GB"\n', SAME._replace(journal=True)),
        ("platform.example", "other.example", SAME._replace(uplinks=Change(changed=("community",)))),
        (UPLINK, UPLINK + UPLINK.replace("community", "city"), SAME._replace(uplinks=Change(added=("city",)))),
        (LINE, LINE + "baud = 4800\n", SAME._replace(lines=Change(changed=("bus",)))),
        ("address = 1\n", "address = 3\n", SAME._replace(devices=Change(changed=("meter",)))),
        ("address = 1\n", 'address = 1\nplace = "b01"\n', SAME._replace(devices=Change(changed=("meter",)))),
        ("water/ultrad", "water/bove", SAME._replace(devices=Change(changed=("meter",)))),
        (
            METER,
            METER.replace('"meter"', '"new"'),
            SAME._replace(devices=Change(added=("new",), removed=("meter",))),
        ),
        (OUTPUT, OUTPUT + 'cap = "5s"\n', SAME._replace(outputs=Change(changed=("siren",)))),
        ("above = 3", "above = 4", SAME._replace(rules=Change(changed=("flow",)))),
    ],
)
def test_a_difference_names_what_changed_and_nothing_else(
    old: str, new: str, expected: Difference, tmp_path: Path
) -> None:
    found = difference(snapshot(tmp_path), snapshot(tmp_path, changed(old, new)))
    assert found == expected
    assert bool(found) == (expected != SAME)


def test_a_changed_profile_file_changes_its_devices(tmp_path: Path) -> None:
    text = changed("water/ultrad", "own/type")
    before = snapshot(tmp_path, text, {"profiles/own/type.toml": PROFILE + POINT})
    after = snapshot(tmp_path, text, {"profiles/own/type.toml": PROFILE + POINT + "scale = 10\n"})
    assert difference(before, after) == SAME._replace(devices=Change(changed=("meter",)))


def test_the_order_of_the_file_means_nothing(tmp_path: Path) -> None:
    assert (
        difference(snapshot(tmp_path), snapshot(tmp_path, GOOD.replace(METER, "").replace(BOARD, BOARD + METER)))
        == SAME
    )


def test_the_last_good_site_is_whole(tmp_path: Path) -> None:
    site, data = tmp_path / "etc", tmp_path / "data"
    site.mkdir()
    text = changed("water/ultrad", "own/type")
    good = snapshot(site, text, {"profiles/own/type.toml": PROFILE + POINT})
    keep_last_good(site / "site.toml", data, good)

    (site / "profiles/own/type.toml").write_text("broken")
    (site / "site.toml").write_text("broken")
    verdict = check_last_good(site / "site.toml", data)
    assert verdict.snapshot is not None
    assert difference(verdict.snapshot, good) == SAME
    assert verdict.snapshot.directory == site, "file names in it still begin where the site stands"


def test_the_last_good_site_forgets_what_is_no_longer_used(tmp_path: Path) -> None:
    site, data = tmp_path / "etc", tmp_path / "data"
    site.mkdir()
    own = snapshot(site, changed("water/ultrad", "own/type"), {"profiles/own/type.toml": PROFILE + POINT})
    keep_last_good(site / "site.toml", data, own)
    keep_last_good(site / "site.toml", data, snapshot(site))
    assert [path.name for path in data.rglob("*.toml")] == [NAME]
    assert (data / NAME).read_text() == GOOD
    assert not list((data / FOLDER).rglob("*.toml"))


def test_keeping_the_same_site_again_writes_nothing(tmp_path: Path) -> None:
    site, data = tmp_path / "etc", tmp_path / "data"
    site.mkdir()
    good = snapshot(site)
    keep_last_good(site / "site.toml", data, good)
    before = (data / NAME).stat()
    keep_last_good(site / "site.toml", data, good)
    after = (data / NAME).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_no_last_good_site_is_told(tmp_path: Path) -> None:
    assert [each.code for each in check_last_good(tmp_path / "site.toml", tmp_path).mistakes] == ["file.missing"]


def test_load_gives_the_snapshot(tmp_path: Path) -> None:
    assert load(check_path(tmp_path)).site.gateway.id == "gw-0007"


def check_path(folder: Path) -> Path:
    path = folder / "site.toml"
    path.write_text(GOOD)
    return path
