"""The command `hw-sim`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

from hw_sim import fleet, running
from hw_sim.control import CommandError
from hw_sim.panels.models import PANELS

REALTIME = "run before all other processes, as hardware would (needs root) 实时调度(需要 root)"
REALTIME_PRIORITY = 10


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 ended as told, 1 refused or failed, 2 wrong arguments."""
    arguments = _parser().parse_args(argv)
    try:
        if getattr(arguments, "realtime", False):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REALTIME_PRIORITY))
        return int(arguments.run(arguments) or 0)
    except (OSError, ValueError, CommandError) as error:
        print(f"hw-sim: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hw-sim", description="Simulated hardware of a residential compound. 小区硬件模拟器。"
    )
    parser.add_argument("--version", action="version", version=version("hw-sim"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help_text: str, run: object) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        return command

    command = add(
        "meters",
        "One serial line with a meter of every model and relays. 一条串口线路:各型水表与继电器板。",
        running.meters,
    )
    _fleet_arguments(command)
    command.add_argument("--port", type=Path, help="answer on this real serial port 使用真实串口")
    command.add_argument("--baud", type=int, default=9600, help="line speed 波特率")

    command = add(
        "fleet", "A compound of units, or what a file describes. 整个小区的设备,或按文件描述。", running.fleet
    )
    _fleet_arguments(command)
    command.add_argument("file", nargs="?", type=Path, help="TOML or JSON description 描述文件")
    command.add_argument("--units", type=int, default=250, help="how many 数量")
    command.add_argument("--tcp", type=int, default=2, help="Modbus TCP endpoints 端点数")
    command.add_argument("--rtu-tcp", type=int, default=2, help="RTU over TCP endpoints 端点数")
    command.add_argument("--baud", type=int, default=9600, help="serial speed 波特率")
    command.add_argument("--model", action="append", choices=list(fleet.MODELS), help="only these models 仅用型号")

    command = add("line", "Two ptys joined by a paced line. 两个伪终端之间的限速线路。", running.line)
    command.add_argument("a", type=Path)
    command.add_argument("b", type=Path)
    command.add_argument("--baud", type=int, default=9600, help="line speed 波特率")
    command.add_argument("--bits", type=int, default=11, choices=(10, 11), help="bit-times a byte 每字节位数")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")
    command.add_argument("--realtime", action="store_true", help=REALTIME)

    command = add("panel", "A fire panel on a serial line or a socket. 串口或网络上的火灾报警控制器。", running.panel)
    command.add_argument("protocol", choices=list(PANELS))
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--path", type=Path, help="the pty appears here 伪终端路径")
    where.add_argument("--connect", metavar="HOST:PORT", help="connect to this server as a client 作为客户端连接")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("modem", "A GSM modem that takes text messages. 接收短信的 GSM 模块。", running.modem)
    command.add_argument("--path", type=Path, required=True, help="the pty appears here 伪终端路径")
    command.add_argument("--pin", help="PIN of the SIM card SIM 卡 PIN 码")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add(
        "bluetooth", "Wearables of residents on a simulated BlueZ. 模拟 BlueZ 上的住户穿戴设备。", running.bluetooth
    )
    command.add_argument("--folder", type=Path, help="where the bus and its tools appear 总线与工具目录")
    command.add_argument("--control", type=Path, help="control socket (default: FOLDER/control.sock) 控制套接字")
    command.add_argument("--residents", type=int, default=10, help="how many residents 住户数")
    command.add_argument("--crowd", type=int, default=0, help="that many buttons instead 改为若干按钮")
    command.add_argument("--adverts", type=float, default=2.0, help="adverts a second, each 每台每秒广播次数")
    command.add_argument("--beats", type=float, default=1.0, help="measurements a second, each 每台每秒测量次数")
    command.add_argument("--adapters", type=int, default=1, help="hci0, hci1, ... 适配器数量")
    command.add_argument("--forbidden", action="store_true", help="nobody may use Bluetooth 无蓝牙权限")
    command.add_argument("--version-of-stack", default="5.66", help="what bluetoothctl says 协议栈版本")

    command = add("proxy", "A Bluetooth proxy of ESPHome. ESPHome 蓝牙代理。", running.proxy)
    command.add_argument("--key", help="its key, base64 (default: a new one) 密钥")
    command.add_argument("--residents", type=int, default=3, help="how many residents 住户数")
    command.add_argument("--adverts", type=float, default=2.0, help="adverts a second, each 每台每秒广播次数")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("camera", "An ONVIF camera with RTSP. 带 RTSP 视频流的 ONVIF 摄像机。", running.camera)
    command.add_argument("--film", help="video file that it shows (default: a moving pattern) 播放的视频文件")
    command.add_argument("--login", choices=("token", "digest", "both"), default="token", help="kind of login 认证方式")
    command.add_argument("--user", default="gateway", help="ONVIF user 用户名")
    command.add_argument("--password", default="gateway-demo", help="password 密码")
    command.add_argument("--multicast", action="store_true", help="answer probes on port 3702 too 应答组播探测")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add(
        "lift", "A camera in a lift: things are wheeled in and out. 电梯轿厢摄像机:可推入、推出车辆。", running.lift
    )
    command.add_argument("--seed", type=int, default=1, help="which car and things 随机种子")
    command.add_argument(
        "--size", type=int, nargs=2, default=(640, 360), metavar=("WIDTH", "HEIGHT"), help="of its pictures 画面尺寸"
    )
    command.add_argument("--rate", type=float, default=25.0, help="pictures drawn a second 每秒绘制画面数")
    command.add_argument("--geometry", choices=("train", "test"), default="test", help="which set 几何集合")
    command.add_argument("--user", default="gateway", help="ONVIF user 用户名")
    command.add_argument("--password", default="gateway-demo", help="password 密码")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("centre", "A fire-control centre of GB/T 26875.3. 消防监控中心。", running.centre)
    command.add_argument("--address", type=int, default=1, help="its own address 中心地址")
    command.add_argument("--udp", action="store_true", help="UDP instead of TCP 使用 UDP")
    command.add_argument("--listen", type=int, default=0, help="port to listen on (default: a free one) 监听端口")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("throttle", "A TCP proxy that is a bad uplink. 模拟劣质上行链路的 TCP 代理。", running.throttle)
    command.add_argument("host")
    command.add_argument("port", type=int)
    command.add_argument("--listen", type=int, default=0, help="port to listen on (default: a free one) 监听端口")
    command.add_argument("--rate", type=float, default=1e6, help="bits a second each way, 0 is unlimited 每秒比特数")
    command.add_argument("--delay", type=float, default=0.0, help="milliseconds one way 单向延迟毫秒")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("fixed", "Modbus TCP answers as fast as one core can. 高速 Modbus TCP 应答,用于测量。", running.fixed)
    command.add_argument("--endpoints", type=int, default=200, help="ports 端口数")
    command.add_argument("--units", type=int, default=1, help="units a port 每端口设备数")
    command.add_argument("--registers", type=int, default=20, help="registers a unit 每设备寄存器数")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("ctl", "Send one command to a running simulator (try: help). 向运行中的模拟器发送命令。", running.ctl)
    command.add_argument("socket", type=Path)
    command.add_argument("words", nargs="+")
    return parser


def _fleet_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", type=Path, help="where ports and control socket appear 串口与控制套接字目录")
    command.add_argument("--control", type=Path, help="control socket (default: FOLDER/control.sock) 控制套接字")
    command.add_argument("--realtime", action="store_true", help=REALTIME)
    command.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second 时间倍率")
    command.add_argument("--start", type=float, help="simulated start, Unix seconds (default: now) 起始时间")
    command.add_argument("--served", type=Path, help="write every answer served to this JSON Lines file 应答记录文件")


if __name__ == "__main__":
    sys.exit(main())
