"""Tables of devices: as spreadsheets write them, judged row by row and column by column."""

from __future__ import annotations

from pathlib import Path

import pytest

from courtyard.config.device_list import MOST_ROWS, judge, read_device_list
from courtyard.config.site_file import SiteFile
from tests.config_rig import GATEWAY, LINE

ROWS = "编号,型号,线路,地址,位置,名称\r\nwm-1,water/ultrad,bus,7,b01/u01/f01/r101,一号\r\n"


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_what_excel_writes_is_read(charset: str, between: str) -> None:
    found = read_device_list(ROWS.replace(",", between).encode(charset))
    assert found.mistakes == ()
    assert [row.entry for row in found.rows] == [
        {
            "id": "wm-1",
            "profile": "water/ultrad",
            "line": "bus",
            "address": 7,
            "place": "b01/u01/f01/r101",
            "name": "一号",
        }
    ]


def test_numbers_of_a_profile_and_bare_seconds() -> None:
    found = read_device_list(b"id,profile,line,address,every,options.multiplier\na,water/tuf-2000,bus,1,30,0.1\n")
    assert found.rows[0].entry["options"] == {"multiplier": 0.1}
    assert found.rows[0].entry["every"] == "30s"


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"", 1, "empty"),
        (b"\xff\xfe\x00", 1, "neither"),
        (b"\x80\xff\x81", 1, "neither"),
        (b"id,profile,line\n", 1, "address"),
        (b"id,profile,line,adress\n", 1, "address"),
        (b"id,id,profile,line,address\n", 1, "twice"),
        (b'id,profile,line,address\n"a,b,c,1\n', 2, "not closed"),
        (b"id,profile,line,address\n" + b"a,b,c,1\n" * (MOST_ROWS + 1), MOST_ROWS + 1, "More than"),
    ],
)
def test_a_table_that_is_none_says_why(data: bytes, line: int, says: str) -> None:
    found = read_device_list(data)
    assert found.rows == ()
    assert found.mistakes[0].line == line
    assert says in f"{found.mistakes[0].text.en} {found.mistakes[0].cure.en}"


def test_each_wrong_cell_is_named_and_the_other_rows_hold(tmp_path: Path) -> None:
    file = SiteFile(tmp_path / "site.toml", tmp_path / "data")
    text = GATEWAY + LINE
    file.write(text, file.read())
    rows = [
        "id,profile,line,address,place",
        "a,water/ultrad,bus,1,b01",
        "b,water/ultrad,nowhere,2,b01",
        "c,water/ultrda,bus,3,b01",
        "a,water/ultrad,bus,4,b01",
        "d,water/ultrad,bus,999,b01",
        ",water/ultrad,bus,6,b01",
        "e,water/ultrad,bus,7,block 3",
    ]
    judged = judge(read_device_list("\n".join(rows).encode()), text, file.check)
    assert [row.entry["id"] for row in judged.good] == ["a"]
    assert judged.general == ()
    assert {(each.line, each.column) for each in judged.mistakes} == {
        (3, "line"), (4, "profile"), (5, "id"), (6, "address"), (7, "id"), (8, "place"),
    }  # fmt: skip
    assert file.check(judged.text).snapshot is not None
