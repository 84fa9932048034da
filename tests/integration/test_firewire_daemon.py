"""Fire panels on the whole gateway: simulated panels on a real pty and real sockets, a real broker, real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hw_sim.control import Client
from hw_sim.panels.incidents import spreading_fire
from hw_sim.ports import free_port
from tests.daemon_rig import Box, box
from tests.firewire_rig import (
    DEVICES,
    LINES,
    METER,
    is_up,
    net_line,
    panel,
    serial_line,
    simulated_panel,
    states,
    write_names,
)

STORM_S = 60.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


def says(client: Client, kind: str, loop: int, point: int, *more: str) -> None:
    client(f"event {kind} {loop} {point} {' '.join(more)}")


def raised(stage: Box, alarm_class: str) -> list[dict[str, Any]]:
    return [record for record in stage.alarms(alarm_class) if record["action"] == "raise"]


def test_a_smoke_arrives_with_its_name_and_outlives_its_cable(stage: Box) -> None:
    path = stage.folder / "jbf"
    write_names(stage)
    with simulated_panel(stage.folder, "jbf", "--path", str(path)) as client:
        fire_panel = panel("fp-1", "fire-1", "jbf", 'speak = true\nsilence = "2s"\nnames = "names/fp-1.csv"')
        stage.write_site(stage.line("hall"), METER, serial_line(path), fire_panel)
        stage.start()
        stage.wait(lambda: is_up(stage))
        says(client, "fire", 6, 12)
        stage.wait(lambda: states(stage, "fire") == {"1-6-12": "raised"})
        (fire,) = stage.alarms("fire")
        assert (fire["severity"], fire["place"]) == (1, "370213/005/012/0007/b03/f06")
        assert fire["text_zh"] == "火警：3号楼6层走廊 (1-6-12)。"
        assert fire["raw"] == client("told")[0]["frame"]
        assert fire["device_at"]
        assert stage.platform.inventory["fp-1"]["profile"] == "fire/jbf"
        client("unplug")
        stage.wait(lambda: states(stage, "line_fault") == {"": "raised"})
        stage.wait(lambda: states(stage, "link_lost") == {"": "raised"})
        client("replug")
        stage.wait(lambda: states(stage, "link_lost") == {"": "returned"})
        stage.wait(lambda: states(stage, "line_fault") == {"": "returned"})
        says(client, "reset", 0, 0)
        says(client, "mains_fault", 0, 0, "panel")
        stage.wait(lambda: states(stage, "mains_fault") == {"1": "raised"})
        says(client, "battery_fault", 0, 0, "panel")
        stage.wait(lambda: states(stage, "battery_fault") == {"1": "raised"})
        says(client, "mains_end", 0, 0, "panel")
        stage.wait(lambda: states(stage, "mains_fault") == {"1": "returned"})
        assert states(stage, "fire") == {"1-6-12": "raised"}  # neither link nor reset ends a fire
        stage.end()
        stage.start()
        count = len(stage.readings("wm-1"))
        stage.wait(lambda: len(stage.readings("wm-1")) > count)
        assert states(stage, "fire") == {"1-6-12": "raised"}
        assert len(raised(stage, "fire")) == 1
    where = ("--site", str(stage.site_file), "--socket", str(stage.socket))
    refused = stage.run("read", "fp-1", *where)
    assert refused.returncode != 0
    assert "only ever listened to" in refused.stdout + refused.stderr
    refused = stage.run("scan", "modbus", "--line", "fire-1", *where)
    assert "does not carry Modbus meters" in refused.stdout + refused.stderr


def test_a_spreading_fire_over_tcp_is_told_part_by_part(stage: Box) -> None:
    port = free_port()
    with simulated_panel(stage.folder, "gb26875", "--connect", f"127.0.0.1:{port}") as client:
        stage.write_site(stage.line("hall"), METER, net_line(port), panel("uitd", "net", "gb26875"))
        stage.start()
        stage.wait(lambda: is_up(stage))
        script = [happening.event for happening in spreading_fire()]
        for event in script:
            says(client, event.kind, event.loop, event.point, event.detector, event.text)
        fires = {f"1-{event.loop}-{event.point}" for event in script if event.kind == "fire"}
        stage.wait(lambda: set(states(stage, "fire")) == fires)
        stage.wait(lambda: states(stage, "mains_fault") == {"1": "raised"})
        stage.wait(lambda: all(told["confirmed"] for told in client("told")))
        assert set(states(stage, "fire", "uitd").values()) <= {"raised", "returned"}
        assert "火警：3号楼6层走廊 (1-6-12)。" in {record["text_zh"] for record in stage.alarms("fire")}


def test_500_faults_in_10_s_arrive_in_order_and_none_is_lost(stage: Box) -> None:
    port = free_port()
    with simulated_panel(stage.folder, "gb26875", "--connect", f"127.0.0.1:{port}") as client:
        stage.write_site(stage.line("hall"), METER, net_line(port), panel("uitd", "net", "gb26875"))
        stage.start()
        stage.wait(lambda: is_up(stage))
        assert client("play fault-storm") == 500
        stage.wait(lambda: len(raised(stage, "fault")) >= 500, STORM_S)
        told = [f"1-{each['loop']}-{each['point']}" for each in client("told")]
        arrived = [record["source"] for record in sorted(raised(stage, "fault"), key=lambda record: int(record["seq"]))]
        assert arrived == told
        assert all(each["confirmed"] for each in client("told"))
        assert stage.platform.missing() == {}


def test_a_panel_that_is_added_moved_and_removed_while_the_gateway_runs(stage: Box) -> None:
    port, other = free_port(), free_port()
    stage.write_site(stage.line("hall"), METER)
    stage.start()
    stage.wait(lambda: is_up(stage))
    with simulated_panel(stage.folder, "gb26875", "--connect", f"127.0.0.1:{port}") as client:
        stage.write_site(stage.line("hall"), METER, net_line(port), panel("uitd", "net", "gb26875"))
        stage.wait(lambda: "uitd" in stage.platform.inventory)
        says(client, "fire", 6, 12)
        stage.wait(lambda: states(stage, "fire") == {"1-6-12": "raised"})
        more = 'name = "gatehouse"\naddress = 287454020\nsilence = "2s"\n'
        stage.write_site(stage.line("hall"), METER, net_line(port), panel("uitd", "net", "gb26875", more))
        stage.wait(lambda: stage.platform.inventory["uitd"].get("name") == "gatehouse")
        says(client, "fire", 7, 12)
        stage.wait(lambda: states(stage, "fire") == {"1-6-12": "raised", "1-7-12": "raised"})
        stage.write_site(stage.line("hall"), METER, net_line(other), panel("uitd", "net", "gb26875", more))
        stage.wait(lambda: states(stage, "heartbeat_missing", "uitd") == {"": "raised"})
        stage.write_site(stage.line("hall"), METER)
        stage.wait(lambda: "uitd" not in stage.platform.inventory)
        stage.wait(lambda: states(stage, "heartbeat_missing", "uitd") == {"": "returned"})
        assert set(states(stage, "fire").values()) == {"raised"}  # a removed panel has not said that its fire is out


def test_a_line_that_nobody_may_call_lets_nobody_in(stage: Box) -> None:
    port = free_port()
    closed = net_line(port).replace("127.0.0.0/8", "10.0.0.0/8")
    with simulated_panel(stage.folder, "gb26875", "--connect", f"127.0.0.1:{port}") as client:
        stage.write_site(stage.line("hall"), METER, closed, panel("uitd", "net", "gb26875", 'silence = "2s"'))
        stage.start()
        stage.wait(lambda: is_up(stage))
        says(client, "fire", 6, 12)
        stage.wait(lambda: states(stage, "heartbeat_missing") == {"": "raised"})
        assert states(stage, "fire") == {}
