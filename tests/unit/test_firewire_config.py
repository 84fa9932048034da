"""Fire panels in site.toml: what an installer may write, and what is said of mistakes."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from courtyard.agent.cli import check as check_command
from courtyard.agent.scannable import refuse_where_panels_hang, scannable
from courtyard.config.last_good import check_last_good, keep_last_good
from courtyard.config.messages import messages
from courtyard.config.read import load
from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.naming import naming, source
from courtyard.drivers.fire.register_settings import RegisterPanel
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.lines.settings import SerialLine
from tests.config_rig import GATEWAY, LINE, METER, check

FIRE_LINE = '[[lines]]\nname = "fire-1"\nkind = "serial"\nport = "/dev/ttyUSB9"\n'
NET_LINE = '[[lines]]\nname = "net"\nkind = "tcp-server"\nport = 5200\npeers = ["192.168.1.0/24"]\n'
PANEL = '[[fire_panels]]\nid = "fp-1"\nline = "fire-1"\nprotocol = "jbf"\nplace = "b03/x-fire-room"\n'
NET_2 = NET_LINE.replace('"net"', '"net-2"')
UITD = '[[fire_panels]]\nid = "uitd-1"\nline = "net"\nprotocol = "gb26875"\n'
GST = '[[fire_modbus_panels]]\nid = "gst-1"\nline = "fire-1"\nmodel = "gst200"\naddress = 1\n'
NAMES = 'names = "names/fp-1.csv"\n'
CSV = "回路,地址,位置,描述\n6,12,b03/f06,3号楼6层走廊\n6,013,,6层电梯厅\n"


def codes(folder: Path, *parts: str, files: dict[str, str] | None = None) -> list[str]:
    verdict = check(folder, "\n".join((GATEWAY, *parts)), files)
    return [each.code for each in (*verdict.mistakes, *verdict.warnings)]


def test_a_panel_is_ready_for_its_driver_with_the_names_of_its_parts(tmp_path: Path) -> None:
    text = "\n".join((GATEWAY, FIRE_LINE, PANEL + NAMES + 'silence = "20s"\n', NET_LINE, UITD, LINE, METER))
    verdict = check(tmp_path, text, {"names/fp-1.csv": CSV})
    assert not verdict.mistakes
    snapshot = verdict.snapshot
    assert snapshot is not None
    assert snapshot.lines["fire-1"].family == "fire"
    (panel,) = snapshot.lines["fire-1"].devices
    assert panel == FirePanel(
        id="fp-1",
        protocol="jbf",
        silence_s=20.0,
        names={"1-6-12": "3号楼6层走廊", "1-6-13": "6层电梯厅"},
        places={"1-6-12": "b03/f06"},
    )
    installed = snapshot.devices["fp-1"]
    assert (installed.place, installed.profile) == ("370213/005/012/0007/b03/x-fire-room", "fire/jbf")
    assert [device.id for device in snapshot.site.installed] == ["meter", "fp-1", "uitd-1"]
    assert (snapshot.lines["net"].family, snapshot.lines["bus"].family) == ("fire", "modbus")


def test_a_panel_on_modbus_is_ready_for_its_driver(tmp_path: Path) -> None:
    notifier = GST.replace("gst-1", "n-1").replace("gst200", "notifier").replace("address = 1", "address = 2")
    text = "\n".join((GATEWAY, FIRE_LINE, GST, notifier + "spans = [{ first = 0, count = 200 }]\n"))
    snapshot = check(tmp_path, text).snapshot
    assert snapshot is not None
    gst, other = snapshot.lines["fire-1"].devices
    assert gst == RegisterPanel(id="gst-1", model="gst200", address=1)
    assert other == RegisterPanel(id="n-1", model="notifier", address=2, spans=((0, 200),))


MISTAKES: list[tuple[tuple[str, ...], str]] = [
        ((LINE, METER, PANEL.replace("fire-1", "bus")), "panel.on_meter_line"),
        ((LINE, METER, PANEL), "reference.line"),
        ((FIRE_LINE, PANEL.replace('"jbf"', '"jfb"')), "value.wrong"),
        ((FIRE_LINE, PANEL, PANEL.replace("fp-1", "fp-2")), "panel.not_alone"),
        ((FIRE_LINE, PANEL, GST), "panel.not_alone"),
        ((FIRE_LINE, PANEL, LINE, METER.replace('"meter"', '"fp-1"')), "name.twice"),
        ((FIRE_LINE, GST, GST.replace("gst-1", "gst-2")), "line.address_twice"),
        ((FIRE_LINE, GST.replace("gst200", "notifier")), "panel.needs_spans"),
        ((NET_LINE, GST.replace("fire-1", "net")), "panel.line_kind"),
        ((NET_LINE.replace("tcp-server", "udp"), PANEL.replace("fire-1", "net")), "panel.line_kind"),
        ((NET_LINE, UITD, UITD.replace("uitd-1", "uitd-2") + "address = 7\n"), "panel.needs_address"),
        ((NET_LINE.replace("192.168.1.0/24", "192.168.1"), UITD), "line.peers"),
        ((NET_LINE.replace('peers = ["192.168.1.0/24"]', ""), UITD), "line.open_to_all"),
        ((NET_LINE, UITD, NET_2, UITD.replace("uitd-1", "u").replace('"net"', '"net-2"')), "line.port_twice"),
        ((NET_LINE, METER.replace('"bus"', '"net"')), "line.no_modbus"),
        ((FIRE_LINE + "baud = 2400\n", PANEL), "panel.port_unusual"),
        ((FIRE_LINE, PANEL + NAMES), "names.unreadable"),
        ((FIRE_LINE, PANEL + 'names = "../fp-1.csv"\n'), "value.wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "expected"), MISTAKES)
def test_each_mistake_has_its_words(tmp_path: Path, parts: tuple[str, ...], expected: str) -> None:
    assert [code for code in codes(tmp_path, *parts) if code == expected or "unusual" not in code] == [expected]


def test_the_nearest_protocol_is_offered(tmp_path: Path) -> None:
    verdict = check(tmp_path, "\n".join((GATEWAY, FIRE_LINE, PANEL.replace('"jbf"', '"jfb"'))))
    (mistake,) = verdict.mistakes
    assert (mistake.nearest, mistake.line) == ("jbf", 14)
    assert "jbf" in mistake.cure.zh


def test_every_bad_row_of_a_names_file_is_said_with_its_line_and_the_others_hold(tmp_path: Path) -> None:
    rows = "controller,loop,address,place,text,colour\n1,6,12,b03,hall,red\n1,,13,,nowhere,\n1,6,12,,again,\n"
    rows += "1,6,14,kitchen,,\n1,6,15,,,\n1,6,1 6,,blank,\n\n1,6,17,,good,\n"
    rows += f"1,6,18,,{'x' * 121},\n"
    verdict = check(tmp_path, "\n".join((GATEWAY, FIRE_LINE, PANEL + NAMES)), {"names/fp-1.csv": rows})
    found = [(each.code, each.file, each.line) for each in verdict.warnings]
    assert found == [
        ("names.column", "names/fp-1.csv", 1),
        ("names.missing", "names/fp-1.csv", 3),
        ("names.twice", "names/fp-1.csv", 4),
        ("names.place", "names/fp-1.csv", 5),
        ("names.empty", "names/fp-1.csv", 6),
        ("names.address", "names/fp-1.csv", 7),
        ("names.long", "names/fp-1.csv", 10),
    ]
    assert all(each.cure.en and each.cure.zh for each in verdict.warnings)
    assert verdict.snapshot is not None
    (panel,) = verdict.snapshot.lines["fire-1"].devices
    assert panel.names == {"1-6-12": "hall", "1-6-17": "good", "1-6-18": "x" * 121}


FILES = [
    ("6,12,b03,hall\n", "names.header"),
    ("loop,address\n6,12\n", "names.header"),
    ("", "names.header"),
    ('loop,address,text\n6,12,"open\n', "names.quote"),
    ("loop,address,text,text\n", "names.column_twice"),
    ("loop,address,text\n" + "".join(f"1,{row},x\n" for row in range(50_001)), "names.too_many"),
]


@pytest.mark.parametrize(("content", "expected"), FILES)
def test_a_names_file_that_cannot_be_read_refuses_the_site(tmp_path: Path, content: str, expected: str) -> None:
    assert expected in codes(tmp_path, FIRE_LINE, PANEL + NAMES, files={"names/fp-1.csv": content})


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_chinese_spreadsheets_save_is_read(tmp_path: Path, charset: str, separator: str) -> None:
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "fp-1.csv").write_bytes(CSV.replace(",", separator).replace("\n", "\r\n").encode(charset))
    snapshot = check(tmp_path, "\n".join((GATEWAY, FIRE_LINE, PANEL + NAMES))).snapshot
    assert snapshot is not None
    assert snapshot.lines["fire-1"].devices[0].names["1-6-12"] == "3号楼6层走廊"


def test_a_names_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "fp-1.csv").write_bytes(b"loop,address,text\n1,2,\xff\xff\n")
    assert codes(tmp_path, FIRE_LINE, PANEL + NAMES) == ["names.encoding"]


@pytest.mark.parametrize(
    ("protocol", "parts", "expected"),
    [
        ("jbf", {"controller": "02", "loop": "6", "address": "012"}, "2-6-12"),
        ("ld128", {"loop": "6", "address": "12"}, "6-12"),
        ("gst-printer", {"loop": "4", "address": "4"}, "004-004"),
        ("gst24", {"address": "001004"}, "001004"),
        ("gst200", {"address": "017"}, "17"),
        ("gst5000", {"loop": "3", "address": "17"}, "3-17"),
        ("gamewell", {"address": "zone-3"}, "zone-3"),
    ],
)
def test_a_row_names_the_part_as_its_panel_does(protocol: str, parts: dict[str, str], expected: str) -> None:
    assert source(naming(protocol), parts) == expected  # type: ignore[arg-type]


def test_every_message_about_panels_and_their_names_has_a_case() -> None:
    shown = {code for _, code in (*MISTAKES, *FILES)} | {"names.encoding"}
    rows = {f"names.{word}" for word in ("column", "missing", "twice", "place", "empty", "address", "long")}
    assert {code for code in messages() if code.startswith(("panel.", "names."))} <= shown | rows


def test_the_last_good_site_keeps_the_names(tmp_path: Path) -> None:
    text = "\n".join((GATEWAY, FIRE_LINE, PANEL + NAMES))
    verdict = check(tmp_path, text, {"names/fp-1.csv": CSV})
    assert verdict.snapshot is not None
    keep_last_good(tmp_path / "site.toml", tmp_path / "data", verdict.snapshot)
    (tmp_path / "names" / "fp-1.csv").unlink()
    again = check_last_good(tmp_path / "site.toml", tmp_path / "data")
    assert again.snapshot is not None
    assert again.snapshot.lines == verdict.snapshot.lines


def test_check_lists_the_panels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(tmp_path, "\n".join((GATEWAY, FIRE_LINE, PANEL + NAMES)), {"names/fp-1.csv": CSV})
    for language, words in (("en", "2 parts named"), ("zh-CN", "已命名部件 2 个")):
        options = argparse.Namespace(site=tmp_path / "site.toml", json=False, lang=language)
        assert check_command.run(options) == 0
        said = capsys.readouterr().out
        assert "fp-1" in said
        assert words in said


def test_a_line_of_a_panel_is_never_searched_for_meters(tmp_path: Path) -> None:
    check(tmp_path, "\n".join((GATEWAY, FIRE_LINE, PANEL)))
    with pytest.raises(DriverError) as refused:
        scannable(load(tmp_path / "site.toml"), "fire-1")
    assert refused.value.fault.code == "line.no_meters"
    with pytest.raises(DriverError):
        refuse_where_panels_hang(load(tmp_path / "site.toml"), SerialLine("scan", "/dev/ttyUSB9"))
    refuse_where_panels_hang(load(tmp_path / "site.toml"), SerialLine("scan", "/dev/ttyUSB8"))
