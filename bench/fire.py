"""How long a fire takes from the last byte of its frame to the disk and to a subscriber, with meters polled meanwhile.

    python -m bench.fire                  1,000,000 readings drain in the second half
    python -m bench.fire 100000 100       fewer readings, fewer fires, for development

A transmission device (GB/T 26875.3, TCP) reports one fire after the other, and again after ten seconds without a
confirmation, as the standard has it.  The confirmation, which the gateway sends when the record is on disk, stands
for the disk: the way back is counted in.  A backlog is gone before three hundred fires are reported, so it is drained
several times, and the fires of all times are judged together.
"""

from __future__ import annotations

import asyncio
import operator
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.drain import fill
from bench.limits import Limits, machine, p99_ms, sampled
from bench.throughput import Collector, rig
from courtyard.agent.cli.status import one_answer
from hw_sim.panels.event import Event
from hw_sim.panels.gb26875 import Gb26875
from hw_sim.panels.incidents import BEGIN
from hw_sim.ports import free_port

METERS, POINTS, EVERY_S = 250, 20, 1.0
READINGS, FIRES, DRAINS = 1_000_000, 300, 3
PAUSE_S = 0.02
LOOK_EVERY, LOOK_PAUSE_S = 20, 0.3
CONFIRM_S, TRIES = 10.0, 3
ARRIVE_S = 30.0
START_S = 60.0
CONFIRM = 3


class Delays(NamedTuple):
    """Seconds from the last byte of a frame, one for each fire, and what the machine took meanwhile."""

    disk: list[float]
    subscriber: list[float]
    limits: Limits

    def __add__(self, other: Delays) -> Delays:  # type: ignore[override]
        limits = Limits(self.limits.writes + other.limits.writes, self.limits.sleeps + other.limits.sleeps)
        return Delays(self.disk + other.disk, self.subscriber + other.subscriber, limits)


class Result(NamedTuple):
    """`quiet` with meters alone; `draining` while a backlog of `readings` drained besides."""

    readings: int
    quiet: Delays
    draining: Delays


class _Alarm(msgspec.Struct):
    action: str
    source: str = ""
    alarm_class: str = msgspec.field(name="class", default="")


class _Alarms(msgspec.Struct):
    records: list[_Alarm]


_alarms = msgspec.json.Decoder(_Alarms).decode


class Arrivals(Collector):
    """When each fire arrived, by the part that speaks."""

    def __init__(self) -> None:
        super().__init__()
        self.fires: dict[str, float] = {}
        self.changed = threading.Condition()

    def message(self, topic: str, payload: bytes) -> None:
        at = time.monotonic()
        with self.changed:
            for record in _alarms(payload).records:
                if record.alarm_class == "fire" and record.action == "raise":
                    self.fires.setdefault(record.source, at)
            self.changed.notify_all()


def measure(readings: int = READINGS, fires: int = FIRES) -> Result:
    """Both halves; each backlog drains from a gateway of its own."""
    return Result(readings, _half(0, fires), reduce(operator.add, (_half(readings, fires) for _ in range(DRAINS))))


def _half(readings: int, fires: int) -> Delays:
    port, arrivals = free_port(), Arrivals()
    site = (
        f'[[lines]]\nname = "fire"\nkind = "tcp-server"\nbind = "127.0.0.1"\nport = {port}\n'
        '[[fire_panels]]\nid = "uitd"\nline = "fire"\nprotocol = "gb26875"\n'
    )

    def prepare(folder: Path) -> None:
        if readings:
            asyncio.run(fill(folder / "data" / "journal", readings))

    load = {"devices": METERS, "points": POINTS, "every_s": EVERY_S}
    with rig(**load, extra=site, collector=arrivals, prepare=prepare, topics="alarm") as stage:  # type: ignore[arg-type]
        control = stage.folder / "control.sock"
        _until(lambda: _answers(port) and _connected(control))
        if readings:
            _until(lambda: 0 < _backlog(control) < readings)
        with sampled(stage.folder) as limits:
            disk, subscriber = _report(port, arrivals, fires, lambda: not readings or _backlog(control) > 0)
        return Delays(disk, subscriber, limits)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the gateway did not start")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _connected(control: Path) -> bool:
    """Whether the platform is there to be told."""
    status = asyncio.run(one_answer(control, "status", "en"))
    return status["uplinks"][0]["connected_since_ms"] is not None


def _backlog(control: Path) -> int:
    """Readings that still have to go out."""
    status = asyncio.run(one_answer(control, "status", "en"))
    return int(status["uplinks"][0]["backlog"]["reading"][0])


def _report(port: int, arrivals: Arrivals, fires: int, goes_on: Callable[[], bool]) -> tuple[list[float], list[float]]:
    """Reports fires one after the other; looks now and then whether it `goes_on`."""
    device, sent, disk = Gb26875(), dict[str, float](), list[float]()
    with socket.create_connection(("127.0.0.1", port), START_S) as line:
        line.settimeout(CONFIRM_S)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(fires):
            if number % LOOK_EVERY == 0:
                if not goes_on():
                    break
                time.sleep(LOOK_PAUSE_S)  # what the look costs the gateway is not the fire's delay
            loop, point = 1 + number // 200, 1 + number % 200
            frame = device.encode(Event("fire", BEGIN, loop=loop, point=point))
            at = sent[f"1-{loop}-{point}"] = time.monotonic()
            _confirmed(line, frame)
            disk.append(time.monotonic() - at)
            time.sleep(PAUSE_S)
    with arrivals.changed:
        if not arrivals.changed.wait_for(lambda: sent.keys() <= arrivals.fires.keys(), ARRIVE_S):
            raise SystemExit(f"{len(sent.keys() - arrivals.fires.keys())} fires did not arrive")
    return disk, [arrivals.fires[source] - at for source, at in sent.items()]


def _confirmed(line: socket.socket, frame: bytes) -> None:
    """Says one frame until it is confirmed."""
    for _ in range(TRIES):
        line.sendall(frame)
        try:
            reply = line.recv(64)
        except TimeoutError:
            continue
        if reply[26:27] != bytes((CONFIRM,)):
            raise SystemExit(f"refused: {reply.hex(' ')}")
        return
    raise SystemExit(f"not confirmed in {TRIES} tries")


if __name__ == "__main__":
    result = measure(*map(int, sys.argv[1:3]))
    for name, delays in (("quiet", result.quiet), ("draining", result.draining)):
        shown = f"disk p99 {p99_ms(delays.disk):.1f} ms, subscriber p99 {p99_ms(delays.subscriber):.1f} ms"
        print(f"{name}: {len(delays.disk)} fires, {shown}; {machine(delays.limits)}")
