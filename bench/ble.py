"""Wearables, from the first advert of a press to an MQTT subscriber, through the whole daemon; and through faults.

    python -m bench.ble                   500 wearables, 1,000 presses
    python -m bench.ble 50 100 5          fewer of both and a shorter quiet time, for development

The daemon has one core for itself; simulated Bluetooth stack, D-Bus, broker and subscriber have the other.  What
a press costs in time is read from the clock of the machine, which the simulator and this program share.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from bench.limits import Limits, machine, sampled
from bench.process import cpu_share, python, running, usage
from bench.report import Row, Section, percentile
from bench.site import GATEWAY
from courtyard.agent.cli.status import one_answer
from hw_sim.control import Client
from hw_sim.ports import free_port
from hw_sim.subscriber import Subscriber

AGENT_CORE, REST_CORE = 0, 1
WEARABLES, ADVERTS_HZ, PRESSES = 500, 2.0, 1000
WARM_S, QUIET_S, START_S, ARRIVE_S = 10.0, 30.0, 60.0, 30.0
SPACED_S, CALL_OVER_S = 0.02, 40.0
"""Between presses, and from the first press of a button to its next: a call lasts half a minute."""
BUTTON = '[[devices]]\nid = "{id}"\nprofile = "wearable/bthome-button"\nline = "air"\naddress = "{address}"\n'
FAULTS, CHURN = "tests/integration/test_blestack_faults.py", "tests/unit/test_ble_churn.py"


class Result(NamedTuple):
    """`cpu` is a share of one core; `lost` are presses that never reached the subscriber, `twice` those told again."""

    wearables: int
    adverts_per_s: float
    cpu: float
    rss_mb: float
    rss_growth_mb: float
    pressed: int
    lost: int
    twice: int
    p50_ms: float
    p99_ms: float
    limits: Limits


class _Alarm(msgspec.Struct):
    device: str
    action: str
    alarm_class: str = msgspec.field(name="class", default="")


class _Alarms(msgspec.Struct):
    records: list[_Alarm]


_alarms = msgspec.json.Decoder(_Alarms).decode


class Arrivals:
    """When the calls of each device arrived, by the clock of the machine."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, list[float]] = defaultdict(list)
        self.changed = threading.Condition()

    def message(self, topic: str, payload: bytes) -> None:
        """One MQTT message; called on the subscriber's thread."""
        at = time.monotonic()
        with self.changed:
            for record in _alarms(payload).records:
                if record.alarm_class == "sos" and record.action == "raise":
                    self.calls[record.device].append(at)
            self.changed.notify_all()

    def count(self) -> int:
        return sum(map(len, self.calls.values()))


class Rig(NamedTuple):
    """Everything is running; `names` are the simulator's, by device id."""

    agent_pid: int
    control: Path
    air: Client
    names: dict[str, str]
    arrivals: Arrivals


@contextmanager
def rig(wearables: int) -> Iterator[Rig]:
    """A daemon with so many buttons on a simulated stack, a broker and a subscriber."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {REST_CORE})
    with ExitStack() as whole, TemporaryDirectory(prefix="courtyard-bench-") as name:
        whole.callback(os.sched_setaffinity, 0, cores)
        folder = Path(name)
        port, arrivals = free_port(), Arrivals()
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\n" + ("user root\n" if os.geteuid() == 0 else "")
        )
        air = ["bluetooth", "--folder", str(folder / "air"), "--crowd", str(wearables)]
        air += ["--adverts", str(ADVERTS_HZ), "--beats", "0"]
        with (
            (folder / "log").open("w") as log,
            running(["mosquitto", "-c", str(folder / "mosquitto.conf")], core=REST_CORE, stderr=log),
            running(python("-m", "hw_sim", *air), core=REST_CORE, stdout=subprocess.PIPE) as simulator,
            Subscriber(port, GATEWAY, arrivals.message, topics="alarm") as subscriber,
        ):
            assert simulator.stdout is not None
            ready: dict[str, Any] = json.loads(simulator.stdout.readline())
            subscriber.subscribed.wait(10)
            site, control = _site(folder, port, ready["wearables"]), folder / "control.sock"
            agent = ["run", str(site), "--data", str(folder / "data"), "--socket", str(control)]
            meeting = {"DBUS_SYSTEM_BUS_ADDRESS": ready["bus"], "PATH": f"{ready['tools']}:{os.environ['PATH']}"}
            program = python("-m", "courtyard.agent", *agent)
            with (
                (folder / "agent.log").open("w") as agent_log,
                running(program, core=AGENT_CORE, stderr=agent_log, environment=meeting) as process,
            ):
                client = Client(Path(ready["control"]))
                yield Rig(process.pid, control, client, {key.lower(): key for key in ready["wearables"]}, arrivals)
                client.close()


def _site(folder: Path, port: int, wearables: dict[str, str]) -> Path:
    site = folder / "site.toml"
    site.write_text(
        f'[gateway]\nid = "{GATEWAY}"\nplace = "370213/005/012/0007"\nlanguage = "en"\n'
        f'[[uplinks]]\nname = "bench"\nurl = "mqtt://127.0.0.1:{port}"\nfrom = "oldest"\n'
        '[[lines]]\nname = "air"\nkind = "ble"\n'
        + "".join(BUTTON.format(id=name.lower(), address=address) for name, address in wearables.items())
    )
    return site


def measure(wearables: int = WEARABLES, presses: int = PRESSES, quiet_s: float = QUIET_S) -> Result:
    """A quiet time for the cost, then the presses: each button in turn, again when its call is over."""
    with rig(wearables) as stage:
        _until_heard(stage)
        time.sleep(WARM_S)
        before, heard = usage(stage.agent_pid), _heard(stage)
        time.sleep(quiet_s)
        after, heard_after = usage(stage.agent_pid), _heard(stage)
        with sampled(stage.control.parent) as limits:
            pressed = _press(stage, presses)
            with stage.arrivals.changed:
                stage.arrivals.changed.wait_for(lambda: stage.arrivals.count() >= presses, ARRIVE_S)
        with stage.arrivals.changed:
            calls = {name: list(times) for name, times in stage.arrivals.calls.items()}
        grown_mb = (usage(stage.agent_pid).rss_bytes - before.rss_bytes) / 1e6
        delays_ms = sorted(
            (there - at) * 1000
            for name, times in pressed.items()
            for at, there in zip(times, calls.get(name, ()), strict=False)
        )
        return Result(
            wearables=wearables,
            adverts_per_s=(heard_after - heard) / (after.at_s - before.at_s),
            cpu=cpu_share(before, after),
            rss_mb=after.rss_bytes / 1e6,
            rss_growth_mb=grown_mb,
            pressed=presses,
            lost=sum(max(0, len(times) - len(calls.get(name, ()))) for name, times in pressed.items()),
            twice=sum(max(0, len(times) - len(pressed.get(name, ()))) for name, times in calls.items()),
            p50_ms=percentile(delays_ms, 0.5) if delays_ms else float("nan"),
            p99_ms=percentile(delays_ms, 0.99) if delays_ms else float("nan"),
            limits=limits,
        )


def _press(stage: Rig, presses: int) -> dict[str, list[float]]:
    """When each was pressed."""
    pressed: defaultdict[str, list[float]] = defaultdict(list)
    names, round_s = list(stage.names.items()), time.monotonic()
    for number in range(presses):
        device, name = names[number % len(names)]
        if number and number % len(names) == 0:
            time.sleep(max(0.0, round_s + CALL_OVER_S - time.monotonic() + len(names) * SPACED_S))
            round_s = time.monotonic()
        pressed[device].append(stage.air(f"press {name}")["at_mono_s"])
        time.sleep(SPACED_S)
    return pressed


def _until_heard(stage: Rig) -> None:
    """Until the gateway is up, connected and has heard every wearable."""
    deadline = time.monotonic() + START_S
    while True:
        if stage.control.exists():
            status = asyncio.run(one_answer(stage.control, "status", "en"))
            counters = status["counters"].get("air", {})
            all_heard = all(counters.get(name, {}).get("adverts") for name in stage.names)
            if all_heard and status["uplinks"][0]["connected_since_ms"] is not None:
                return
        if time.monotonic() > deadline:
            raise SystemExit("the gateway did not hear every wearable")
        time.sleep(0.5)


def _heard(stage: Rig) -> int:
    status = asyncio.run(one_answer(stage.control, "status", "en"))
    return int(status["counters"]["air"]["air"]["heard"])


def section() -> Section:
    """All that is promised of wearables."""
    result = measure()
    flat = abs(result.rss_growth_mb) <= 8
    rows = [
        Row(
            "adverts heard",
            f"{result.adverts_per_s:,.0f} a second of {result.wearables} wearables",
            ">= 1,000 a second",
        ),
        Row("share of a core, the whole daemon", f"{result.cpu:.1%}", "<= 8 %", result.cpu <= 0.08),
        Row("growth of memory", f"{result.rss_growth_mb:+.1f} MB of {result.rss_mb:.0f} MB", "flat", flat),
        Row("calls for help lost", f"{result.lost} of {result.pressed:,}", "0", result.lost == 0),
        Row("calls for help told twice", f"{result.twice} of {result.pressed:,}", "0", result.twice == 0),
        Row("first advert to MQTT subscriber, p50", f"{result.p50_ms:.0f} ms"),
        Row("first advert to MQTT subscriber, p99", f"{result.p99_ms:.0f} ms", "<= 500 ms", result.p99_ms <= 500),
        *_bands(),
        *_churn(),
    ]
    note = (
        "Daemon on core 0; simulated stack, D-Bus, broker and subscriber on core 1. While presses were timed, "
        f"{machine(result.limits)}. The bands and the day of churn are "
        f"`COURTYARD_CAMPAIGN=full pytest {FAULTS} {CHURN}`: judged by the bands' own list of what they sent."
    )
    return Section("Wearables", "python -m bench ble", rows, note)


def _bands() -> Iterator[Row]:
    told = _campaign(FAULTS)
    if not told:
        yield Row("ten bands through every fault of the stack", "failed", "every report once", False)
    for each in told:
        measured = f"{each['reports']} reports, {each['missing']} missing, {each['twice']} twice"
        whole = each["missing"] == each["twice"] == 0
        yield Row(f"ten bands at 1 Hz, {each['fault']}", measured, "each once", whole)
        measured = f"first after {each['first_s']:.2f} s, all after {each['all_s']:.2f} s"
        yield Row(f"after {each['fault']}", measured, "first <= 3 s", each["first_s"] <= 3)


def _churn() -> Iterator[Row]:
    told = _campaign(CHURN)
    if not told:
        yield Row("a day of churn in virtual time", "failed", "nothing left behind", False)
    for each in told:
        measured = f"{each['hours']} h, {each['links']:,} links, radios opened {each['opened']:,} times"
        left = f"{measured}; left: {each['tasks_left']} tasks, {each['links_left']} links"
        clean = each["tasks_left"] == each["links_left"] == 0
        yield Row("a day of churn in virtual time", left, "0 left", clean)


def _campaign(file: str) -> list[dict[str, Any]]:
    """What a test tells of itself; nothing when it failed."""
    command = python("-m", "pytest", "-q", "-s", file)
    environment = {**os.environ, "COURTYARD_CAMPAIGN": "full"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line[line.index("{") :] for line in done.stdout.splitlines() if "{" in line and line.endswith("}")]
    return [json.loads(line) for line in lines] if done.returncode == 0 else []


if __name__ == "__main__":
    given = sys.argv[1:]
    chosen = dict(zip(("wearables", "presses"), map(int, given[:2]), strict=False))
    print(measure(**chosen, quiet_s=float(given[2]) if len(given) > 2 else QUIET_S))
