"""What a person can do to the demo, and what is then to be seen."""

from __future__ import annotations

from typing import Literal, NamedTuple

from courtyard.agent.demo import car, compound, house
from courtyard.drivers.base import Text

Stage = Literal["kill_agent", "stop_broker", "start_broker", "answer", "quit"]


class Unknown(Exception):
    """Nobody can do this."""


class Action(NamedTuple):
    """One thing to type: commands to the simulated meters, fire panel, Bluetooth stack or lift, or something done to
    a process or by the platform."""

    showing: Text
    simulator: str | None = None
    panel: str | None = None
    bluetooth: tuple[str, ...] = ()
    lift: str | None = None
    stage: Stage | None = None


FIRST = compound.UNITS[0].id
STARTING = Text("Starting.", "正在启动。")
STEADY = Text(
    "Meters are polled on a serial line, by Modbus TCP and through a serial server; a fire panel and the wearables of "
    "residents are listened to, a lift is looked at. Below is what the platform got.",
    "正在通过串口、Modbus TCP 和串口服务器轮询水表，监听消防控制器和住户的穿戴设备，并识别电梯画面；"
    "下面是平台实际收到的数据。",
)
ACTIONS = {
    "unplug meters": Action(
        Text(
            "The RS-485 adapter is pulled: its meters fall silent, alarms rise, the siren relay closes; others go on.",
            "RS-485 适配器被拔掉：其上的水表无应答，产生报警，警号继电器吸合；其余设备照常。",
        ),
        simulator=f"unplug {compound.SERIAL}",
    ),
    "plug meters": Action(
        Text(
            "The adapter is back: the meters recover by themselves and the alarms return.",
            "适配器已插回：水表自动恢复，报警解除。",
        ),
        simulator=f"replug {compound.SERIAL}",
    ),
    "fire": Action(
        Text(
            "A smoke detector fires: the panel's frame is on disk before anything else, and first in every queue.",
            "感烟探测器报警：控制器的报文先写入磁盘，并优先于一切其他数据发送。",
        ),
        panel="event fire 6 12 smoke",
    ),
    "cable panel": Action(
        Text(
            "The cable of the fire panel is out: that silence is an alarm of its own, and no fire is taken back.",
            "消防控制器线缆断开：失联本身即产生报警，已有火警不会被解除。",
        ),
        panel="unplug",
    ),
    "plug panel": Action(
        Text(
            "The cable is in again: the link's alarms return; the fire stays until the panel or an operator ends it.",
            "线缆已接回：通信报警恢复；火警保持，直到控制器或操作员解除。",
        ),
        panel="replug",
    ),
    "answer": Action(
        Text(
            "The platform acknowledges what calls for help: the button buzzes, so that its wearer knows.",
            "平台确认求助报警：按钮随即振动，让求助者知道已有人受理。",
        ),
        stage="answer",
    ),
    **{name: Action(showing, lift=command) for name, (command, showing) in car.DEEDS.items()},
    "ble off": Action(
        Text(
            "The Bluetooth stack is killed: that is said at once, and everything else goes on.",
            "蓝牙协议栈被强制终止：立即报告，其余一切照常。",
        ),
        bluetooth=("stack crash",),
    ),
    "ble on": Action(
        Text(
            "The Bluetooth stack is back: every wearable is heard again without any help.",
            "蓝牙协议栈已恢复：所有穿戴设备自动重新收听。",
        ),
        bluetooth=("stack start",),
    ),
    "stop broker": Action(
        Text(
            "The platform is gone: every record is kept on disk until it is back; nothing is lost.",
            "平台已断开：所有记录保存在磁盘上，等待恢复；不会丢失。",
        ),
        stage="stop_broker",
    ),
    "start broker": Action(
        Text(
            "The platform is back: alarms first, then live readings, while the backlog drains.",
            "平台已恢复：先发报警，再发实时数据，同时补发积压数据。",
        ),
        stage="start_broker",
    ),
    "kill agent": Action(
        Text(
            "The gateway is killed (kill -9) and comes back, as after a power cut: numbering goes on without a hole.",
            "网关进程被强制终止（kill -9）后重新启动，如同断电：记录编号连续无缺口。",
        ),
        stage="kill_agent",
    ),
    "break meter": Action(
        Text(
            f"The meter {FIRST} stops answering: it costs its neighbours nothing.",
            f"水表 {FIRST} 停止应答：不影响同线路的其他水表。",
        ),
        simulator=f"fault {FIRST} dead",
    ),
    "mend meter": Action(
        Text(f"The meter {FIRST} answers again.", f"水表 {FIRST} 恢复应答。"), simulator=f"heal {FIRST}"
    ),
    "reverse flow": Action(
        Text(f"Water runs backwards through {FIRST}.", f"{FIRST} 出现倒流。"),
        simulator=f"device {FIRST} reverse 300",
    ),
    "quit": Action(Text("Ending.", "正在结束。"), stage="quit"),
}


def action_of(line: str) -> Action:
    """What a line asks for: an action by its name, or the deed of a resident (`sos r-1`).  Raises Unknown."""
    if line in ACTIONS:
        return ACTIONS[line]
    verb, _, name = line.partition(" ")
    resident = next((each for each in house.RESIDENTS if each.id == name.strip()), None)
    if verb not in house.DEEDS or resident is None:
        raise Unknown(line)
    deed = house.DEEDS[verb]
    showing = Text(deed.en.format(name=resident.id), deed.zh.format(name=resident.id))
    return Action(showing, bluetooth=house.commands(verb, resident))
