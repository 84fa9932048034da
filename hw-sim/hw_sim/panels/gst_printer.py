"""海湾 GST printer output: tickets in GB 18030."""

from __future__ import annotations

from hw_sim.panels.event import Event
from hw_sim.panels.panel import Panel, SerialSettings

WORDS = {
    "fire": "首次火警", "fault": "故障", "fault_end": "故障恢复", "isolate": "屏蔽", "release": "取消屏蔽",
    "start": "启动", "stop": "停止", "feedback": "反馈", "mains_fault": "主电故障", "mains_end": "主电恢复",
    "battery_fault": "备电故障", "battery_end": "备电恢复", "silence": "消音", "reset": "系统复位",
}  # fmt: skip
DEVICES = {"smoke": "感烟探测器", "heat": "感温探测器", "manual": "手动报警按钮", "module": "模块", "panel": "控制器"}


class GstPrinter(Panel):
    """One controller; the first fire is 首次火警, all that follow are 火警后续."""

    serial = SerialSettings(baud=2400)

    def __init__(self) -> None:
        super().__init__()
        self._burning = False

    def encode(self, event: Event) -> bytes:
        word = "火警后续" if event.kind == "fire" and self._burning else WORDS[event.kind]
        self._burning = event.kind == "fire" or (self._burning and event.kind != "reset")
        head = f"{event.at:%m/%d/%y  %H:%M}\n  {event.loop:03d}-{event.point:03d}\n".encode("ascii")
        lines = "\n".join((word, event.text or "未定义", DEVICES[event.detector])).encode("gb18030")
        return b"\x1b6" + head + b"\x1b9" + lines + b"\n\n"
