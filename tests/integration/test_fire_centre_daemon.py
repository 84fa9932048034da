"""The whole gateway and a fire-control centre: what it is, what it measures and what is well, told and read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hw_sim.control import Client
from hw_sim.panels.jbf import POLL
from tests.daemon_rig import Box, box
from tests.firewire_rig import DEVICES, LINES, METER, is_up, panel, serial_line, simulated_panel, states, write_names

STATION = """
[[uplinks]]
name = "fire"
url = "tcp://127.0.0.1:{port}"
format = "gb26875"
station = {{ address = 287454020, measured_every = "5s", analogues = [
    {{ device = "wm-1", point = "water.flow", system_type = 11, component_type = 92, component = 1 }},
] }}
"""


@contextmanager
def simulated_centre(folder: Path) -> Iterator[tuple[Client, int]]:
    """`hw-sim centre`: the way to command it, and its port."""
    arguments = [sys.executable, "-m", "hw_sim", "centre", "--control", str(folder / "centre.sock")]
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        client = Client(ready["control"])
        stack.callback(client.close)
        yield client, ready["port"]


def asked(stage: Box, client: Client, kind: int, query: str) -> dict[str, Any] | None:
    """The only object of the answer to a question; None for a denial."""
    before = len(client("answers"))
    client(f"read {kind} {query}")
    stage.wait(lambda: len(client("answers")) > before)
    answer = client("answers")[-1]
    if answer is None:
        return None
    (only,) = answer
    assert only["kind"] == kind - 60
    return dict(only)


def test_a_centre_reads_the_gateway_and_a_list_of_names_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "jbf"
    with (
        box(tmp_path, LINES, DEVICES) as stage,
        simulated_panel(tmp_path, "jbf", "--path", str(path)) as fire_panel,
        simulated_centre(tmp_path) as (centre, port),
    ):
        write_names(stage)
        listed = panel("fp-1", "fire-1", "jbf", 'speak = true\nnames = "names/fp-1.csv"')
        stage.write_site(stage.line("hall"), METER, serial_line(path), listed, STATION.format(port=port))
        stage.start()
        stage.wait(lambda: is_up(stage))
        stage.wait(lambda: {each["kind"] for each in centre("descriptions")} == {25, 26, 6})
        system = next(each for each in centre("descriptions") if each["kind"] == 6)
        assert (system["words"], "青鸟 JBF" in system["text"], "1 个部件" in system["text"]) == ([1, 1], True, True)
        stage.wait(lambda: any(each["kind"] == 3 for each in centre("reports")))
        (measured, *_) = [each["words"] for each in centre("reports") if each["kind"] == 3]
        assert measured[:5] == [11, 1, 92, 1, 10]  # a flow in litres a second
        part = "01012A0C000600"
        well = asked(stage, centre, 62, part)
        assert well is not None
        assert (well["words"], well["text"]) == ([1, 1, 42, 6 << 16 | 12, 1], "3号楼6层走廊")
        # a panel that is not polled yet pushes events; one pushed at the moment of the first poll collides with it
        stage.wait(lambda: fire_panel("counters")["received_b"] >= 2 * len(POLL))
        fire_panel("event fire 6 12")
        stage.wait(lambda: states(stage, "fire") == {"1-6-12": "raised"})
        stage.wait(lambda: any(each["kind"] == 2 for each in centre("reports")))
        (fire,) = [each["words"] for each in centre("reports") if each["kind"] == 2]
        assert (fire[3], fire[4] & 2) == (6 << 16 | 12, 2)
        fire_panel("event silence 0 0")
        stage.wait(lambda: any(each["kind"] == 4 for each in centre("reports")))
        told = asked(stage, centre, 64, "010105010101010101")
        assert told is not None
        assert told["words"] == [1, 1, 2, 0]
        assert asked(stage, centre, 65, "0101") is None
        (stage.folder / "names" / "fp-1.csv").write_text("loop,address,text\n6,13,attic\n", encoding="utf-8")
        stage.wait(lambda: any(each["event"] == "site.applied" for each in stage.platform.records["event"]))
        configured = asked(stage, centre, 67, "01012A0D000600")
        assert configured is not None
        assert configured["text"] == "attic"
        assert centre("errors") == []
