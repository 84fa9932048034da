"""`courtyard drill` against a running gateway: from a device to the platform's word; in full, the second path too."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.__main__ import main
from hw_sim.control import Client
from hw_sim.subscriber import Subscriber
from tests.daemon_rig import GATEWAY, RELAYS, Box, box, device

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [
    {"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3, "options": {"start_m3": 41.5}},
    {"id": "relays", "model": "relay-board", "line": "hall", "address": 10},
]
METER = device("wm-1", "water/ultrad", "hall", 3)
SIREN = '[[outputs]]\nname = "siren"\ndevice = "relays"\ntarget = "siren"\ncap = "60s"\n'


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


class Desk:
    """The platform's own word for every raised alarm of severity 1."""

    def __init__(self, stage: Box) -> None:
        self._seen: set[tuple[str, int]] = set()
        self._subscriber = Subscriber(stage.broker.port, GATEWAY, self._message, client_id="desk")

    def __enter__(self) -> Desk:
        self._subscriber.__enter__()
        assert self._subscriber.subscribed.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._subscriber.__exit__(None, None, None)
        assert self._subscriber.error is None

    def _message(self, topic: str, payload: bytes) -> None:
        if not topic.endswith("/alarm"):
            return
        for record in json.loads(payload)["records"]:
            key = record["alarm_id"], record["occurrence"]
            if record["severity"] == 1 and record["state"] == "raised" and key not in self._seen:
                self._seen.add(key)
                self._subscriber.publish(f"courtyard/v1/{GATEWAY}/command", command(*key))


def command(alarm_id: str, occurrence: int) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    return json.dumps(
        {
            "v": 1,
            "id": f"r-{occurrence}-{abs(hash(alarm_id))}",
            "kind": "received",
            "issued_at": now.isoformat(),
            "expires_at": (now + datetime.timedelta(minutes=1)).isoformat(),
            "origin": "platform:desk",
            "args": {"alarm_id": alarm_id, "occurrence": occurrence},
        }
    ).encode()


@contextmanager
def simulator(folder: Path, *arguments: str) -> Iterator[tuple[dict[str, Any], Client]]:
    """A further simulator as a process, and its control socket."""
    control = folder / f"{arguments[0]}.sock"
    command = [sys.executable, "-m", "hw_sim", *arguments, "--control", str(control)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        client = Client(control)
        try:
            yield ready, client
        finally:
            client.close()
            process.terminate()


def drilled(stage: Box, *arguments: str) -> subprocess.CompletedProcess[str]:
    return stage.run("drill", *arguments, "--socket", str(stage.socket), "--lang", "en")


def test_a_drill_is_measured_to_the_platforms_word_and_kept_as_evidence(
    stage: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    escalation = '[[escalations]]\nname = "life"\nsteps = [{ kind = "output", after = "1s", output = "siren" }]\n'
    stage.write_site(stage.line("hall"), METER, RELAYS, SIREN, escalation)
    stage.start()
    stage.wait(lambda: len(stage.readings("relays")) >= 1)
    with Desk(stage):
        done = drilled(stage, "wm-1", "--wait", "60")
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(f"{name}  platform" in done.stdout for name in ("published", "PUBACK)", "received by the platform"))
    stage.wait(lambda: [alarm["action"] for alarm in stage.alarms("fire")] == ["raise", "clear"])
    assert all(alarm["test"] for alarm in stage.alarms("fire"))
    assert stage.simulator("held")["relays"] == {}
    unknown = drilled(stage, "nobody")
    assert (unknown.returncode, "nobody" in unknown.stderr) == (1, True)
    silent = drilled(stage, "wm-1", "--wait", "8", "--json")
    assert (silent.returncode, json.loads(silent.stdout)["drill"]["missing"]) == (1, ["received platform"])
    assert stage.simulator("held")["relays"] == {}
    assert main(["drill", "list", "--data", str(stage.data), "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [each["entry"]["drill"]["missing"] for each in entries] == [[], ["received platform"]]
    names = {each["name"] for each in entries[0]["entry"]["drill"]["stages"]}
    assert names == {"signal", "disk", "published", "confirmed", "received"}
    assert main(["drill", "verify", "--data", str(stage.data)]) == 0
    evidence = stage.data / "drills" / "list.jsonl"
    evidence.write_text(evidence.read_text().replace('"missing":["received platform"]', '"missing":[]'))
    assert main(["drill", "verify", "--data", str(stage.data)]) == 1
    assert stage.end() == 0


def test_a_full_drill_sounds_the_siren_sends_the_message_and_tells_the_centre(stage: Box) -> None:
    folder = stage.folder
    modem_port = folder / "modem"
    with (
        simulator(folder, "modem", "--path", str(modem_port)) as (_, modem),
        simulator(folder, "centre") as (ready, centre),
    ):
        second = (
            f'[[uplinks]]\nname = "fire"\nurl = "tcp://127.0.0.1:{ready["port"]}"\nformat = "gb26875"\n'
            "station = { address = 77 }\nonly_escalated = true\n"
            '[[escalations]]\nname = "life"\nsteps = [\n'
            '  { kind = "output", after = "500ms", output = "siren" },\n'
            '  { kind = "sms", after = "1s", numbers = ["+8613812345678"] },\n'
            '  { kind = "uplink", after = "1s", uplink = "fire" },\n]\n'
            f'[modem]\nport = "{modem_port}"\n'
        )
        stage.write_site(stage.line("hall"), METER, RELAYS, SIREN, second)
        stage.start()
        stage.wait(lambda: len(stage.readings("relays")) >= 1)
        with Desk(stage):
            done = drilled(stage, "wm-1", "--full", "--wait", "60", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        stages = {(each["name"], each["who"]) for each in json.loads(done.stdout)["drill"]["stages"]}
        steps = {who for name, who in stages if name == "done"}
        assert steps == {"life/output:siren", "life/sms:5678", "life/uplink:fire"}
        (message,) = modem("sent")
        assert message["number"] == "+8613812345678"
        assert "DRILL" in message["text"]
        assert [report["kind"] for report in centre("reports")] == [21, 24]
        assert any(any(write["values"]) for write in stage.simulator("writes relays"))
        stage.wait(lambda: len(stage.alarms("fire")) >= 2)
        events = [record for record in stage.platform.records["event"] if record["event"] == "escalation.step"]
        assert {record["test"] for record in events} == {True}
        assert stage.end() == 0
        assert stage.simulator("held")["relays"] == {}
