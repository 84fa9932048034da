"""What feeds the page: devices that stay the same object, wear of disks, pictures, residents, past alarms, mending."""

from __future__ import annotations

import asyncio
import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.care.consents import Consents
from courtyard.agent.latest import Latest
from courtyard.agent.page.mending import SiteMending
from courtyard.agent.page.past import JournalPast
from courtyard.agent.page.pictures import CameraPictures, png
from courtyard.agent.page.shelf import Shelf
from courtyard.agent.page.wear import WearWatch, releases
from courtyard.agent.page.wearing import Wearing
from courtyard.agent.records import AlarmRecord
from courtyard.agent.web.model import Refused
from courtyard.agent.web.past import Wanted
from courtyard.buffer import Entry, Options
from courtyard.buffer.journal import Journal
from courtyard.config.care import Resident
from courtyard.config.last_good import NAME as LAST_GOOD
from courtyard.config.read import check_site
from courtyard.config.site_file import SiteFile
from courtyard.drivers.base import Fault, Reading, Text
from courtyard.drivers.camera.frames import Frame, FrameBoard
from tests.config_rig import GOOD, METER, check

DAY_MS = 86_400_000
STEPS = ("readings", "silence", "fault", "alarm", "site", "alone")


def snapshot(folder: Path, text: str = GOOD) -> Any:
    verdict = check(folder, text)
    assert verdict.snapshot is not None, verdict.mistakes
    return verdict.snapshot


def test_a_device_that_is_as_before_is_the_same_object(tmp_path: Path) -> None:
    site, latest = snapshot(tmp_path), Latest()
    shelf, name = Shelf(latest), next(iter(site.devices))
    latest.note(Reading(name, 1000, 1, {"water.volume.total": 1.0}))
    first = shelf.devices(site, {}, {}, {}, 1000)
    assert shelf.devices(site, {}, {}, {}, 2000) is first
    latest.note(Reading(name, 3000, 3, {"water.volume.total": 2.0}))
    second = shelf.devices(site, {}, {}, {}, 3000)
    assert second is not first
    assert [one is other for one, other in zip(first, second, strict=True)] == [False] + [True] * (len(first) - 1)
    fault = Fault("x", Text("a", "b"), Text("c", "d"))
    assert shelf.devices(site, {name: fault}, {name: 5}, {}, 3000)[0].state == "fault"
    assert shelf.devices(site, {}, {}, {name: "leak"}, 3000)[0].state == "alarm"


def test_one_device_that_is_looked_at_alone_is_the_one_in_the_list(tmp_path: Path) -> None:
    site, latest = snapshot(tmp_path), Latest()
    shelf, name = Shelf(latest), next(iter(site.devices))
    before = shelf.devices(site, {}, {}, {}, 1000)
    latest.note(Reading(name, 2000, 2, {"water.volume.total": 1.0}))
    alone = shelf.device(name, site, {}, {}, None, 2000)
    assert alone.at_ms == 2000
    assert shelf.device(name, site, {}, {}, None, 2000) is alone
    after = shelf.devices(site, {}, {}, {}, 2000)
    assert after[0] is alone
    assert after[1:] == before[1:]
    assert shelf.device(name, site, {}, {}, "leak", 2000).state == "alarm"


def test_silence_changes_a_device_without_any_reading(tmp_path: Path) -> None:
    site, latest = snapshot(tmp_path), Latest()
    shelf, name = Shelf(latest), next(iter(site.devices))
    latest.note(Reading(name, 1000, 1, {"water.volume.total": 1.0}))
    assert shelf.devices(site, {}, {}, {}, 2000)[0].state == "ok"
    assert shelf.devices(site, {}, {}, {}, 2000 + DAY_MS)[0].state == "stale"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """One of six devices, and one of four of them."""
    meters = [METER.replace('"meter"', f'"meter-{n}"').replace("= 1\n", f"= {n + 10}\n") for n in range(4)]
    folders = [tmp_path_factory.mktemp(name) for name in ("whole", "part")]
    return snapshot(folders[0], "\n".join([GOOD, *meters])), snapshot(folders[1], "\n".join([GOOD, *meters[:2]]))


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["readings", "silence", "fault", "alarm", "site", "alone"]), st.integers(0, 2**16))
    )
)
def test_what_is_told_is_what_looking_at_every_device_would_tell(
    sites: tuple[Any, Any], steps: list[tuple[str, int]]
) -> None:
    whole, part, now_ms = *sites, DAY_MS
    site, latest, beside = whole, Latest(), Latest()
    shelf, names, fault = Shelf(latest), list(whole.devices), Fault("x", Text("a", "b"), Text("c", "d"))
    faults: dict[str, Fault] = {}
    alarmed: dict[str, str] = {}
    for step, chance in steps:
        name = names[chance % len(names)]
        match step:
            case "readings":
                value = None if chance % 5 == 0 else float(chance)
                for each in (latest, beside):
                    each.note(Reading(name, now_ms, now_ms, {"water.volume.total": value}))
            case "silence":
                now_ms += chance * 1000
            case "fault":
                faults = dict.fromkeys({*faults} ^ {name}, fault)
            case "alarm":
                alarmed = dict.fromkeys({*alarmed} ^ {name}, "leak")
            case "site":
                site = part if site is whole else whole
            case _:
                if name in site.devices:
                    shelf.device(name, site, faults, {}, alarmed.get(name), now_ms)
                continue
        told = shelf.devices(site, faults, {}, alarmed, now_ms)
        assert told == Shelf(beside).devices(site, faults, {}, alarmed, now_ms)


def test_an_emmc_tells_its_wear_and_the_pace_is_told_after_a_minute(tmp_path: Path) -> None:
    proc, disk = tmp_path / "proc/self", tmp_path / "sys/dev/block/mmcblk0"
    proc.mkdir(parents=True)
    (disk / "device").mkdir(parents=True)
    (disk / "device/life_time").write_text("0x02 0x01\n")
    number = (tmp_path.stat().st_dev >> 8 & 0xFFF, tmp_path.stat().st_dev & 0xFF)
    (tmp_path / f"sys/dev/block/{number[0]}:{number[1]}").symlink_to(disk)
    watch = WearWatch(tmp_path, proc=tmp_path / "proc", sys=tmp_path / "sys")
    (proc / "io").write_text("rchar: 5\nwrite_bytes: 1000\n")
    first = watch.look(0.0)
    assert first is not None
    assert first.written_day_bytes is None
    (proc / "io").write_text("rchar: 5\nwrite_bytes: 101000\n")
    later = watch.look(100.0)
    assert later is not None
    assert (later.disk, later.written_day_bytes, later.used) == ("mmcblk0", 86_400_000.0, 0.2)


def test_releases_name_the_current_one_first(tmp_path: Path) -> None:
    for name in ("aa", "bb"):
        (tmp_path / "releases" / name).mkdir(parents=True)
    (tmp_path / "current").symlink_to(tmp_path / "releases/bb")
    assert [(each.name, each.current) for each in releases(tmp_path)] == [("bb", True), ("aa", False)]
    assert releases(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(("width", "columns", "rows"), [(8, 8, 6), (4, 4, 3), (3, 3, 2)])
def test_a_picture_becomes_a_png_with_the_same_points(width: int, columns: int, rows: int) -> None:
    pixels = bytes(range(8 * 6 * 3))
    made = png(Frame(1, 0.0, 8, 6, 0.0, pixels), width)
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", made[16:24]) == (columns, rows)
    length = struct.unpack(">I", made[33:37])[0]
    lines = zlib.decompress(made[41 : 41 + length])
    assert len(lines) == rows * (1 + 3 * columns)
    assert lines[1:4] == pixels[:3]
    step = 8 // columns if 8 % columns == 0 else 3
    assert lines[4:7] == pixels[3 * step : 3 * step + 3]


CAMERA = """
[[cameras]]
id = "cam-1"
address = "192.0.2.9"
username = "gateway"
password_file = "secrets/cam"

# the lift of block 3
[[lifts]]
id = "lift-1"   # keep this
camera = "cam-1"
"""


class Watched:
    """A driver whose camera hands its pictures on in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def frames_file(self, camera: str) -> Path:
        return self.path


def test_a_region_is_drawn_into_the_site_file_and_nothing_else_changes(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(exist_ok=True)
    (tmp_path / "secrets/cam").write_text("geheim-1234")
    (tmp_path / "secrets/cam").chmod(0o600)
    site = snapshot(tmp_path, GOOD + CAMERA)
    file = SiteFile(tmp_path / "site.toml", tmp_path / "data")
    board = FrameBoard(tmp_path / "board")
    pictures = CameraPictures(lambda: site, lambda name: Watched(tmp_path / "board"), file, mono_s=lambda: 12.0)
    assert asyncio.run(pictures.picture("cam-1", small=True)) is None
    board.put(bytes(8 * 6 * 3), 8, 6, 10.0, 0.5)
    devices = Shelf(Latest()).devices(site, {}, {}, {}, 100_000)
    (camera,) = pictures.cameras(devices, 100_000)
    assert (camera.picture_ms, camera.number, camera.moving, camera.lift) == (98_000, 1, True, "lift-1")
    shown = asyncio.run(pictures.picture("cam-1", small=True))
    assert shown is not None
    asyncio.run(pictures.draw("cam-1", ((0.1, 0.2), (0.9, 0.2), (0.5, 1.0)), ()))
    text = (tmp_path / "site.toml").read_text()
    assert "# the lift of block 3" in text
    assert 'id = "lift-1"   # keep this' in text
    drawn = check_site(tmp_path / "site.toml").snapshot
    assert drawn is not None
    assert drawn.site.lifts[0].floor_region == ((0.1, 0.2), (0.9, 0.2), (0.5, 1.0))
    with pytest.raises(Refused):
        asyncio.run(pictures.draw("cam-2", (), ()))


def test_a_resident_is_shown_as_far_as_consent_goes(tmp_path: Path) -> None:
    first = snapshot(tmp_path)
    name = next(iter(first.devices))
    site = _with_resident(first, name)
    consents = Consents(tmp_path / "acts")
    wearing = Wearing(lambda: site, consents)
    said = {"vital.heart_rate": 72.0, "presence.room": "b01/r1", "battery.level": 9.0}
    devices = {each.id: each for each in Shelf(Latest()).devices(site, {}, {}, {}, 1000)}

    def shown() -> Any:
        wearing.note(Reading(name, 1000, 1, dict(said)))
        return wearing.residents(devices, ())[0]

    assert (shown().consent, shown().vitals, shown().room, shown().worn[0].low) == (False, (), None, True)
    consents.add("grant", "r-1", by="li", at_ms=1000)
    agreed = shown()
    assert (agreed.consent, [each.value for each in agreed.vitals], agreed.room) == (True, [72.0], "b01/r1")
    consents.add("withdraw", "r-1", by="li", at_ms=2000)
    assert (shown().vitals, shown().room) == ((), None)
    consents.add("grant", "r-1", by="li", at_ms=3000)
    assert wearing.residents(devices, ())[0].vitals == ()


def _with_resident(site: Any, device: str) -> Any:
    return msgspec.structs.replace(
        site, site=msgspec.structs.replace(site.site, residents=(Resident("r-1", (device,)),))
    )


def test_past_alarms_are_those_of_the_journal_as_they_ended(tmp_path: Path) -> None:
    def record(number: int, change: int, state: Any, **more: Any) -> Entry:
        at = f"2026-11-2{number}T00:00:00.000Z"
        told = AlarmRecord(
            f"wm-{number}:leak:", 1, change, "raise" if change == 1 else "clear", state, 2, "leak", f"wm-{number}",
            "370213/005/012/0007/b01", at, 0, "synced", at, text_en="Water.", text_zh="水。", **more,
        )  # fmt: skip
        return Entry("alarm", 1_700_000_000_000 + number * DAY_MS, msgspec.json.encode(told))

    async def run() -> None:
        journal = Journal.open(tmp_path / "journal", Options(), boot="b", wall_ms=lambda: 0)
        await journal.append([record(1, 1, "raised"), record(1, 2, "cleared"), record(2, 1, "raised")])
        past = JournalPast(tmp_path / "journal")
        everything = Wanted(0, 1 << 50)
        found = await past.find(everything)
        assert [(alarm.device, alarm.state) for alarm in found.alarms] == [("wm-2", "raised"), ("wm-1", "cleared")]
        assert found.whole
        assert [alarm.device for alarm in (await past.find(Wanted(0, 1 << 50, q="WM-1"))).alarms] == ["wm-1"]
        assert (await past.find(Wanted(0, 1 << 50, "fire"))).alarms == ()
        assert (await past.find(Wanted(0, 1000))).alarms == ()
        await journal.close()
        assert (await JournalPast(tmp_path / "none").find(everything)).alarms == ()

    asyncio.run(run())


def test_a_site_file_is_mended_checked_first_and_never_over_somebody_elses_change(tmp_path: Path) -> None:
    snapshot(tmp_path)
    site, data = tmp_path / "site.toml", tmp_path / "data"
    data.mkdir(exist_ok=True)
    good = site.read_text()
    (data / LAST_GOOD).write_text(good)
    site.write_text(
        good.replace('every = "', 'every = "x', 1) if 'every = "' in good else good + "\n[[devices]]\nid = 7\n"
    )
    mending = SiteMending(site, data)

    async def run() -> None:
        broken = await mending.draft()
        assert any(each.severity == "mistake" and each.line for each in broken.mistakes)
        before = site.read_text()
        told = await mending.save(before, broken.mark)
        assert any(each.severity == "mistake" for each in told.mistakes)
        assert site.read_text() == before
        back = await mending.last_good()
        assert back.text == good
        with pytest.raises(Refused):
            await mending.save(good, "another")
        await mending.save(back.text, back.mark)
        assert site.read_text() == good

    asyncio.run(run())
