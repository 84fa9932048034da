"""Sites for the tests of the configuration: a good one, and the same with parts exchanged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from courtyard.config.read import Verdict, check_site

GATEWAY = '[gateway]\nid = "gw-0007"\nplace = "370213/005/012/0007"\nlanguage = "en"\n'
UPLINK = '[[uplinks]]\nname = "community"\nurl = "mqtts://platform.example"\n'
LINE = '[[lines]]\nname = "bus"\nkind = "serial"\nport = "/dev/ttyUSB0"\n'
METER = '[[devices]]\nid = "meter"\nprofile = "water/ultrad"\nline = "bus"\naddress = 1\n'
BOARD = (
    '[[devices]]\nid = "board"\nprofile = "io/relay-board"\nline = "bus"\naddress = 2\n'
    'points = [{ point = "relay.1", address = 0, type = "bool" }]\n'
    'writes = [{ name = "siren", kind = "coil", address = 0 }]\n'
)
OUTPUT = '[[outputs]]\nname = "siren"\ndevice = "board"\ntarget = "siren"\n'
RULE = '[[rules]]\nname = "flow"\nkind = "threshold"\npoint = "water.flow"\nabove = 3\noutputs = ["siren"]\n'
GOOD = "\n".join([GATEWAY, UPLINK, LINE, METER, BOARD, OUTPUT, RULE])

PROFILE = 'protocol = "modbus"\ntitle_en = "Own"\ntitle_zh = "自定义"\n'
POINT = '[[points]]\npoint = "water.flow"\naddress = 0\ntype = "uint16"\nunit = "L/h"\n'


def check(
    folder: Path, text: str = GOOD, files: Mapping[str, str] | None = None, credentials: Path | None = None
) -> Verdict:
    """Checks a site of this text; `files` stand beside it, by path."""
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    path = folder / "site.toml"
    path.write_text(text, "utf-8")
    return check_site(path, credentials=credentials)


def changed(old: str, new: str) -> str:
    """The good site with one piece of text exchanged."""
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)
