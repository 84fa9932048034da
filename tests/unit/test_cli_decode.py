"""`courtyard decode` as people type it: ways to write bytes, what is wrong with them, frames as tables and as data.

Frames: MODBUS Application Protocol V1.1b3 (request for ten registers), GATT Specification Supplement (heart rate).
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.cli.decode import NAMES
from courtyard.agent.cli.hexadecimal import MAX_BYTES, MAX_CHARACTERS, NotHexadecimal, read_hex, typed
from tests import ble_vectors, fire_vectors

REQUEST = bytes.fromhex("01 03 00 00 00 0A C5 CD")
GOOD = {
    **{vector.protocol: vector.data for vector in reversed(ble_vectors.VECTORS)},
    **{vector.protocol: vector.frame for vector in reversed(fire_vectors.VECTORS)},
    "modbus": REQUEST,
}


@pytest.mark.parametrize(
    "text",
    [
        "01 03 00 00 00 0A C5 CD",
        "01030000000ac5cd",
        "0x01, 0x03, 0x00, 0x00, 0x00, 0x0a, 0xC5, 0XCD",
        "0x01030000000AC5CD",
        "01:03:00:00:00:0A:C5:CD",
        "01-03-00-00;00-0A-C5-CD",
        "  01 03 00 00\n00 0A C5\tCD\r\n",
    ],
)
def test_every_usual_way_to_write_bytes_is_read(text: str) -> None:
    assert read_hex(text) == REQUEST


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("01 0G", "'G' in '0G' (character 5) is no hexadecimal digit", "“0G”中的“G”（第 5 个字符）不是十六进制数字"),
        ("01 0x0z", "'z' in '0x0z' (character 7)", "“0x0z”中的“z”（第 7 个字符）"),
        ("01\n02 é3\n", "'é' in 'é3' (line 2, character 4)", "第 2 行第 4 个字符"),
        ("01，03", "'，' in '01，03' (character 3)", "“，”（第 3 个字符）"),
        ("01 2 03", "'2' (character 4) has 1 digit; a byte has two: write 02.", "请写成 02。"),
        ("010", "'010' (character 1) has 3 digits; a byte has two: add the missing", "有 3 位数字，而每个字节应为两位"),
        ("01 0x", "'0x' (character 6) has 0 digits", "有 0 位数字"),
        ("", "No bytes were given. Write them in hexadecimal", "没有给出字节"),
        (" , ", "or - to read them from stdin", "或写 - 从标准输入读取"),
        ("00" * (MAX_BYTES + 1), f"at most {MAX_BYTES} bytes", f"最多解析 {MAX_BYTES} 字节"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_its_cure(text: str, en: str, zh: str) -> None:
    with pytest.raises(NotHexadecimal) as caught:
        read_hex(text)
    assert en in caught.value.text.en
    assert zh in caught.value.text.zh


def test_a_dash_reads_stdin_up_to_a_limit() -> None:
    assert typed(["-"], io.BytesIO(b"01 03\n")) == "01 03\n"
    assert typed(["01", "-"], io.BytesIO(b"05")) == "01 -"
    endless = io.BytesIO(b"0" * (MAX_CHARACTERS + 5))
    with pytest.raises(NotHexadecimal):
        typed(["-"], endless)
    assert endless.tell() == MAX_CHARACTERS + 1


def test_bytes_come_by_a_pipe() -> None:
    command = [sys.executable, "-m", "courtyard.agent", "decode", "modbus", "-", "--json"]
    done = subprocess.run(command, input=b"01 03 00 00\n00 0A C5 CD\n", capture_output=True, timeout=30, check=True)
    assert json.loads(done.stdout)["valid"]


def as_data(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main(["decode", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("protocol", NAMES)
def test_every_protocol_gives_data_for_good_and_for_broken_frames(
    protocol: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = GOOD[protocol]
    status, data = as_data(capsys, protocol, good.hex(":"))
    assert (status, data["protocol"], data["valid"], data["error"]) == (0, protocol, True, None)
    assert data["fields"]
    status, broken = as_data(capsys, protocol, (b"\xee" + good).hex(" "))
    assert (status, broken["protocol"], broken["valid"]) == (1, protocol, False)
    assert broken.keys() == data.keys()
    assert 0 <= broken["error_at"] <= len(good) + 1
    assert re.search(rf"\bbytes? {broken['error_at']}\b", broken["error"])


def test_wrong_use_is_said_in_the_language_asked_for_and_is_data_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decode", "modbuss", "01", "--lang", "en"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("courtyard: Unknown protocol 'modbuss'. Did you mean modbus? Known: modbus, gb26875,")
    assert main(["decode", "蓝牙", "01", "--lang", "zh-CN"]) == 2
    assert capsys.readouterr().err == f"courtyard: 未知协议“蓝牙”。支持：{', '.join(NAMES)}。\n"
    assert main(["decode", "modbus", "01", "0x3", "--lang", "zh-CN"]) == 2
    assert "第 6 个字符" in capsys.readouterr().err
    status, data = as_data(capsys, "modbus", "0G")
    assert (status, data["protocol"], data["valid"], data["fields"]) == (2, "modbus", False, {})
    assert "'G' in '0G'" in data["error"]


def test_profiles_are_named_when_one_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "modbus", "01", "--profile", "water/none", "--lang", "en"]) == 2
    assert "No Modbus profile is called 'water/none'. Name one of: " in capsys.readouterr().err


def test_a_table_shows_every_value_on_a_row_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "ble-gatt", "2A37", "06", "48", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "{" not in shown
    assert "vital.heart_rate" in shown
    assert "kind not_worn" in shown
    assert shown.endswith("valid\n")
    assert main(["decode", "modbus", "01030000000AC5CD", "--lang", "zh-CN"]) == 0
    shown = capsys.readouterr().out
    assert "请求" in shown
    assert "request" not in shown


def test_a_field_that_is_the_whole_of_a_cut_frame_keeps_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "gb26875", "4040", "--lang", "en"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:3] == ["0-1", "40", "40"]
    assert lines[-1] == "byte 2 is missing: the frame is not complete"
