"""What can be wrong between the gateway and a fire panel, and what to do about it."""

from __future__ import annotations

from courtyard.drivers.base import Fault, Text

_WIRING = (
    "Check the cable, its two wires and the plug; check speed, parity and stop bits against the panel's menu.",
    "请检查线缆、接线和插头；并核对波特率、校验位和停止位与控制器设置是否一致。",
)
_TEXTS: dict[str, tuple[str, str, str, str]] = {
    "link_lost": (
        "The link to the fire panel is lost.",
        "与消防控制器的通信线路中断。",
        "Check the line's own fault first: adapter, cable, network, power of the panel.",
        "请先查看线路故障：转换器、线缆、网络及控制器电源。",
    ),
    "panel_silent": ("The fire panel does not answer polls.", "消防控制器对轮询无应答。", *_WIRING),
    "poll_missing": (
        "The fire panel does not poll this gateway.",
        "消防控制器未轮询本网关。",
        "Switch the panel's CRT or pager output on and give it this gateway's address; check cable and speed.",
        "请在控制器中启用 CRT 或寻呼输出并设置本网关地址；检查线缆和波特率。",
    ),
    "heartbeat_missing": (
        "No sign of life from the fire panel.",
        "未收到消防控制器的心跳。",
        "Check power and cable of the panel or transmission device, and the address that it reports to.",
        "请检查控制器或传输装置的电源和线缆，以及其上报的目的地址。",
    ),
    "line_quality": ("What comes from the fire panel is damaged.", "消防控制器的数据连续出错。", *_WIRING),
    "other_host": (
        "Another host polls this fire panel; the gateway only listens.",
        "另有主机正在轮询该控制器；本网关只监听。",
        "Set `speak = false`, or disconnect the other host.",
        "请设置 speak = false，或断开另一台主机。",
    ),
    "overflow": (
        "The fire panel says more than the disk can take.",
        "消防控制器上报过快，磁盘来不及保存。",
        "Look at the health of the disk; panels that await an acknowledgement repeat what was not taken.",
        "请检查磁盘状态；需要应答的控制器会重发未保存的事件。",
    ),
    "unknown_device": (
        "A transmission device that is not in the site reports here: address {address}.",
        "有未登记的用户信息传输装置上报，地址 {address}。",
        "Add it to the site; until then its alarms are kept under the name of the line.",
        "请将其加入站点配置；在此之前其报警以线路名称记录。",
    ),
    "ask.unknown": (
        "{device} is no transmission device of this line.",
        "{device} 不是该线路上的用户信息传输装置。",
        "Name a transmission device of this line.",
        "请指定该线路上的用户信息传输装置。",
    ),
    "ask.absent": (
        "{device} is not connected.",
        "{device} 未连接。",
        "Try again when it reports.",
        "请在其恢复上报后重试。",
    ),
    "ask.silent": (
        "{device} does not answer, three times 10 s.",
        "{device} 三次询问（每次10秒）均无应答。",
        "Check the link; not every transmission device knows this question.",
        "请检查通信；并非所有传输装置都支持此询问。",
    ),
    "ask.denied": (
        "{device} refuses.",
        "{device} 拒绝。",
        "The transmission device does not know this question, or may not answer it.",
        "该传输装置不支持或不允许此操作。",
    ),
    "stale": (
        "The connection carries nothing any more.",
        "连接已无任何数据。",
        "It is made anew by itself.",
        "会自动重新连接。",
    ),
}


def panel_fault(code: str, /, **details: object) -> Fault:
    """The fault of that code with its details filled in; its full code is `panel.<code>`."""
    what, what_zh, cure, cure_zh = (text.format(**details) for text in _TEXTS[code])
    return Fault(f"panel.{code}", Text(what, what_zh), Text(cure, cure_zh))
