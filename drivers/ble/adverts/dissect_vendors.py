"""Advertisements of single makers field by field: MiBeacon, Minew, BlueUp; and the battery level as service data.

All of them may begin with what tells the family on air: the service UUID, or the company identifier.
"""

from __future__ import annotations

from collections.abc import Callable

from courtyard.drivers.base import Text
from courtyard.drivers.ble.adverts import blueup, mibeacon, minew
from courtyard.drivers.ble.adverts.dissect import Parts
from courtyard.drivers.ble.dissecting import said, verdict
from courtyard.drivers.ble.gatt.characteristics import observe as observe_characteristic
from courtyard.drivers.ble.layout import bits
from courtyard.drivers.ble.observation import Observation
from courtyard.drivers.ble.refusal import Refused
from courtyard.drivers.dissection import Dissection

_NUMBERS = "Bluetooth SIG Assigned Numbers"
_SERVICE, _COMPANY = Text("service UUID", "服务UUID"), Text("company", "公司")
_NONE = Text("none", "无")
_BATTERY_SERVICE, _BATTERY_LEVEL = 0x180F, 0x2A19

_MIBEACON, _OBJECT_HEAD_BYTES = "MiBeacon", 3
_CONTROL = bits(
    {
        3: Text("encrypted", "加密"),
        4: Text("address", "含地址"),
        5: Text("capabilities", "含能力字段"),
        6: Text("objects", "含数据对象"),
        7: Text("mesh", "Mesh"),
    },
    _NONE,
)
_FLAGS = bits({6: Text("alarm supported", "支持报警"), 7: Text("alarm active", "正在报警")}, _NONE)


def dissect_mibeacon(data: bytes) -> Dissection:
    """Objects of a plain packet; of an encrypted one all that is not encrypted."""
    taken = Parts(data, mibeacon.UUID, _SERVICE, _NUMBERS)
    body = taken.data
    if len(body) >= mibeacon.HEAD_BYTES:
        control = int.from_bytes(body[:2], "little")
        meaning = _CONTROL(control & 0xF8)
        version = Text(f"version {control >> 12}, {meaning.en}", f"版本{control >> 12}，{meaning.zh}")
        taken.add("control", Text("frame control", "帧控制"), f"{control:04X}", 0, 2, _MIBEACON, version)
        product = f"{int.from_bytes(body[2:4], 'little'):04X}"
        taken.add("product", Text("product", "产品编号"), product, 2, 4, _MIBEACON)
        taken.add("frame_counter", Text("frame counter", "帧计数"), body[4], 4, 5, _MIBEACON)
    try:
        packet = mibeacon.parse(body)
    except Refused as refusal:
        if refusal.code != "key":
            return verdict("mibeacon", data, taken.parts, refusal, taken.base)
        meaning = Text("needs the device's key", "需要设备密钥")
        rest = body[mibeacon.HEAD_BYTES :]
        taken.add(
            "sealed", Text("encrypted objects", "加密对象"), rest, mibeacon.HEAD_BYTES, len(body), _MIBEACON, meaning
        )
        return verdict("mibeacon", data, taken.parts)
    at = len(body) - sum(_OBJECT_HEAD_BYTES + len(raw) for _, raw in packet.objects)
    if at > mibeacon.HEAD_BYTES:
        label = Text("address, capabilities", "地址、能力字段")
        taken.add("lead", label, body[mibeacon.HEAD_BYTES : at], mibeacon.HEAD_BYTES, at, _MIBEACON)
    for kind, raw in packet.objects:
        end = at + _OBJECT_HEAD_BYTES + len(raw)
        taken.add(f"object_{kind:04X}", Text(f"object {kind:04X}", f"数据对象{kind:04X}"), raw, at, end, _MIBEACON)
        at = end
    taken.parts += said(mibeacon.observe(packet), len(data))
    return verdict("mibeacon", data, taken.parts)


def dissect_minew(data: bytes) -> Dissection:
    """Frames A1 of sensors."""
    return _minew("minew", Parts(data, minew.UUID, _SERVICE, _NUMBERS), data, minew.observe)


def dissect_minew_door(data: bytes) -> Dissection:
    """Frames A4 of door contacts."""
    return _minew("minew-door", Parts(data, minew.COMPANY, _COMPANY, _NUMBERS), data, minew.observe_door)


def _minew(protocol: str, taken: Parts, data: bytes, observe: Callable[[bytes], Observation]) -> Dissection:
    head = (
        ("type", Text("frame type", "帧类型")),
        ("frame", Text("frame", "帧编号")),
        ("battery", Text("battery, %", "电池电量，%")),
    )
    body, clause = taken.data, "Minew"
    for at, (name, label) in enumerate(head[: len(body)]):
        value = body[at] if name == "battery" else f"{body[at]:02X}"
        taken.add(name, label, value, at, at + 1, clause)
    if len(body) > len(head):
        taken.add("content", Text("content", "内容"), body[len(head) :], len(head), len(body), clause)
    return _observed(protocol, taken, data, observe)


def dissect_blueup(data: bytes) -> Dissection:
    """The flags of a safety beacon."""
    taken = Parts(data, blueup.UUID, _SERVICE, _NUMBERS)
    if flags := taken.data[:1]:
        taken.add("flags", Text("flags", "标志"), flags[0], 0, 1, "BlueUp", _FLAGS(flags[0]))
    return _observed("blueup", taken, data, blueup.observe)


def dissect_battery(data: bytes) -> Dissection:
    """The level that some wearables advertise beside their own data."""
    taken = Parts(data, _BATTERY_SERVICE, _SERVICE, _NUMBERS)
    if level := taken.data[:1]:
        clause = "GATT Specification Supplement, Battery Level"
        taken.add("level", Text("level, %", "电量，%"), level[0], 0, 1, clause)
    return _observed("battery", taken, data, lambda body: observe_characteristic(_BATTERY_LEVEL, body))


def _observed(protocol: str, taken: Parts, data: bytes, observe: Callable[[bytes], Observation]) -> Dissection:
    try:
        taken.parts += said(observe(taken.data), len(data))
    except Refused as refusal:
        return verdict(protocol, data, taken.parts, refusal, taken.base)
    return verdict(protocol, data, taken.parts)
