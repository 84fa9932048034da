"""End to end: Modbus TCP answers to an MQTT subscriber, journal on disk; the daemon has one core for itself."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from bench.process import cpu_share, python, running, usage
from bench.site import GATEWAY, write_site
from hw_sim.control import Client
from hw_sim.ports import free_port
from hw_sim.subscriber import Subscriber

AGENT_CORE, REST_CORE = 0, 1
TICKS_PER_S = 10_000
CATCH_UP_S = 30.0


class _Record(msgspec.Struct):
    seq: int
    device: str
    values: dict[str, float | None]


class _Batch(msgspec.Struct):
    epoch: str
    lane: str
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    records: list[_Record]


_decode = msgspec.json.Decoder(_Batch).decode


class Collector:
    """Counts what arrives: poll numbers per device, repeats, sequence holes, and latencies in milliseconds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.polls: defaultdict[str, set[int]] = defaultdict(set)
        self.records = self.points = self.repeats = self.holes = 0
        self.latencies: list[float] = []
        self._next: dict[str, int] = {}

    def message(self, topic: str, payload: bytes) -> None:
        """One MQTT message; called on the subscriber's thread."""
        if not topic.endswith("/reading"):
            return
        now = time.time() * TICKS_PER_S
        batch = _decode(payload)
        with self.lock:
            for record in batch.records:
                values = record.values
                poll, tick = values["site.load.poll"], values["site.load.tick"]
                if poll is None or tick is None:
                    continue
                seen = self.polls[record.device]
                self.repeats += int(poll) in seen
                seen.add(int(poll))
                self.points += len(values)
                self.latencies.append(((now - tick) % 2**32) / TICKS_PER_S * 1000)
            self.records += len(batch.records)


class Rig(NamedTuple):
    """A daemon, a broker, simulated meters and a subscriber, all running."""

    agent_pid: int
    collector: Collector
    served: Client
    folder: Path
    stop_broker: Callable[[], None]


@contextmanager
def rig(
    *,
    devices: int,
    points: int,
    every_s: float,
    extra: str = "",
    collector: Collector | None = None,
    prepare: Callable[[Path], None] = lambda folder: None,
    topics: str = "#",
    place: Callable[[int], str] = lambda number: "",
) -> Iterator[Rig]:
    """Everything up, the first reading not yet waited for.  `prepare` is called before the daemon starts; the
    subscriber takes `topics` of the gateway; `place` says where a device is, by its number."""
    os.sched_setaffinity(0, {REST_CORE})
    with TemporaryDirectory(prefix="courtyard-bench-") as name:
        folder = Path(name)
        port = free_port()
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
            + ("user root\n" if os.geteuid() == 0 else "")
        )
        collector = collector or Collector()
        prepare(folder)
        control = folder / "sim.sock"
        arguments = ["fixed", "--endpoints", str(devices), "--registers", str(points + 2), "--control", str(control)]
        with (
            (folder / "log").open("w") as log,
            running(["mosquitto", "-c", str(folder / "mosquitto.conf")], core=REST_CORE, stderr=log) as broker,
            running(python("-m", "hw_sim", *arguments), core=REST_CORE, stdout=subprocess.PIPE) as simulator,
        ):
            assert simulator.stdout is not None
            ready: dict[str, Any] = json.loads(simulator.stdout.readline())
            site = write_site(
                folder, ports=ready["ports"], points=points, every_s=every_s, broker_port=port, extra=extra, place=place
            )
            agent = python("-m", "courtyard.agent", "run", str(site), "--data", str(folder / "data"))
            agent += ["--socket", str(folder / "control.sock")]
            with Subscriber(port, GATEWAY, collector.message, topics=topics) as subscriber:
                subscriber.subscribed.wait(10)
                with (
                    (folder / "agent.log").open("w") as agent_log,
                    running(agent, core=AGENT_CORE, stderr=agent_log) as process,
                ):
                    client = Client(control)
                    yield Rig(process.pid, collector, client, folder, broker.terminate)
                    client.close()


class Result(NamedTuple):
    """One run.  `lost` and `repeated` are judged against the simulator's own count of answers served."""

    polls_per_s: float
    points_per_s: float
    lost: int
    repeated: int
    cpu: float
    rss_mb: float
    p50_ms: float
    p99_ms: float


def measure(*, devices: int, points: int, every_s: float, warm_s: float = 4.0, seconds: float = 15.0) -> Result:
    """Runs for `seconds` after a warm-up, then waits until all that was served has arrived."""
    with rig(devices=devices, points=points, every_s=every_s) as stage:
        collector = stage.collector
        deadline = time.monotonic() + 30
        while len(collector.polls) < devices and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(warm_s)
        with collector.lock:
            records, counted, skip = collector.records, collector.points, len(collector.latencies)
        before = usage(stage.agent_pid)
        time.sleep(seconds)
        after = usage(stage.agent_pid)
        with collector.lock:
            rate = (collector.records - records) / (after.at_s - before.at_s)
            point_rate = (collector.points - counted) / (after.at_s - before.at_s)
            latencies = collector.latencies[skip:]
        served = {f"load-{port}": polls[0] for port, polls in stage.served("served")["polls"].items()}
        lost = _wait_for_all(collector, served)
        cuts = statistics.quantiles(latencies, n=100)
        share, rss = cpu_share(before, after), after.rss_bytes / 1e6
        return Result(rate, point_rate, lost, collector.repeats, share, rss, cuts[49], cuts[98])


def _wait_for_all(collector: Collector, served: dict[str, int]) -> int:
    """How many of the polls served are still missing when nothing more comes."""
    deadline = time.monotonic() + CATCH_UP_S
    while True:
        with collector.lock:
            missing = sum(
                sum(number not in collector.polls[device] for number in range(1, count + 1))
                for device, count in served.items()
            )
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(0.5)


if __name__ == "__main__":
    import sys

    devices, points, every_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print(measure(devices=devices, points=points, every_s=every_s))
