"""What can be wrong with a Modbus device, and what to do about it; and what each exception code means for us.

Exception codes: MODBUS Application Protocol V1.1b3, 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from courtyard.drivers.base import Fault, Text
from courtyard.drivers.modbus.link import EMPTY, Failure

Policy = Literal["split", "configuration", "next_cycle", "wait", "silence"]
"""split: some registers of the request do not exist, or it is too long; configuration: never retried in a cycle;
next_cycle: the device's trouble, asked again at the next poll; wait: asked again after a second or more;
silence: a gateway says that the unit does not answer."""


class Refusal(NamedTuple):
    """An exception code."""

    name: Text
    policy: Policy
    fault: str
    cure: Text = Text("", "")
    """Where the fault's own text leaves it to the exception."""


_FUNCTION = Text(
    "Set `function` of these points in the profile to what the meter's manual says: mostly 3, else 4.",
    "请按仪表说明书更正设备模板中这些测点的 function：多为 3，否则为 4。",
)
_ADDRESS = Text(
    "Correct the address of these points in the profile; it counts from 0, so a manual's 40001 or register 1 is 0.",
    "请更正设备模板中这些测点的地址；地址从 0 开始，说明书中的 40001 或寄存器 1 应写 0。",
)
_QUANTITY = Text(
    "Lower `max_registers` in the profile to what the meter's manual allows; of a write, correct the value.",
    "请按仪表说明书减小设备模板中的 max_registers；若为写入，请更正写入值。",
)
REFUSALS: dict[int, Refusal] = {
    EMPTY: Refusal(Text("answer without data", "应答无数据"), "split", "device.refused", _ADDRESS),
    0x01: Refusal(Text("illegal function", "非法功能码"), "configuration", "device.refused", _FUNCTION),
    0x02: Refusal(Text("illegal data address", "非法数据地址"), "split", "device.refused", _ADDRESS),
    0x03: Refusal(Text("illegal data value", "非法数据值"), "split", "device.refused", _QUANTITY),
    0x04: Refusal(Text("device failure", "从站设备故障"), "next_cycle", "device.failure"),
    0x05: Refusal(Text("acknowledge, still working", "确认，正在处理"), "wait", "device.busy"),
    0x06: Refusal(Text("device busy", "从站设备忙"), "wait", "device.busy"),
    0x08: Refusal(Text("memory parity error", "存储奇偶校验错误"), "next_cycle", "device.memory"),
    0x0A: Refusal(Text("gateway path unavailable", "网关路径不可用"), "silence", "device.gateway.path"),
    0x0B: Refusal(Text("gateway target does not respond", "网关目标设备无响应"), "silence", "device.gateway.silent"),
}
UNKNOWN_REFUSAL = Refusal(Text("unknown exception", "未知异常码"), "next_cycle", "device.failure")

FAILURE_FAULTS: dict[Failure, str] = {
    "silent": "device.silent",
    "garbled": "device.garbled",
    "mismatch": "device.mismatch",
    "doubtful": "device.late",
    "echo": "device.echo",
    "babble": "device.babble",
}

_WIRING = (
    "Check power, the two wires (A and B may be crossed), termination, address, speed and parity.",
    "请检查电源、A/B 两线是否接反、终端电阻、地址、波特率和校验位。",
)
_TEXTS: dict[str, tuple[str, str, str, str]] = {
    "device.silent": ("Unit {unit} does not answer.", "从站 {unit} 无应答。", *_WIRING),
    "device.late": (
        "Unit {unit} answers later than {timeout_s:g} s.",
        "从站 {unit} 的应答晚于 {timeout_s:g} 秒。",
        "Set a longer `timeout` in its profile.",
        "请在设备模板中增大 timeout。",
    ),
    "device.garbled": (
        "What comes from unit {unit} is damaged.",
        "从站 {unit} 的应答数据损坏。",
        "Check termination, earthing and cable; two units may have the same address; check speed and parity.",
        "请检查终端电阻、接地和线缆；检查是否有重复地址；检查波特率和校验位。",
    ),
    "device.mismatch": (
        "Unit {unit} answers another question than was asked.",
        "从站 {unit} 的应答与请求不符。",
        "Lower `max_registers` in its profile; check that no other master is on the line.",
        "请在设备模板中减小 max_registers；并确认线路上没有其他主站。",
    ),
    "device.echo": (
        "The adapter of unit {unit} does not echo what it sends.",
        "从站 {unit} 所在的转换器没有回显。",
        "Set `echo = false` on the line.",
        "请将线路设置改为 echo = false。",
    ),
    "device.babble": (
        "The line of unit {unit} is never quiet.",
        "从站 {unit} 所在的线路一直有数据，无法空闲。",
        "Another master or a broken device sends all the time: disconnect devices one by one.",
        "可能有其他主站或故障设备在持续发送：请逐个断开设备排查。",
    ),
    "device.line": (
        "The line of unit {unit} is down: {what}",
        "从站 {unit} 所在的线路不可用：{what_zh}",
        "{cure}",
        "{cure_zh}",
    ),
    "device.refused": (
        "Unit {unit} refuses {points}: {reason} (exception {code}).",
        "从站 {unit} 拒绝访问 {points}：{reason_zh}（异常码 {code}）。",
        "{cure}",
        "{cure_zh}",
    ),
    "device.failure": (
        "Unit {unit} reports: {reason} (exception {code}).",
        "从站 {unit} 报告：{reason_zh}（异常码 {code}）。",
        "See the display of the device; switch it off and on if it stays so.",
        "请查看设备显示；若持续出现，请断电重启设备。",
    ),
    "device.memory": (
        "Unit {unit} reports a memory parity error.",
        "从站 {unit} 报告存储奇偶校验错误。",
        "The device is defective: have it repaired or replaced.",
        "设备已损坏：请维修或更换。",
    ),
    "device.busy": (
        "Unit {unit} stays busy (exception {code}).",
        "从站 {unit} 持续忙碌（异常码 {code}）。",
        "Poll it less often (`every`).",
        "请降低轮询频率（every）。",
    ),
    "device.gateway.path": (
        "The gateway has no path to unit {unit}.",
        "网关没有通往从站 {unit} 的路径。",
        "Correct the routing in the Modbus gateway, or the address.",
        "请更正 Modbus 网关的路由设置或设备地址。",
    ),
    "device.gateway.silent": ("Unit {unit} does not answer its gateway.", "从站 {unit} 未应答其网关。", *_WIRING),
    "device.profile": (
        "The profile cannot be used: {reason}.",
        "设备模板不可用：{reason}。",
        "Correct the profile.",
        "请更正设备模板。",
    ),
    "device.address": (
        "Unit address {unit} does not exist on this line.",
        "该线路上不存在从站地址 {unit}。",
        "Use 1 to 247 on a serial line, 0 to 255 on Modbus TCP.",
        "串行线路请使用 1 到 247，Modbus TCP 请使用 0 到 255。",
    ),
    "device.unknown": (
        "There is no device {device} on this line.",
        "该线路上没有设备 {device}。",
        "Name a device of this line.",
        "请指定该线路上的设备。",
    ),
    "device.write.unknown": (
        "{device} has nothing writeable called {target}.",
        "{device} 没有名为 {target} 的可写对象。",
        "The profile lists what may be written: {known}.",
        "设备模板允许写入：{known}。",
    ),
    "device.write.value": (
        "{value} may not be written to {target} of {device}: {low} to {high} is allowed.",
        "{device} 的 {target} 不允许写入 {value}：允许范围 {low} 到 {high}。",
        "Write a value within the limits.",
        "请写入允许范围内的值。",
    ),
    "device.write.unconfirmed": (
        "{target} of {device} reads back as {found} instead of {value}.",
        "{device} 的 {target} 回读值为 {found}，应为 {value}。",
        "Look at the device; a local switch or a stuck valve may keep it.",
        "请查看设备；可能被本地开关控制或阀门卡住。",
    ),
    "line.silent": (
        "No unit on this line answers.",
        "该线路上没有任何从站应答。",
        *_WIRING,
    ),
}


def device_fault(code: str, /, **details: object) -> Fault:
    """The fault of that code with its details filled in."""
    what, what_zh, cure, cure_zh = (text.format(**details) for text in _TEXTS[code])
    return Fault(code, Text(what, what_zh), Text(cure, cure_zh))


def refusal(code: int) -> Refusal:
    """What an exception code means."""
    return REFUSALS.get(code, UNKNOWN_REFUSAL)


def refused_fault(unit: int, code: int, points: Sequence[str] = ()) -> Fault:
    """A device that answers with an exception."""
    meaning = refusal(code)
    return device_fault(
        meaning.fault,
        unit=unit,
        code=f"{code:02X}",
        reason=meaning.name.en,
        reason_zh=meaning.name.zh,
        cure=meaning.cure.en,
        cure_zh=meaning.cure.zh,
        points=", ".join(points),
    )


def line_down_fault(unit: int, fault: Fault) -> Fault:
    """A device whose line is down."""
    what, cure = fault.what, fault.cure
    return device_fault("device.line", unit=unit, what=what.en, what_zh=what.zh, cure=cure.en, cure_zh=cure.zh)
