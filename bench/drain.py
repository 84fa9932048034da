"""How fast a backlog drains, against paho alone with the same bytes; how long an alarm waits meanwhile.

    python -m bench.drain              1,000,000 readings, median of five interleaved runs, then the alarms
    python -m bench.drain 100000       fewer, for development

The broker has core 1 for itself; whoever publishes runs on core 0.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.process import python, running
from bench.report import percentile
from courtyard.agent.records import ReadingRecord, Status, encode, instant, stamp
from courtyard.agent.uplinks.native import Format
from courtyard.agent.uplinks.send import MAX_MESSAGE_BYTES, MAX_MESSAGES
from courtyard.agent.uplinks.uplink import MqttUplink
from courtyard.buffer import Entry, Journal, Options
from courtyard.config.uplink import Filter, Uplink
from hw_sim.ports import free_port

GATEWAY = "gw-0007"
LANES = ("alarm", "event", "reading")
AGENT_CORE, BROKER_CORE = 0, 1
READINGS = 1_000_000
RUNS = 5
POINTS = 20
THIN_BPS = 1e6
THIN_ALARMS, FAST_ALARMS = 100, 200
STEADY_MESSAGES = 2000


class Drain(NamedTuple):
    """Of one measurement: readings a second, medians; latencies in seconds; CPU seconds of one live message."""

    readings: int
    bytes: int
    uplink_per_s: float
    paho_per_s: float
    ratio: float
    alarm_p50_s: float
    alarm_p99_s: float
    thin_alarm_p50_s: float
    thin_alarm_p99_s: float
    message_cpu_s: float


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def reading(number: int) -> bytes:
    """A record of 20 points, about 500 bytes."""
    at_ms = 1_795_329_015_000 + number
    values: dict[str, Any] = {f"water.point{point:02d}": number * 0.25 + point for point in range(POINTS)}
    device = f"wm-b{number % 40:02d}-u02-601"
    return encode(
        ReadingRecord(device, "370213/005/012/0007/b03/u02/f06/r601", instant(at_ms), at_ms, "synced", values)
    )


def open_journal(directory: Path) -> Journal:
    return Journal.open(directory, Options(quota_bytes=4_000_000_000, stamp=stamp), boot="bench", wall_ms=wall_ms)


async def fill(directory: Path, count: int) -> int:
    """Appends readings; gives their bytes."""
    journal, size = open_journal(directory), 0
    for first in range(0, count, 2000):
        bodies = [reading(number) for number in range(first, min(first + 2000, count))]
        size += sum(map(len, bodies))
        await journal.append([Entry("reading", wall_ms(), body) for body in bodies])
    await journal.close()
    return size


async def until(condition: Callable[[], bool], every_s: float = 0.002, timeout_s: float = 300.0) -> None:
    """Looks again and again.  Raises TimeoutError."""
    for _ in range(int(timeout_s / every_s)):
        if condition():
            return
        await asyncio.sleep(every_s)
    raise TimeoutError


@asynccontextmanager
async def uplink(journal: Journal, port: int, name: str, start: str) -> AsyncIterator[MqttUplink]:
    """A connected uplink."""
    settings = Uplink(name=name, url=f"mqtt://127.0.0.1:{port}", start="oldest" if start == "oldest" else "head")
    made = MqttUplink(
        settings,
        GATEWAY,
        journal.attach(name, lanes=LANES, start=settings.start),
        journal,
        status=lambda: Status(v=1, gateway=GATEWAY, online=True),
        wall_ms=wall_ms,
        directory=Path(),
    )
    task = asyncio.create_task(made.run())
    await until(lambda: made.report().connections > 0)
    yield made
    task.cancel()
    await asyncio.wait({task})


async def run_uplink(directory: Path, port: int, name: str, count: int) -> dict[str, float]:
    """Drains everything to a new uplink."""
    journal = open_journal(directory)
    async with uplink(journal, port, name, "oldest") as made:
        started, cpu_s = time.monotonic(), time.process_time()
        await until(lambda: made.report().records >= count, every_s=0.02)
        seconds, cpu_s = time.monotonic() - started, time.process_time() - cpu_s
        report = made.report()
    journal.forget(name)
    await journal.close()
    return {"seconds": seconds, "cpu_s": cpu_s, "messages": report.messages}


async def same_bytes(directory: Path) -> list[bytes]:
    """The messages that a drain on a fast line sends."""
    journal, format = open_journal(directory), Format(GATEWAY, Filter())
    feed = journal.attach("bytes", lanes=LANES, start="oldest")
    feed.mark_live()
    size, records = format.fitting(MAX_MESSAGE_BYTES, len(reading(0)) * 3 // 4)
    messages = []
    while block := await feed.next("reading", which="backlog", max_bytes=size, max_records=records):
        messages += format.messages(block, None, MAX_MESSAGE_BYTES)
        feed.ack(block)
    journal.forget("bytes")
    await journal.close()
    return messages


def run_paho(messages: list[bytes], port: int) -> dict[str, float]:
    """Publishes the messages with paho alone: QoS 1, its own network thread, 100 in flight."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "paho-alone", protocol=paho.MQTTv5)
    client.max_inflight_messages_set(MAX_MESSAGES)
    room, connected = threading.Semaphore(MAX_MESSAGES), threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.on_publish = lambda *_: room.release()
    client.connect("127.0.0.1", port)
    client.loop_start()
    connected.wait(10)
    started, cpu_s = time.monotonic(), time.process_time()
    topic = f"courtyard/v1/{GATEWAY}/reading"
    for payload in messages:
        room.acquire()
        client.publish(topic, payload, qos=1)
    for _ in range(MAX_MESSAGES):
        room.acquire()
    seconds, cpu_s = time.monotonic() - started, time.process_time() - cpu_s
    client.disconnect()
    client.loop_stop()
    return {"seconds": seconds, "cpu_s": cpu_s, "messages": len(messages)}


async def alarms(directory: Path, line_port: int, broker_port: int, name: str, count: int) -> list[float]:
    """Delays from `append` to the subscriber of alarms that are raised while a backlog drains.

    Returns fewer than `count` when the backlog ends before.
    """
    journal, delays = open_journal(directory), list[float]()
    arrived: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def message(_client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        at = time.monotonic()
        for record in msgspec.json.decode(message.payload)["records"]:
            loop.call_soon_threadsafe(arrived.put_nowait, (record["seq"], at))

    subscriber = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    subscriber.on_message = message
    subscriber.connect("127.0.0.1", broker_port)
    subscriber.subscribe(f"courtyard/v1/{GATEWAY}/alarm", qos=1)
    subscriber.loop_start()
    async with uplink(journal, line_port, name, "oldest") as made:
        await until(lambda: made.report().messages >= 5)
        while len(delays) < count and made.report().backlog["reading"].records > 2 * made.report().in_flight_messages:
            started = time.monotonic()
            (seq,) = (await journal.append([Entry("alarm", wall_ms(), b'{"started":1}')])).seqs
            while (arrival := await arrived.get())[0] != seq:  # what earlier measurements left in the alarm lane
                pass
            delays.append(arrival[1] - started)
    subscriber.disconnect()
    subscriber.loop_stop()
    journal.forget(name)
    await journal.close()
    return delays


async def steady(port: int) -> float:
    """CPU seconds that one live message of one reading costs, beyond what the journal takes for it."""

    async def cost(*, sending: bool) -> float:
        with TemporaryDirectory() as name:
            journal, body = open_journal(Path(name)), reading(1)

            async def commits() -> float:
                cpu_s = time.process_time()
                for _ in range(STEADY_MESSAGES):
                    await journal.append([Entry("reading", wall_ms(), body)])
                return time.process_time() - cpu_s

            if not sending:
                spent = await commits()
            else:
                async with uplink(journal, port, "steady", "head") as made:
                    spent = await commits()
                    messages = made.report().messages
                    if messages < 0.9 * STEADY_MESSAGES:
                        raise SystemExit(f"only {messages} messages for {STEADY_MESSAGES} commits")
            await journal.close()
            return spent / STEADY_MESSAGES

    return statistics.median([await cost(sending=True) - await cost(sending=False) for _ in range(3)])


def part(*arguments: object) -> Any:
    """Runs one part in a process of its own on the agent's core."""
    with running(python("-m", "bench.drain", *map(str, arguments)), core=AGENT_CORE, stdout=-1) as process:
        out, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{arguments} failed")
        return json.loads(out)


def measure(readings: int = READINGS) -> Drain:
    """The whole measurement."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        configuration = folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n{user}")
        with running(["mosquitto", "-c", str(configuration)], core=BROKER_CORE, stderr=-3):
            size = part("fill", folder / "journal", readings)
            alone, ours = [], []
            for run in range(RUNS):
                alone.append(readings / part("paho", folder / "journal", port)["seconds"])
                ours.append(readings / part("uplink", folder / "journal", port, f"run{run}", readings)["seconds"])
                print(f"paho {alone[-1]:,.0f}/s, uplink {ours[-1]:,.0f}/s", file=sys.stderr)
            fast: list[float] = []
            while len(fast) < FAST_ALARMS:
                fast += part("alarms", folder / "journal", port, port, f"fast{len(fast)}", FAST_ALARMS)
            throttle = python("-m", "hw_sim", "throttle", "127.0.0.1", str(port), "--rate", str(THIN_BPS))
            with running(throttle, core=BROKER_CORE, stdout=-1) as line:
                assert line.stdout is not None
                thin_port = json.loads(line.stdout.readline())["port"]
                thin = part("alarms", folder / "journal", thin_port, port, "thin", THIN_ALARMS)
            message_cpu_s = part("steady", port)
    return Drain(
        readings,
        size,
        statistics.median(ours),
        statistics.median(alone),
        statistics.median(ours) / statistics.median(alone),
        percentile(fast, 0.5),
        percentile(fast, 0.99),
        percentile(thin, 0.5),
        percentile(thin, 0.99),
        message_cpu_s,
    )


def main(arguments: list[str]) -> None:
    """A part of the measurement, or all of it."""
    match arguments:
        case ["fill", directory, count]:
            print(asyncio.run(fill(Path(directory), int(count))))
        case ["uplink", directory, port, name, count]:
            print(json.dumps(asyncio.run(run_uplink(Path(directory), int(port), name, int(count)))))
        case ["paho", directory, port]:
            print(json.dumps(run_paho(asyncio.run(same_bytes(Path(directory))), int(port))))
        case ["alarms", directory, line_port, broker_port, name, count]:
            delays = asyncio.run(alarms(Path(directory), int(line_port), int(broker_port), name, int(count)))
            print(json.dumps(delays))
        case ["steady", port]:
            print(asyncio.run(steady(int(port))))
        case _:
            print(measure(int(arguments[0]) if arguments else READINGS))


if __name__ == "__main__":
    main(sys.argv[1:])
