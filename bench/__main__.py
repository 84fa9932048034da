"""`python -m bench [NAME…]`: runs the measurements, prints them, and puts them into docs/measurements.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

from bench import (
    ble,
    cameras,
    campaigns,
    drain,
    fire,
    history,
    journal_cost,
    lift_events,
    lifts,
    modbus_rates,
    outage,
    page,
    promises,
    retrain,
    throughput,
)
from bench.limits import machine, p99_ms
from bench.process import python
from bench.report import FILE, Row, Section, save

QUIET_CPU, QUIET_RSS_MB = 0.08, 60.0
ALL_CORES = frozenset(range(os.cpu_count() or 1))


def end_to_end() -> Section:
    """Meters to subscriber, journal on disk, the daemon on one core."""
    rows = []
    for points, every_s, target in ((20, 0.04, 80_000), (100, 0.06, 250_000)):
        result = throughput.measure(devices=200, points=points, every_s=every_s)
        whole = result.lost == 0 and result.repeated == 0
        what = f"200 devices x {points} points, delivered"
        measured = f"{result.points_per_s:,.0f} points/s at {result.cpu:.0%} of the core"
        rows.append(Row(what, measured, f">= {target:,} points/s", result.points_per_s >= target))
        rows.append(Row("lost, repeated", f"{result.lost}, {result.repeated}", "0, 0", whole))
    quiet = throughput.measure(devices=200, points=20, every_s=1.0, seconds=30.0)
    rows += [
        Row("4,000 points/s: answer to subscriber, p50", f"{quiet.p50_ms:.1f} ms", "<= 10 ms", quiet.p50_ms <= 10),
        Row("4,000 points/s: answer to subscriber, p99", f"{quiet.p99_ms:.1f} ms", "<= 80 ms", quiet.p99_ms <= 80),
        Row("4,000 points/s: share of a core", f"{quiet.cpu:.1%}", "<= 8 %", quiet.cpu <= QUIET_CPU),
        Row("4,000 points/s: resident memory", f"{quiet.rss_mb:.1f} MB", "<= 60 MB", quiet.rss_mb <= QUIET_RSS_MB),
        Row("4,000 points/s: lost, repeated", f"{quiet.lost}, {quiet.repeated}", "0, 0", quiet.lost == 0),
    ]
    note = (
        "Loss is judged by the simulator's poll numbers. Daemon on core 0; simulator, broker and subscriber on core 1."
    )
    return Section("End to end", "python -m bench end-to-end", rows, note)


def modbus() -> Section:
    """The driver by itself."""
    rows = []
    os.sched_setaffinity(0, {modbus_rates.DRIVER_CORE})
    try:
        for registers in (20, 104, 200):
            rate = modbus_rates.tcp_rate(registers, 0.001)
            measured = f"{rate.transactions_s:,.0f} transactions/s, {rate.points_s:,.0f} points/s"
            rows.append(Row(f"TCP, 200 endpoints x {registers} registers, one core", measured))
        share, silence = modbus_rates.serial_share()
    finally:
        os.sched_setaffinity(0, ALL_CORES)
    rows.append(Row("RTU, 9600 baud, 20 registers: share of the wire limit", f"{share:.3f}", ">= 0.97", share >= 0.97))
    shortest = f"{silence:.2f} characters"
    rows.append(Row("RTU: shortest silence before a request", shortest, ">= 3.5 characters", silence >= 3.5))
    return Section("Modbus driver", "python -m bench modbus", rows)


def draining() -> Section:
    """A backlog of a million readings, against paho alone with the same bytes; alarms meanwhile."""
    result = drain.measure()
    rows = [
        Row("uplink, median of five", f"{result.uplink_per_s:,.0f} readings/s"),
        Row("batched paho alone, same bytes, interleaved", f"{result.paho_per_s:,.0f} readings/s"),
        Row("ratio", f"{result.ratio:.2f}", ">= 0.5", result.ratio >= 0.5),
        _delay("alarm while draining, loopback", result.alarm_p50_s, result.alarm_p99_s, 0.15),
        _delay("alarm while draining through 1 Mbit/s", result.thin_alarm_p50_s, result.thin_alarm_p99_s, 1.5),
        Row("one live message and its PUBACK", f"{result.message_cpu_s * 1e6:.0f} µs of CPU"),
    ]
    return Section("Draining a backlog", "python -m bench draining", rows, f"{result.readings:,} readings.")


def _delay(what: str, p50_s: float, p99_s: float, limit_s: float) -> Row:
    measured = f"p50 {p50_s * 1000:.0f} ms, p99 {p99_s * 1000:.0f} ms"
    return Row(what, measured, f"p99 <= {limit_s * 1000:,.0f} ms", p99_s <= limit_s)


def endless_outage() -> Section:
    """No broker for minutes, at full load."""
    result = outage.measure()
    quota = outage.QUOTA_BYTES
    growth = result.rss_last_mb - result.rss_first_mb
    rows = [
        Row(
            "largest journal directory",
            f"{result.largest_bytes / 1e6:.1f} MB",
            f"<= {quota / 1e6:.0f} MB + 5 %",
            result.largest_bytes <= quota * 1.05,
        ),
        Row("polling meanwhile", f"{result.polls_per_s:,.0f} polls/s of 100 points"),
        Row("growth of memory in 90 s", f"{growth:+.1f} MB of {result.rss_first_mb:.0f} MB", "flat", abs(growth) <= 8),
    ]
    return Section("Outage without end", "python -m bench endless-outage", rows)


def killed() -> Section:
    """kill -9 at 200 random moments."""
    command = python("-m", "pytest", "-q", "-s", "tests/faults/test_daemon_killed.py")
    environment = {**os.environ, "COURTYARD_CAMPAIGN": "full"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    if line is None:
        return Section("Killed", "COURTYARD_CAMPAIGN=full pytest ...", [Row("kill -9", "failed", "0 missing", False)])
    result = json.loads(line)
    rows = [
        Row("kill -9 at random moments", f"{result['kills']} times", ">= 200 times", result["kills"] >= 200),
        Row("records at the platform", f"{result['records']:,}, {result['repeats dropped']} repeats dropped"),
        Row("missing, numbered twice", f"{result['missing']}, {result['conflicts']}", "0, 0", done.returncode == 0),
    ]
    return Section("Killed", "COURTYARD_CAMPAIGN=full pytest tests/faults/test_daemon_killed.py", rows)


def fires() -> Section:
    """From the last byte of a panel's frame, with 250 meters polled, and while a million readings drain besides."""
    result = fire.measure()
    rows = []
    for name, delays in (("250 meters polled", result.quiet), (f"{result.readings:,} readings drain", result.draining)):
        for what, values, limit_ms in (("disk", delays.disk, 60), ("subscriber", delays.subscriber, 150)):
            p99 = p99_ms(values)
            measured = f"p99 {p99:.0f} ms of {len(values)}"
            rows.append(Row(f"{name}: frame to {what}", measured, f"p99 <= {limit_ms} ms", p99 <= limit_ms))
        rows.append(Row(f"{name}: meanwhile", machine(delays.limits)))
    return Section("Fire", "python -m bench fire", rows, "To the disk: until the panel has its confirmation.")


def fires_killed() -> Section:
    """kill -9 between frame and acknowledgement, 500 times."""
    command = python("-m", "pytest", "-q", "-s", "tests/faults/test_firewire_killed.py")
    environment = {**os.environ, "COURTYARD_CAMPAIGN": "full"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    named = "COURTYARD_CAMPAIGN=full pytest tests/faults/test_firewire_killed.py"
    if line is None:
        return Section("Fire, killed", named, [Row("kill -9", "failed", "each once", False)])
    result = json.loads(line)
    rows = [
        Row("kill -9 after a frame", f"{result['kills']} times", ">= 500 times", result["kills"] >= 500),
        Row("of which before the acknowledgement", f"{result['before the acknowledgement']}"),
        Row("fires raised", f"{result['raised']}", "each once", done.returncode == 0),
    ]
    return Section("Fire, killed", named, rows)


CAMERA_FAULTS = 200


def watched_cameras() -> Section:
    """Thirty cameras asked, eight watched, two hundred faults healed."""
    memory = cameras.memory_mb(30)
    every, keys = (cameras.watched(8, 15.0, key_frames_only=only) for only in (False, True))
    run = cameras.faults(CAMERA_FAULTS)
    slowest, growth_mb = max(run.healed, key=lambda each: each.seconds), run.late_mb - run.early_mb
    rows = [
        Row("ONVIF: memory of 30 cameras, libraries included", f"{memory:.0f} MB", "< 60 MB", memory < 60),
        Row("360p at 25/s with motion: share of a core each", f"{every.share:.1%}", "<= 4 %", every.share <= 0.04),
        Row("the same, key frames only", f"{keys.share:.1%}", "<= 4 %", keys.share <= 0.04),
        Row("worker of 8 streams: resident memory", f"{every.rss_mb:.0f} MB"),
        Row(
            f"{len(run.healed)} random faults: longest until pictures were back",
            f"{slowest.seconds:.1f} s ({slowest.fault})",
            "<= 10 s",
            slowest.seconds <= 10,
        ),
        Row(
            "the same: growth of memory from the second quarter to the last",
            f"{growth_mb:.0f} MB",
            "< 10 MB",
            growth_mb < 10,
        ),
        Row("the same: zombies, worker processes", f"{run.zombies}, {run.workers}", "0, 1", run[1:3] == (1, 0)),
        Row(
            f"the same: logins tried in {run.seconds / 60:.0f} min at a camera that refuses the password",
            f"{run.refused}",
            "one in 10 min",
            1 <= run.refused <= 1 + run.seconds / 600,
        ),
    ]
    return Section("Cameras", "python -m bench cameras", rows)


def fire_campaigns() -> Section:
    """The long campaigns against panels, run whole."""
    rows = [
        Row(each.what, f"{each.tests} tests in {each.seconds:.0f} s, {each.failed} failed", "0 failed", not each.failed)
        for each in campaigns.run(campaigns.FIRE)
    ]
    return Section("Fire, campaigns", "python -m bench fire-campaigns", rows)


MEASUREMENTS: dict[str, Callable[[], Section]] = {
    "end-to-end": end_to_end,
    "modbus": modbus,
    "journal": journal_cost.measure,
    "draining": draining,
    "endless-outage": endless_outage,
    "killed": killed,
    "ble": ble.section,
    "fire": fires,
    "fire-killed": fires_killed,
    "fire-campaigns": fire_campaigns,
    "cameras": watched_cameras,
    "lifts": lifts.section,
    "lift-events": lift_events.section,
    "retrain": retrain.section,
    "page": page.section,
    "history": history.section,
    "promises": promises.section,
}


def main(names: list[str]) -> int:
    """Exit status 0 when every promise measured was kept."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    sections = []
    for name in names or MEASUREMENTS:
        print(f"== {name}", flush=True)
        section = MEASUREMENTS[name]()
        sections.append(section)
        for row in section.rows:
            mark = {True: "ok ", False: "NO ", None: "   "}[row.met]
            print(f"  {mark} {row.what}: {row.measured}" + (f"  ({row.target})" if row.target else ""), flush=True)
        save([section])
    print(f"written to {FILE.relative_to(FILE.parents[1])}")
    return 0 if all(row.met is not False for section in sections for row in section.rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
