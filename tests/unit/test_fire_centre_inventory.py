"""Parts of panels as components of a centre: the same address in alarms, in lists of names and in questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from courtyard.agent.uplinks.gb26875.inventory import Inventory, address_of, inventory_of
from courtyard.agent.uplinks.gb26875.parts import Part, Said, part_of
from courtyard.config.read import check_site
from courtyard.config.station import Station
from courtyard.drivers.fire.naming import NAMINGS, naming

HEAD = """
[gateway]
id = "gw-0007"
place = "370213/005/012/0007"
language = "en"
[[lines]]
name = "{line}"
kind = "tcp"
host = "127.0.0.1"
"""
PANEL = '[[fire_panels]]\nid = "{id}"\nline = "{line}"\nprotocol = "{kind}"\nnames = "{id}.csv"\n{more}\n'
REGISTERS = PANEL.replace("fire_panels", "fire_modbus_panels").replace("protocol", "address = 1\nmodel")


def site(folder: Path, *panels: tuple[str, str, str, str]) -> Path:
    """A site of panels: id, protocol or model, further settings, and the rows of its list of names."""
    text = ""
    for number, (name, kind, more, rows) in enumerate(panels):
        table = REGISTERS if kind in ("gst200", "gst5000", "notifier") else PANEL
        head = HEAD if not number else HEAD[HEAD.index("[[lines]]") :]
        text += head.format(line=f"l-{number}") + table.format(id=name, line=f"l-{number}", kind=kind, more=more)
        (folder / f"{name}.csv").write_text(f"controller,loop,address,place,text\n{rows}", encoding="utf-8")
    (folder / "site.toml").write_text(text, encoding="utf-8")
    return folder / "site.toml"


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("jbf", "2-6-12", (2, 6 << 16 | 12)), ("jbf", "3", (3, None)), ("jbf", "1-6", (1, 6 << 16)),
        ("ld128", "3-2", (1, 3 << 16 | 2)), ("gst-printer", "004-004", (1, 4 << 16 | 4)),
        ("gst24", "365089", (1, 365089)), ("gst200", "17", (1, 17)), ("notifier", "65535", (1, 65535)),
        ("espa", "101", (1, 101)), ("gst5000", "9-17", (1, 9 << 16 | 17)),
        ("gamewell", "zone-3", None), ("jbf", "", None), ("jbf", "1-2-3-4-5-6", None),
    ],
)  # fmt: skip
def test_what_a_panel_calls_its_part_is_one_address(
    kind: str, source: str, expected: tuple[int, int | None] | None
) -> None:
    assert address_of(source, naming(kind).columns, None) == expected
    if expected is not None:
        assert address_of(source, naming(kind).columns, 9) == (9, expected[1])


def test_the_standard_s_own_addresses_are_taken_as_the_site_reads_them() -> None:
    assert address_of("1-348", naming("gb26875", "number").columns, None) == (1, 348)
    assert address_of("1-0-2-0-10", naming("gb26875", "bytes").columns, None) == (1, 0x0002000A)
    assert address_of("1-2-10", naming("gb26875").columns, None) == (1, 0x0002000A)


@pytest.mark.parametrize("kind", sorted(NAMINGS))
def test_a_fire_at_a_detector_is_never_the_state_of_a_whole_system(kind: str) -> None:
    columns = naming(kind).columns
    source = "-".join("5" for _ in columns)
    inventory = Inventory(columns={"fp-1": columns})
    part = part_of(Said("fp-1", source, "fire", {"detector": "smoke"}), inventory)
    assert part.component_type == 40
    assert part.component_address == (5 if len(columns) == 1 else 5 << 16 | 5)
    assert part_of(Said("fp-1", source, "mains_fault", {}), inventory).component_type is None


def test_a_site_s_panels_are_systems_and_their_lists_are_parts(tmp_path: Path) -> None:
    path = site(
        tmp_path,
        ("fp-1", "jbf", 'name = "gatehouse"\nplace = "b03"', "1,6,12,b03/f06,corridor 6\n2,1,1,,stairs\n"),
        ("fp-2", "gst200", "", ",,17,,cellar\n"),
        ("fp-3", "ld128", "", ",3,2,b04/f03,\n"),
    )
    snapshot = check_site(path).snapshot
    assert snapshot is not None, check_site(path).mistakes
    found = inventory_of(snapshot, Station(1, systems={"fp-2": 7}))
    assert dict(found.parts) == {
        (1, 1, 6 << 16 | 12): ("fp-1", "corridor 6"),
        (1, 2, 1 << 16 | 1): ("fp-1", "stairs"),
        (1, 7, 17): ("fp-2", "cellar"),
        (1, 1, 3 << 16 | 2): ("fp-3", "b04/f03"),
    }
    assert {address: system.device for address, system in found.systems.items()} == {
        (1, 1): "fp-1", (1, 2): "fp-1", (1, 7): "fp-2"
    }  # fmt: skip
    assert found.systems[1, 1].text == "青鸟 JBF，gatehouse，370213/005/012/0007/b03，2 个部件"
    alarm = Said("fp-2", "17", "fire", {"detector": "smoke"})
    assert part_of(alarm, found) == Part(1, 7, 40, 17)


def test_measured_values_of_a_centre_must_be_measured(tmp_path: Path) -> None:
    analogue = '{{ device = "{}", point = "{}", component_type = 92, component = {} }}'

    def codes(*analogues: tuple[str, str, int]) -> list[str]:
        listed = ", ".join(analogue.format(*each) for each in analogues)
        text = HEAD.format(line="hall") + (
            '[[devices]]\nid = "wm-1"\nprofile = "water/ultrad"\nline = "hall"\naddress = 1\n'
            '[[uplinks]]\nname = "c"\nurl = "tcp://127.0.0.1:1"\nformat = "gb26875"\n'
            f"station = {{ address = 5, analogues = [{listed}] }}\n"
        )
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        return [each.code for each in check_site(tmp_path / "site.toml").mistakes]

    assert codes(("wm-1", "water.flow", 1), ("wm-1", "meter.run_time", 2)) == []
    assert codes(("wm-2", "water.flow", 1)) == ["reference.device"]
    assert codes(("wm-1", "water.flw", 1)) == ["point.unknown"]
    assert codes(("wm-1", "air.temperature", 1)) == ["station.point"]
    assert codes(("wm-1", "water.volume.total", 1)) == ["station.unit"]
    assert codes(("wm-1", "water.flow", 1), ("wm-1", "meter.run_time", 1)) == ["station.analogue_twice"]
