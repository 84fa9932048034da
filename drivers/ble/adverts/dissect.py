"""Advertisements field by field: BTHome, iBeacon, Eddystone.

All of them may begin with what tells the family on air: the service UUID, or the company identifier.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from courtyard.drivers.base import Text
from courtyard.drivers.ble.adverts import bthome, eddystone, ibeacon
from courtyard.drivers.ble.adverts.bthome_labels import PRESSES, UNKNOWN, label
from courtyard.drivers.ble.dissecting import plain, said, verdict
from courtyard.drivers.ble.refusal import Refused
from courtyard.drivers.dissection import Dissection, Part

_BTHOME, _APPLE, _EDDYSTONE = "BTHome v2, ", "Proximity Beacon Specification", "Eddystone, "


class Parts:
    """Parts in the making; offsets count from behind the identifier."""

    def __init__(self, data: bytes, identifier: int, label: Text, clause: str) -> None:
        lead = identifier.to_bytes(2, "little")
        self.base = 2 if data[:2] == lead else 0
        self.data = data[self.base :]
        self.parts: list[Part] = []
        self._counts: dict[str, int] = {}
        if self.base:
            self.parts.append(Part("identifier", label, f"{identifier:04X}", 0, 2, None, clause))

    def add(
        self, name: str, label: Text, value: Any, start: int, end: int, clause: str, meaning: Text | None = None
    ) -> None:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        unique = name if count == 1 else f"{name}_{count}"
        self.parts.append(Part(unique, label, plain(value), self.base + start, self.base + end, meaning, clause))


def dissect_bthome(data: bytes) -> Dissection:
    """Objects of a plain packet; of an encrypted one all that is not encrypted."""
    taken = Parts(data, bthome.UUID, Text("service UUID", "服务UUID"), f"{_BTHOME}format")
    try:
        around = bthome.envelope(taken.data)
        _info(taken, around)
        if around.counter is None:
            for one in bthome.objects(around.body, around.body_at):
                _object(taken, one, around.body_at)
            packet = bthome.parse(taken.data)
            if packet.unread:
                end = len(taken.data)
                label, text = Text("not read", "未读取"), Text("begins with an unknown object", "以未知对象开头")
                taken.add("unread", label, packet.unread, end - len(packet.unread), end, f"{_BTHOME}format", text)
            taken.parts += said(bthome.observe(packet), len(data))
        else:
            _sealed(taken, around)
    except Refused as refusal:
        return verdict("bthome", data, taken.parts, refusal, taken.base)
    return verdict("bthome", data, taken.parts)


def _info(taken: Parts, around: bthome.Envelope) -> None:
    sealed, triggered = bool(around.info & bthome.ENCRYPTED), bool(around.info & bthome.TRIGGERED)
    meaning = Text(
        f"version {around.info >> 5}, {'encrypted' if sealed else 'plain'}{', speaks on events' if triggered else ''}",
        f"版本{around.info >> 5}，{'加密' if sealed else '明文'}{'，事件触发' if triggered else ''}",
    )
    clause = f"{_BTHOME}device information"
    taken.add("info", Text("device information", "设备信息"), f"{around.info:02X}", 0, 1, clause, meaning)
    if around.address is not None:
        taken.add("address", Text("address", "地址"), around.address.hex(":").upper(), 1, 7, clause)


def _object(taken: Parts, one: bthome.Measured, base: int) -> None:
    meaning = Text(f"{one.steps} steps", f"{one.steps}步") if one.object.kind == "dimmer" else None
    if one.object.kind == "button":
        meaning = PRESSES.get(str(one.value), UNKNOWN)
    where = f"{_BTHOME}object {one.id:02X}"
    taken.add(one.object.name, label(one.object), one.value, base + one.start, base + one.end, where, meaning)


def _sealed(taken: Parts, around: bthome.Envelope) -> None:
    end = len(taken.data)
    tag = end - bthome.TAG_BYTES
    counter = tag - bthome.COUNTER_BYTES
    clause = f"{_BTHOME}encryption"
    meaning = Text("needs the device's key", "需要设备密钥")
    taken.add(
        "sealed",
        Text("encrypted objects", "加密对象"),
        taken.data[around.body_at : counter],
        around.body_at,
        counter,
        clause,
        meaning,
    )
    taken.add("counter", Text("counter", "计数器"), around.counter, counter, tag, clause)
    taken.add("tag", Text("tag", "校验标签"), taken.data[tag:], tag, end, clause)


def dissect_ibeacon(data: bytes) -> Dissection:
    """UUID, major, minor, power."""
    taken = Parts(data, ibeacon.COMPANY, Text("company", "公司"), "Bluetooth SIG Assigned Numbers")
    try:
        beacon = ibeacon.parse(taken.data)
    except Refused as refusal:
        return verdict("ibeacon", data, taken.parts, refusal, taken.base)
    taken.add("type", Text("type", "类型"), f"{ibeacon.TYPE:02X}", 0, 1, _APPLE)
    taken.add("length", Text("length", "长度"), ibeacon.LENGTH, 1, 2, _APPLE)
    taken.add("uuid", Text("UUID", "UUID"), str(beacon.uuid), 2, 18, _APPLE)
    taken.add("major", Text("major", "主编号"), beacon.major, 18, 20, _APPLE)
    taken.add("minor", Text("minor", "次编号"), beacon.minor, 20, 22, _APPLE)
    taken.add("power_dbm", Text("power at 1 m, dBm", "1米处信号强度，dBm"), beacon.power_dbm, 22, 23, _APPLE)
    return verdict("ibeacon", data, taken.parts)


class _Row(NamedTuple):
    name: str
    label: Text
    start: int
    end: int


_UID = (
    _Row("power_dbm", Text("power at 0 m, dBm", "0米处信号强度，dBm"), 1, 2),
    _Row("namespace", Text("namespace", "命名空间"), 2, 12),
    _Row("instance", Text("instance", "实例"), 12, 18),
)
_TLM = (
    _Row("battery_mv", Text("battery, mV", "电池电压，mV"), 2, 4),
    _Row("temperature_cel", Text("temperature, Cel", "温度，摄氏度"), 4, 6),
    _Row("adverts", Text("advertisements", "广播次数"), 6, 10),
    _Row("uptime_s", Text("running time, s", "运行时间，s"), 10, 14),
)


def dissect_eddystone(data: bytes) -> Dissection:
    """UID or TLM."""
    taken = Parts(data, eddystone.UUID, Text("service UUID", "服务UUID"), "Bluetooth SIG Assigned Numbers")
    try:
        frame = eddystone.parse(taken.data)
    except Refused as refusal:
        return verdict("eddystone", data, taken.parts, refusal, taken.base)
    telemetry = isinstance(frame, eddystone.Tlm)
    clause = f"{_EDDYSTONE}{'TLM' if telemetry else 'UID'} frame"
    meaning = Text("telemetry", "遥测") if telemetry else Text("identity", "标识")
    taken.add("type", Text("frame type", "帧类型"), f"{taken.data[0]:02X}", 0, 1, clause, meaning)
    if telemetry:
        taken.add("version", Text("version", "版本"), taken.data[1], 1, 2, clause)
    for row in _TLM if telemetry else _UID:
        taken.add(row.name, row.label, getattr(frame, row.name), row.start, row.end, clause)
    taken.parts += said(eddystone.observe(frame), len(data))
    return verdict("eddystone", data, taken.parts)
