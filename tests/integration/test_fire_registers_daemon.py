"""Panels behind Modbus on the whole gateway: fires, faults and power arrive, by TCP and on a serial line; silence and a
cut line are alarms of their own and end nothing; nothing is ever written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_rig import Box, box
from tests.firewire_rig import METER, is_up, states

LINES = [{"name": "hall", "kind": "tcp"}, {"name": "net", "kind": "tcp"}, {"name": "rs485", "baud": 38_400}]
DEVICES = [
    {"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3},
    {"id": "gst", "model": "gst200", "line": "rs485", "address": 1},
    {"id": "honeywell", "model": "notifier", "line": "net", "address": 7},
]
NAMES = "address,place,text\n17,b03/f06,corridor 6\n"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


def panel(name: str, model: str, line: str, address: int, more: str = "") -> str:
    return (
        f'[[fire_modbus_panels]]\nid = "{name}"\nmodel = "{model}"\nline = "{line}"\naddress = {address}\n'
        f'every = "250ms"\ntimeout = "500ms"\nsilence = "2s"\n{more}\n'
    )


def begin(stage: Box, *tables: str) -> None:
    stage.write_site(stage.line("hall"), METER, *tables)
    stage.start()
    stage.wait(lambda: is_up(stage))


def test_a_gst_panel_on_a_serial_line(stage: Box) -> None:
    (stage.folder / "gst.csv").write_text(NAMES, encoding="utf-8")
    begin(stage, stage.line("rs485"), panel("gst", "gst200", "rs485", 1, 'names = "gst.csv"'))
    stage.simulator("device gst event fire 1 17")
    stage.wait(lambda: states(stage, "fire", "gst") == {"17": "raised"})
    (fire,) = stage.alarms("fire")
    assert (fire["severity"], fire["place"]) == (1, "370213/005/012/0007/b03/f06")
    assert "corridor 6" in fire["text_en"]
    assert fire["raw"] == "0001"
    stage.simulator("device gst event fault 1 18")
    stage.simulator("device gst event mains_fault 0 0")
    stage.simulator("device gst event battery_fault 0 0")
    stage.wait(lambda: states(stage, "fault", "gst") == {"18": "raised"})
    stage.wait(lambda: states(stage, "mains_fault", "gst") == {"": "raised"})
    stage.wait(lambda: states(stage, "battery_fault", "gst") == {"": "raised"})
    stage.simulator("device gst event fault_end 1 18")
    stage.simulator("device gst event mains_end 0 0")
    stage.wait(lambda: states(stage, "fault", "gst") == {"18": "returned"})
    stage.wait(lambda: states(stage, "mains_fault", "gst") == {"": "returned"})
    stage.simulator("fault gst dead")
    stage.wait(lambda: states(stage, "panel_silent", "gst") == {"": "raised"})
    assert states(stage, "link_lost", "gst").get("") != "raised"
    stage.simulator("unplug rs485")
    stage.wait(lambda: states(stage, "link_lost", "gst") == {"": "raised"})
    stage.wait(lambda: states(stage, "line_fault") == {"": "raised"})
    stage.simulator("replug rs485")
    stage.wait(lambda: states(stage, "link_lost", "gst") == {"": "returned"})
    assert states(stage, "panel_silent", "gst") == {"": "raised"}  # a link that is back is no word of the panel
    stage.simulator("heal gst")
    stage.wait(lambda: states(stage, "panel_silent", "gst") == {"": "returned"})
    assert states(stage, "fire", "gst") == {"17": "raised"}
    assert states(stage, "battery_fault", "gst") == {"": "raised"}
    stage.simulator("device gst event reset 0 0")
    stage.wait(
        lambda: states(stage, "fire", "gst") == {"17": "returned"}
    )  # the panel's own evidence; a person clears it
    assert stage.simulator("writes gst") == []


def test_a_notifier_gateway_over_tcp(stage: Box) -> None:
    (stage.folder / "hw.csv").write_text(NAMES, encoding="utf-8")
    more = 'names = "hw.csv"\nspans = [{ first = 0, count = 200 }]'
    begin(stage, stage.line("net"), panel("honeywell", "notifier", "net", 7, more))
    stage.simulator("device honeywell event fire 1 18")  # the point in register 17
    stage.wait(lambda: states(stage, "fire", "honeywell") == {"17": "raised"})
    (fire,) = stage.alarms("fire")
    assert (fire["severity"], fire["raw"]) == (1, "0c10")
    assert "corridor 6" in fire["text_en"]
    stage.simulator("device honeywell event fault 1 20")
    stage.simulator("device honeywell event isolate 1 21")
    stage.wait(lambda: states(stage, "fault", "honeywell") == {"19": "raised"})
    stage.wait(lambda: states(stage, "isolate", "honeywell") == {"20": "raised"})
    stage.simulator("device honeywell event fault_end 1 20")
    stage.wait(lambda: states(stage, "fault", "honeywell") == {"19": "returned"})
    stage.simulator("unplug net")
    stage.wait(lambda: states(stage, "link_lost", "honeywell") == {"": "raised"})
    assert states(stage, "fire", "honeywell") == {"17": "raised"}
    stage.simulator("replug net")
    stage.wait(lambda: states(stage, "link_lost", "honeywell") == {"": "returned"})
    stage.end()
    stage.simulator("device honeywell event release 1 21")
    stage.start()
    stage.wait(lambda: states(stage, "isolate", "honeywell") == {"20": "returned"})  # ended while nobody polled
    assert states(stage, "fire", "honeywell") == {"17": "raised"}
    assert stage.simulator("writes honeywell") == []
