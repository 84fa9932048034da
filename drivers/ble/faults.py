"""What can be wrong with a Bluetooth adapter or a wearable, and the cure."""

from __future__ import annotations

from collections.abc import Mapping

from courtyard.drivers.base import Fault, Text

_ADAPTER: Mapping[str, tuple[Text, Text]] = {
    "no_bus": (
        Text("The system's D-Bus cannot be reached.", "无法连接系统 D-Bus。"),
        Text("Start it: sudo systemctl start dbus", "请启动：sudo systemctl start dbus"),
    ),
    "no_stack": (
        Text("Bluetooth is not running (bluetoothd).", "蓝牙服务（bluetoothd）未运行。"),
        Text(
            "Install the package bluez and run: sudo systemctl enable --now bluetooth",
            "请安装 bluez 软件包并运行：sudo systemctl enable --now bluetooth",
        ),
    ),
    "no_adapter": (
        Text("There is no Bluetooth adapter {adapter}.", "没有蓝牙适配器 {adapter}。"),
        Text(
            "Plug it in, or name another one in the line's adapter setting (bluetoothctl list shows them).",
            "请插好适配器，或在线路的 adapter 中改用其他适配器（bluetoothctl list 可查看）。",
        ),
    ),
    "rfkill": (
        Text("The Bluetooth adapter {adapter} is blocked.", "蓝牙适配器 {adapter} 已被禁用。"),
        Text(
            "Run: sudo rfkill unblock bluetooth (or use the switch of the box).",
            "请运行：sudo rfkill unblock bluetooth（或打开设备上的无线开关）。",
        ),
    ),
    "no_permission": (
        Text("The service may not use Bluetooth.", "服务没有使用蓝牙的权限。"),
        Text(
            "Add its user to the group bluetooth: sudo usermod -aG bluetooth courtyard, then restart it.",
            "请将其用户加入 bluetooth 组：sudo usermod -aG bluetooth courtyard，然后重启服务。",
        ),
    ),
    "bluez_old": (
        Text("The Bluetooth software (BlueZ) is older than 5.55.", "蓝牙软件（BlueZ）版本低于 5.55。"),
        Text("Upgrade the package bluez.", "请升级 bluez 软件包。"),
    ),
    "powered_off": (
        Text("The Bluetooth adapter {adapter} does not switch on.", "蓝牙适配器 {adapter} 无法开启。"),
        Text("Unplug it and plug it in again, or restart the box.", "请重新插拔适配器，或重启网关。"),
    ),
    "in_use": (
        Text("Another program uses the adapter {adapter}.", "其他程序正在使用适配器 {adapter}。"),
        Text(
            "End the other program (bluetoothctl, a desktop, another gateway); an adapter has one owner.",
            "请关闭其他程序（bluetoothctl、桌面环境或其他网关）；一个适配器只能有一个使用者。",
        ),
    ),
    "failed": (
        Text("The adapter {adapter} does not scan: {reason}.", "适配器 {adapter} 无法扫描：{reason}。"),
        Text("Restart Bluetooth: sudo systemctl restart bluetooth", "请重启蓝牙：sudo systemctl restart bluetooth"),
    ),
    "lost": (
        Text("The Bluetooth service has gone away.", "蓝牙服务已中断。"),
        Text("Nothing to do: the gateway waits for it.", "无需处理，网关会自动恢复。"),
    ),
    "deaf": (
        Text(
            "The adapter {adapter} hears nothing at all, even after it was switched off and on.",
            "适配器 {adapter} 关闭再开启后仍收不到任何信号。",
        ),
        Text(
            "Move it away from metal and USB 3 ports (use a cable), or replace it.",
            "请让适配器远离金属和 USB 3 接口（使用延长线），或更换适配器。",
        ),
    ),
    "proxy_unreachable": (
        Text("The Bluetooth proxy {adapter} does not answer.", "蓝牙代理 {adapter} 没有应答。"),
        Text(
            "Check its power, its network and host and port in the site file.",
            "请检查其电源、网络，以及站点文件中的 host 和 port。",
        ),
    ),
    "proxy_key": (
        Text("The Bluetooth proxy {adapter} and its key do not fit.", "蓝牙代理 {adapter} 与其密钥不符。"),
        Text(
            "Put the key of `api: encryption:` in its ESPHome configuration into its key file.",
            "请将其 ESPHome 配置中 api: encryption: 的 key 写入密钥文件。",
        ),
    ),
    "proxy_lost": (
        Text("The connection to the Bluetooth proxy {adapter} was lost.", "与蓝牙代理 {adapter} 的连接中断。"),
        Text("Nothing to do: the gateway tries again.", "无需处理，网关会自动重连。"),
    ),
}
_DEVICE: Mapping[str, tuple[Text, Text]] = {
    "silent": (
        Text("{device} has not been heard for {seconds} s.", "{device} 已 {seconds} 秒没有信号。"),
        Text(
            "Look for it: out of range, taken off the premises, or its battery is empty.",
            "请查找设备：可能超出范围、被带离或电量耗尽。",
        ),
    ),
    "no_connection": (
        Text("{device} is heard but does not accept a connection.", "能收到 {device} 的信号，但无法连接。"),
        Text(
            "Disconnect it from phones, bring it closer, or switch it off and on.",
            "请断开它与手机的连接、靠近网关，或重启设备。",
        ),
    ),
    "not_paired": (
        Text("{device} is not paired: it does not speak to this gateway.", "{device} 未配对，不与本网关通信。"),
        Text(
            "Stand beside it and run: sudo courtyard pair {device}",
            "请在设备旁运行：sudo courtyard pair {device}",
        ),
    ),
    "pair_unheard": (
        Text("{device} was not heard.", "未收到 {device} 的信号。"),
        Text(
            "Switch it on, put it into its pairing mode and bring it closer.",
            "请打开设备、让其进入配对模式，并靠近网关。",
        ),
    ),
    "pair_refused": (
        Text("{device} refused to pair, or the passkey was wrong.", "{device} 拒绝配对，或配对码错误。"),
        Text(
            "Put it into its pairing mode, remove it from phones, and run the command again.",
            "请让设备进入配对模式，删除手机上的配对，然后重新运行该命令。",
        ),
    ),
    "pair_given_up": (
        Text("The pairing with {device} was given up.", "与 {device} 的配对已取消。"),
        Text(
            "Put it into its pairing mode, remove it from phones, and run the command again.",
            "请让设备进入配对模式，删除手机上的配对，然后重新运行该命令。",
        ),
    ),
    "pair_timeout": (
        Text("{device} did not answer in time.", "{device} 未在限定时间内应答。"),
        Text(
            "Put it into its pairing mode, remove it from phones, and run the command again.",
            "请让设备进入配对模式，删除手机上的配对，然后重新运行该命令。",
        ),
    ),
    "pair_lost": (
        Text("The connection to {device} was lost while pairing.", "配对过程中与 {device} 的连接中断。"),
        Text(
            "Put it into its pairing mode, remove it from phones, and run the command again.",
            "请让设备进入配对模式，删除手机上的配对，然后重新运行该命令。",
        ),
    ),
    "pair_busy": (
        Text("Another device is being paired.", "正在配对另一台设备。"),
        Text("Wait until that has ended, at most a few minutes.", "请等待其结束，最多几分钟。"),
    ),
    "alert_missing": (
        Text(
            "{device} has no Immediate Alert (1802): it cannot buzz.",
            "{device} 没有 Immediate Alert（1802）服务，无法振动。",
        ),
        Text(
            "Give it a profile without `alerts`, or another device.",
            "请为其选用不含 alerts 的设备类型，或更换设备。",
        ),
    ),
    "alert_unheard": (
        Text(
            "{device} was not heard, so it could not be told of the answer.", "未收到 {device} 的信号，无法通知佩戴者。"
        ),
        Text("Go there: nobody has told the wearer that help comes.", "请前往现场：佩戴者尚不知道求助已被受理。"),
    ),
    "alert_unanswered": (
        Text("{device} did not take the answer to its call.", "{device} 未接受对其求助的应答。"),
        Text("Go there: nobody has told the wearer that help comes.", "请前往现场：佩戴者尚不知道求助已被受理。"),
    ),
    "key": (
        Text("The key of {device} does not fit what it sends.", "{device} 的密钥与其发送的数据不符。"),
        Text(
            "Put the right key (32 hexadecimal digits) into its key file; after a factory reset it has a new one.",
            "请在密钥文件中填写正确的密钥（32 位十六进制数）；恢复出厂后密钥会改变。",
        ),
    ),
}


def adapter_fault(code: str, adapter: str = "", reason: str = "") -> Fault:
    """A fault of a line: `ble.CODE`."""
    return _filled(f"ble.{code}", *_ADAPTER[code], {"adapter": adapter, "reason": reason})


def others_go_on(fault: Fault) -> Fault:
    """The fault of one adapter of several."""
    what = Text(
        f"{fault.what.en} The other adapters of the line go on.", f"{fault.what.zh}该线路的其他适配器仍在工作。"
    )
    return Fault(fault.code, what, fault.cure)


def wearable_fault(code: str, device: str, seconds: float = 0) -> Fault:
    """A fault of one device: `device.CODE`."""
    return _filled(f"device.{code}", *_DEVICE[code], {"device": device, "seconds": f"{seconds:.0f}"})


def _filled(code: str, what: Text, cure: Text, words: Mapping[str, str]) -> Fault:
    return Fault(code, _with(what, words), _with(cure, words))


def _with(text: Text, words: Mapping[str, str]) -> Text:
    return Text(text.en.format(**words), text.zh.format(**words))
