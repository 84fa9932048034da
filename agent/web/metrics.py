"""Metrics of the gateway in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, get_args

from courtyard.agent.web.model import NoticeKind, Views

Sample = tuple[Mapping[str, str], float | int | None]


class Metric(NamedTuple):
    """One metric; samples that are not known (None) are left out."""

    name: str
    kind: str
    help: str
    samples: Iterable[Sample]


def metrics_text(views: Views, *, streams: int) -> str:
    """All metrics."""
    return "".join(_lines(_metrics(views, streams)))


def _metrics(views: Views, streams: int) -> Iterator[Metric]:
    system, gateway, uplinks, devices = views.system(), views.gateway(), views.uplinks(), views.devices()
    journal = system.journal
    states = {
        state: sum(device.state == state for device in devices)
        for state in ("ok", "waiting", "stale", "fault", "alarm")
    }
    alarms = [alarm for alarm in views.alarms() if alarm.state != "cleared"]
    severities = {str(severity): sum(alarm.severity == severity for alarm in alarms) for severity in (1, 2, 3, 4)}

    def per_uplink(name: str, values: Iterable[float | int | None], help_: str, kind: str = "gauge") -> Metric:
        return Metric(
            name, kind, help_, [({"uplink": each.name}, value) for each, value in zip(uplinks, values, strict=True)]
        )

    yield Metric("info", "gauge", "The gateway.", [({"gateway": gateway.id, "version": gateway.version}, 1)])
    yield Metric(
        "start_time_seconds", "gauge", "When the daemon started, Unix time.", [({}, gateway.started_ms / 1000)]
    )
    yield Metric(
        "safe_mode",
        "gauge",
        "1 while the last good site file runs instead of a broken one.",
        [({}, int(gateway.safe_mode))],
    )
    kinds = [notice.kind for notice in gateway.notices]
    yield Metric(
        "notice",
        "gauge",
        "1 while every page says so: memory (records are not on disk), damage (the journal was mended), site (the last "
        "good site file runs).",
        [({"kind": kind}, int(kind in kinds)) for kind in get_args(NoticeKind)],
    )
    yield Metric(
        "devices", "gauge", "Devices by state.", [({"state": state}, count) for state, count in states.items()]
    )
    yield Metric(
        "alarms_open",
        "gauge",
        "Alarms that are not cleared.",
        [({"severity": key}, count) for key, count in severities.items()],
    )
    yield Metric("readings_dropped_total", "counter", "Readings that a newer one replaced.", [({}, system.dropped)])
    yield per_uplink(
        "uplink_connected", [int(each.connected_since_ms is not None) for each in uplinks], "1 while connected."
    )
    yield per_uplink("uplink_backlog_records", [each.backlog_records for each in uplinks], "Records still to be sent.")
    yield per_uplink("uplink_backlog_bytes", [each.backlog_bytes for each in uplinks], "Bytes still to be sent.")
    yield per_uplink(
        "uplink_oldest_age_seconds",
        [None if each.oldest_ms is None else max(0.0, (views.now_ms() - each.oldest_ms) / 1000) for each in uplinks],
        "Age of the oldest record still to be sent.",
    )
    yield per_uplink(
        "uplink_records_total", [each.records for each in uplinks], "Records that the platform confirmed.", "counter"
    )
    yield per_uplink(
        "uplink_refused_total", [each.refused for each in uplinks], "Messages that the platform refused.", "counter"
    )
    yield per_uplink(
        "uplink_lost_records",
        [sum(loss.records for loss in each.losses) for each in uplinks],
        "Records that this platform will never get.",
    )
    yield Metric("journal_bytes", "gauge", "Disk space that records take.", [({}, journal.used_bytes)])
    yield Metric("journal_quota_bytes", "gauge", "Disk space that records may take.", [({}, journal.quota_bytes)])
    yield Metric("journal_durable", "gauge", "0 while records are in memory only.", [({}, int(journal.durable))])
    yield Metric(
        "journal_head", "gauge", "Last sequence number.", [({"lane": lane.name}, lane.head) for lane in journal.lanes]
    )
    yield Metric("cpu_share", "gauge", "Share of one core that the daemon uses.", [({}, system.cpu_share)])
    yield Metric("memory_bytes", "gauge", "Resident memory of the daemon.", [({}, system.memory_bytes)])
    yield Metric(
        "disk_free_bytes", "gauge", "Free space on the disk of the data directory.", [({}, system.disk_free_bytes)]
    )
    yield Metric(
        "clock_synchronised", "gauge", "1 while the clock is synchronised.", [({}, int(system.clock == "synced"))]
    )
    yield Metric(
        "part_restarts_total",
        "counter",
        "How often a part failed.",
        [({"part": part.name}, part.restarts) for part in system.parts],
    )
    yield Metric("page_streams", "gauge", "Open pages.", [({}, streams)])


def _lines(metrics: Iterable[Metric]) -> Iterator[str]:
    for metric in metrics:
        yield f"# HELP courtyard_{metric.name} {metric.help}\n# TYPE courtyard_{metric.name} {metric.kind}\n"
        for labels, value in metric.samples:
            if value is not None:
                shown = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
                yield f"courtyard_{metric.name}{{{shown}}} {value}\n" if shown else f"courtyard_{metric.name} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
