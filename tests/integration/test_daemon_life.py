"""The daemon from start to stop, as installers and systemd meet it: real meters' frames, real broker, real signals."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.daemon_rig import RELAYS, Box, box, device

LINES = [{"name": "hall", "kind": "tcp"}, {"name": "bus", "kind": "serial"}]
DEVICES = [
    {"id": "load-1", "model": "load", "line": "hall", "address": 1},
    {"id": "load-2", "model": "load", "line": "hall", "address": 2},
    {"id": "wm-1", "model": "ultrad", "line": "bus", "address": 3, "options": {"start_m3": 41.5}},
    {"id": "relays", "model": "relay-board", "line": "hall", "address": 10},
]
POINTS = '["site.poll"]\ntype = "number"\nunit = "1"\nen = "Polls"\nzh = "轮询次数"\n'
PROFILE = (
    'protocol = "modbus"\ntitle_en = "Load"\ntitle_zh = "负载"\n'
    '[[points]]\npoint = "site.poll"\naddress = 0\ntype = "uint32"\nunit = "1"\n'
)
METER = device("wm-1", "water/ultrad", "bus", 3)
SIREN = (
    '[[outputs]]\nname = "siren"\ndevice = "relays"\ntarget = "siren"\ncap = "60s"\n'
    '[[rules]]\nname = "silent"\nkind = "unreachable"\ndevices = ["wm-*"]\nseverity = 2\n'
    'for = "1s"\noutputs = ["siren"]\n'
)


def load(number: int, every: str = "200ms") -> str:
    return device(f"load-{number}", "test/load", "hall", number, every)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    (tmp_path / "profiles" / "test").mkdir(parents=True)
    (tmp_path / "profiles" / "test" / "load.toml").write_text(PROFILE)
    (tmp_path / "points.toml").write_text(POINTS)
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


def polls(stage: Box, name: str) -> list[int]:
    return [int(record["values"]["site.poll"]) for record in stage.readings(name)]


def test_readings_arrive_and_a_stop_is_clean_quick_and_said(stage: Box) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = stage.folder / "notify"
        manager.bind(str(address))
        manager.settimeout(100)
        stage.environment = {"NOTIFY_SOCKET": str(address)}
        stage.write_site(stage.line("hall"), stage.line("bus"), load(1), METER)
        stage.start()
        while b"READY=1" not in manager.recv(4096):
            continue
        stage.wait(lambda: len(stage.readings("wm-1")) >= 3 and len(polls(stage, "load-1")) >= 3)
        assert stage.readings("wm-1")[0]["values"]["water.volume.total"] == pytest.approx(41.5, abs=1)
        assert stage.readings("wm-1")[0]["place"] == "370213/005/012/0007/b01/u01/f01/r101"
        assert set(stage.platform.inventory) == {"load-1", "wm-1"}
        assert stage.end(signal.SIGTERM) == 0
        said = b""
        while b"STOPPING=1" not in said:
            said = manager.recv(4096)
    stage.wait(lambda: stage.platform.status is not None and not stage.platform.status["online"])
    assert polls(stage, "load-1") == list(range(1, len(polls(stage, "load-1")) + 1))
    assert stage.platform.missing() == {}


def test_a_reload_touches_only_what_differs_and_a_bad_file_changes_nothing(stage: Box) -> None:
    stage.write_site(stage.line("hall"), load(1))
    stage.start()
    stage.wait(lambda: len(polls(stage, "load-1")) >= 3)
    agent = stage.agent
    assert agent is not None
    stage.write_site(stage.line("hall"), load(1), load(2))
    agent.send_signal(signal.SIGHUP)
    stage.wait(lambda: len(polls(stage, "load-2")) >= 3)
    stage.write_site(stage.line("hall"), load(1), load(2).replace("test/load", "test/lood"))
    agent.send_signal(signal.SIGHUP)
    stage.wait(
        lambda: any(
            record.get("details", {}).get("code") == "site.broken" for record in stage.platform.records["event"]
        )
    )
    assert "site" in stage.status()["faults"]
    stage.write_site(stage.line("hall"), load(1))
    stage.wait(lambda: "load-2" not in stage.platform.inventory)  # noticed by the file's change alone
    count = len(polls(stage, "load-1"))
    stage.wait(lambda: len(polls(stage, "load-1")) >= count + 3)
    assert "site" not in stage.status()["faults"]
    assert polls(stage, "load-1") == list(range(1, len(polls(stage, "load-1")) + 1))
    assert agent.poll() is None


def test_the_fault_of_a_platform_goes_with_it_and_with_its_wrong_settings(stage: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"  # once the socket is closed
    other = '[[uplinks]]\nname = "{}"\nurl = "{}"\n'
    stage.write_site(stage.line("hall"), load(1), other.format("gone", nobody), other.format("moved", nobody))
    stage.start()
    wrong = {"uplink gone", "uplink moved"}
    stage.wait(lambda: wrong <= set(stage.status().get("faults", ())))
    stage.write_site(stage.line("hall"), load(1), other.format("moved", stage.broker.url))
    stage.wait(lambda: not wrong & set(stage.status()["faults"]))


def test_what_only_a_restart_can_bring_is_said_until_it_comes(stage: Box) -> None:
    stage.write_site(stage.line("hall"), load(1))
    stage.start()
    stage.wait(lambda: len(polls(stage, "load-1")) >= 1)
    before = stage.site_file.read_text()
    stage.site_file.write_text(before + '[journal]\nquota = "1GB"\n')
    stage.wait(lambda: stage.status()["faults"].get("site", {}).get("code") == "site.restart")
    assert "restart" in stage.status()["faults"]["site"]["cure"]["en"]
    stage.site_file.write_text(before)
    stage.wait(lambda: "site" not in stage.status()["faults"])


def test_a_broken_site_file_starts_the_last_good_one_and_says_so(stage: Box) -> None:
    stage.write_site(stage.line("hall"), load(1), "nonsense = [")
    stage.start()
    assert stage.agent is not None
    assert stage.agent.wait(100) == 2
    assert "nonsense" in stage.log.read_text()
    stage.write_site(stage.line("hall"), load(1))
    stage.start()
    stage.wait(lambda: len(polls(stage, "load-1")) >= 2)
    assert stage.end() == 0
    stage.write_site(stage.line("hall"), load(1), "nonsense = [")
    stage.start()
    count = len(polls(stage, "load-1"))
    stage.wait(lambda: len(polls(stage, "load-1")) >= count + 3)
    fault = stage.status()["faults"]["site"]
    assert "courtyard check" in fault["cure"]["en"]
    assert stage.run("check", str(stage.site_file)).returncode == 2


def test_a_second_gateway_on_the_same_data_is_refused_by_name(stage: Box) -> None:
    stage.write_site(stage.line("hall"), load(1))
    stage.start()
    stage.wait(lambda: len(polls(stage, "load-1")) >= 1)
    other = stage.run("run", str(stage.site_file), "--data", str(stage.data), "--socket", str(stage.folder / "2.sock"))
    assert other.returncode == 1
    assert str(stage.data) in other.stderr


def test_a_silent_meter_sounds_the_siren_until_it_answers(stage: Box) -> None:
    stage.write_site(stage.line("hall"), stage.line("bus"), METER, RELAYS, SIREN)
    stage.start()
    stage.wait(lambda: len(stage.readings("wm-1")) >= 2 and len(stage.readings("relays")) >= 2)
    stage.simulator("fault wm-1 dead")
    stage.wait(lambda: any(record["state"] == "raised" for record in stage.alarms("unreachable")))
    stage.wait(lambda: stage.readings("relays")[-1]["values"]["relay.1"] is True)
    stage.simulator("heal wm-1")
    stage.wait(lambda: stage.readings("relays")[-1]["values"]["relay.1"] is False)
    states = [record["state"] for record in stage.alarms("unreachable")]
    assert states[0] == "raised"
    assert "returned" in states or "cleared" in states


def test_a_killed_gateway_releases_its_siren_first_thing_when_it_is_back(stage: Box) -> None:
    stage.write_site(stage.line("hall"), stage.line("bus"), METER, RELAYS, SIREN)
    stage.start()
    stage.wait(lambda: len(stage.readings("wm-1")) >= 1 and len(stage.readings("relays")) >= 1)
    stage.simulator("unplug bus")
    stage.wait(lambda: stage.readings("relays")[-1]["values"]["relay.1"] is True)
    stage.end(signal.SIGKILL)
    stage.simulator("replug bus")
    count = len(stage.readings("relays"))
    stage.start()
    stage.wait(lambda: any(not record["values"]["relay.1"] for record in stage.readings("relays")[count:]))
    assert stage.platform.conflicts == []


def test_what_a_line_or_a_broker_refuses_is_named_with_its_cure(stage: Box) -> None:
    missing = '[[lines]]\nname = "gone"\nkind = "serial"\nport = "/dev/serial/by-id/none"\n'
    stage.write_site(stage.line("hall"), load(1), missing, device("wm-9", "water/bove", "gone", 1))
    stage.start()
    stage.wait(lambda: any(record["state"] == "raised" for record in stage.alarms("line_fault")))
    stage.broker.stop()
    # the log names the broker as soon as the connection is refused; the status has both faults with their cures
    for _ in range(50):
        faults = stage.status().get("faults", {})
        if "uplink platform" in faults:
            break
    assert "/dev/serial/by-id" in faults["gone"]["cure"]["en"]
    assert faults["uplink platform"]["code"].startswith("uplink.")
    stage.broker.start()
    count = len(polls(stage, "load-1"))
    stage.wait(lambda: len(polls(stage, "load-1")) >= count + 10, 60)
    assert stage.platform.missing() == {}


def test_a_line_that_hangs_is_started_again_alone(stage: Box) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(stage.folder / "notify"))
        manager.settimeout(100)
        stage.environment = {"NOTIFY_SOCKET": str(stage.folder / "notify"), "WATCHDOG_USEC": "3000000"}
        stage.write_site(stage.line("hall"), stage.line("bus"), load(1), METER)
        stage.start(Path(__file__).parents[1] / "faults" / "stuck_gateway.py")
        stage.wait(lambda: len(stage.readings("wm-1")) >= 3)
        assert not stage.readings("load-1")
        stage.wait(lambda: len(polls(stage, "load-1")) >= 3)
        stuck = next(each for each in stage.platform.records["event"] if each["event"] == "part.failed")
        assert stuck["details"] == {"part": "line hall", "error": "Stuck: no progress"}
        assert stage.status()["faults"]["part line hall"]["code"] == "part.stuck"
        others = [part for part in stage.status()["parts"] if part["restarts"]]
        assert [part["name"] for part in others] == ["line hall"]
        meanwhile = [record["mono_ms"] for record in stage.readings("wm-1")]
        assert max(late - early for early, late in pairwise(meanwhile)) < 3000
        fed = 0
        while fed < 5:  # all through: the queue of a datagram socket holds about ten
            fed += b"WATCHDOG=1" in manager.recv(4096)
        assert stage.end(signal.SIGTERM) == 0
