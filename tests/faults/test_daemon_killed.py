"""kill -9 at random moments of polling, committing and draining: nothing that was kept is missing or numbered twice.

Twenty kills by default; COURTYARD_CAMPAIGN=full kills two hundred times.
"""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

from tests.daemon_rig import Box, box, device

KILLS = 200 if os.environ.get("COURTYARD_CAMPAIGN") == "full" else 20
DEVICES = 4
IN_FLIGHT = 3
"""Answers of one meter that one kill may catch between the wire and the disk."""
POINTS = '["site.poll"]\ntype = "number"\nunit = "1"\nen = "Polls"\nzh = "轮询次数"\n'
PROFILE = (
    'protocol = "modbus"\ntitle_en = "Load"\ntitle_zh = "负载"\n'
    '[[points]]\npoint = "site.poll"\naddress = 0\ntype = "uint32"\nunit = "1"\n'
)


@pytest.mark.timeout(300 + 15 * KILLS)
def test_nothing_kept_is_missing_after_kills_at_random_moments(tmp_path: Path) -> None:
    (tmp_path / "profiles" / "test").mkdir(parents=True)
    (tmp_path / "profiles" / "test" / "load.toml").write_text(PROFILE)
    (tmp_path / "points.toml").write_text(POINTS)
    names = [f"load-{number}" for number in range(1, DEVICES + 1)]
    lines = [{"name": "hall", "kind": "tcp"}]
    simulated = [
        {"id": name, "model": "load", "line": "hall", "address": index + 1} for index, name in enumerate(names)
    ]
    chance = random.Random(20261122)
    with box(tmp_path, lines, simulated) as stage:
        stage.write_site(
            stage.line("hall"), *(device(name, "test/load", "hall", i + 1, "50ms") for i, name in enumerate(names))
        )
        for kill in range(KILLS):
            _one_life(stage, chance, outage=kill % 4 == 3)
        stage.start()
        served = stage.simulator("served")["devices"]
        stage.wait(lambda: all(_polls(stage, name)[-1:] > [served[name]["clean"]] for name in names), 60)
        stage.end()
        stage.wait(lambda: not stage.platform.behind())
        assert stage.platform.missing() == {}
        assert stage.platform.conflicts == []
        assert all(seen.first == 1 for seen in stage.platform.seen.values())
        assert len({epoch for epoch, _ in stage.platform.seen}) == 1
        for name in names:
            polls = _polls(stage, name)
            assert len(polls) == len(set(polls)), f"{name}: an answer was recorded twice"
            lost = polls[-1] - len(polls)
            assert lost <= KILLS * IN_FLIGHT, f"{name}: {lost} answers lost in {KILLS} kills"
        repeats, records = stage.platform.repeats, sum(stage.platform.counts.values())
    print(json.dumps({"kills": KILLS, "records": records, "repeats dropped": repeats, "missing": 0, "conflicts": 0}))


def _one_life(stage: Box, chance: random.Random, *, outage: bool) -> None:
    """Starts the gateway, lets some readings through (or pile up), and kills it after a random number of messages."""
    if outage:
        stage.broker.stop()
    before = stage.simulator("served")["devices"]["load-1"]["count"]
    stage.start()
    target = before + chance.randint(1, 25)
    if outage:
        while stage.simulator("served")["devices"]["load-1"]["count"] < target:
            assert stage.agent is not None
            assert stage.agent.poll() is None, stage.log.read_text()[-2000:]
        stage.end(signal.SIGKILL)
        stage.broker.start()
        return
    stage.wait(lambda: len(_polls(stage, "load-1")) > 0 and _polls(stage, "load-1")[-1] >= target)
    stage.end(signal.SIGKILL)


def _polls(stage: Box, name: str) -> list[int]:
    return [int(record["values"]["site.poll"]) for record in stage.readings(name) if record["values"]["site.poll"]]
