"""Broken disks and a clock at 1970: the daemon keeps polling, keeps what it can, and says what is wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_rig import Box, box, device

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "wm-1", "model": "bove", "line": "hall", "address": 1}]
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        made.write_site(made.line("hall"), device("wm-1", "water/bove", "hall", 1, "200ms"))
        yield made


def events(stage: Box, name: str) -> list[dict[str, object]]:
    return [record for record in stage.platform.records["event"] if record["event"] == name]


def test_a_damaged_journal_is_set_aside_saved_from_and_the_platform_is_told(stage: Box) -> None:
    stage.broker.stop()
    stage.start()
    while stage.simulator("served")["devices"]["wm-1"]["count"] < 20:
        assert stage.agent is not None
        assert stage.agent.poll() is None
    assert stage.end() == 0
    database = stage.data / "journal" / "journal.db"
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(min(4096, size // 4)))
    stage.start()
    stage.broker.start()
    stage.wait(lambda: bool(events(stage, "journal.db.damaged")) and len(stage.platform.seen) >= 3, 60)
    told = events(stage, "journal.db.damaged")[0]["details"]
    assert isinstance(told, dict)
    epochs = {epoch for epoch, _ in stage.platform.seen}
    assert len(epochs) >= 2, "the records that were saved keep their epoch, new ones have another"
    assert any(path.name != "journal.db" and "damaged" in path.name for path in database.parent.iterdir())
    assert stage.platform.missing() == {}


def test_a_data_directory_that_cannot_be_used_leaves_a_gateway_that_says_so(stage: Box) -> None:
    stage.data.write_text("a file where the directory should be")
    stage.start()
    stage.wait(lambda: len(stage.readings("wm-1")) >= 5)
    assert stage.platform.status is not None
    assert stage.platform.status["durable"] is False
    fault = stage.status()["faults"]["journal"]
    assert "/data" in fault["what"]["en"] or "directory" in fault["what"]["en"]
    assert any(record["state"] == "raised" for record in stage.alarms("disk_fault"))
    stage.end()


def test_a_clock_at_1970_keeps_polling_and_every_record_says_so(stage: Box) -> None:
    stage.environment = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": "@1970-01-02 00:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    stage.start()
    stage.wait(lambda: len(stage.readings("wm-1")) >= 5)
    readings = stage.readings("wm-1")
    assert all(record["at"].startswith("1970-01-02T") for record in readings)
    assert {record["clock"] for record in readings} == {"unsynced"}
    assert [record["mono_ms"] for record in readings] == sorted(record["mono_ms"] for record in readings)
    stage.end(signal.SIGTERM)
    stage.environment = {}
    stage.start()
    count = len(readings)
    stage.wait(lambda: len(stage.readings("wm-1")) >= count + 3)
    assert not stage.readings("wm-1")[-1]["at"].startswith("1970")
    assert stage.platform.missing() == {}
    assert stage.platform.conflicts == []
