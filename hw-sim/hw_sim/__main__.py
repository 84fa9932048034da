"""The command `hw-sim`."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from hw_sim import fleet
from hw_sim.centre import Centre
from hw_sim.clock import SimClock
from hw_sim.commands import FleetCommands
from hw_sim.control import Client, Command, CommandError, ControlServer
from hw_sim.fixed import FixedServer
from hw_sim.modem import Modem
from hw_sim.panels.desk import Desk
from hw_sim.panels.models import PANELS
from hw_sim.served import Served
from hw_sim.throttle import Throttle

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
        "meters", "One serial line with a meter of every model and relays. 一条串口线路:各型水表与继电器板。", _meters
    )
    _fleet_arguments(command)
    command.add_argument("--port", type=Path, help="answer on this real serial port 使用真实串口")
    command.add_argument("--baud", type=int, default=9600, help="line speed 波特率")

    command = add("fleet", "A compound of units, or what a file describes. 整个小区的设备,或按文件描述。", _fleet)
    _fleet_arguments(command)
    command.add_argument("file", nargs="?", type=Path, help="TOML or JSON description 描述文件")
    command.add_argument("--units", type=int, default=250, help="how many 数量")
    command.add_argument("--tcp", type=int, default=2, help="Modbus TCP endpoints 端点数")
    command.add_argument("--rtu-tcp", type=int, default=2, help="RTU over TCP endpoints 端点数")
    command.add_argument("--baud", type=int, default=9600, help="serial speed 波特率")
    command.add_argument("--model", action="append", choices=list(fleet.MODELS), help="only these models 仅用型号")

    command = add("line", "Two ptys joined by a paced line. 两个伪终端之间的限速线路。", _line)
    command.add_argument("a", type=Path)
    command.add_argument("b", type=Path)
    command.add_argument("--baud", type=int, default=9600, help="line speed 波特率")
    command.add_argument("--bits", type=int, default=11, choices=(10, 11), help="bit-times a byte 每字节位数")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")
    command.add_argument("--realtime", action="store_true", help=REALTIME)

    command = add("panel", "A fire panel on a serial line or a socket. 串口或网络上的火灾报警控制器。", _panel)
    command.add_argument("protocol", choices=list(PANELS))
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--path", type=Path, help="the pty appears here 伪终端路径")
    where.add_argument("--connect", metavar="HOST:PORT", help="connect to this server as a client 作为客户端连接")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("modem", "A GSM modem that takes text messages. 接收短信的 GSM 模块。", _modem)
    command.add_argument("--path", type=Path, required=True, help="the pty appears here 伪终端路径")
    command.add_argument("--pin", help="PIN of the SIM card SIM 卡 PIN 码")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("bluetooth", "Wearables of residents on a simulated BlueZ. 模拟 BlueZ 上的住户穿戴设备。", _bluetooth)
    command.add_argument("--folder", type=Path, help="where the bus and its tools appear 总线与工具目录")
    command.add_argument("--control", type=Path, help="control socket (default: FOLDER/control.sock) 控制套接字")
    command.add_argument("--residents", type=int, default=10, help="how many residents 住户数")
    command.add_argument("--crowd", type=int, default=0, help="that many buttons instead 改为若干按钮")
    command.add_argument("--adverts", type=float, default=2.0, help="adverts a second, each 每台每秒广播次数")
    command.add_argument("--beats", type=float, default=1.0, help="measurements a second, each 每台每秒测量次数")
    command.add_argument("--adapters", type=int, default=1, help="hci0, hci1, ... 适配器数量")
    command.add_argument("--forbidden", action="store_true", help="nobody may use Bluetooth 无蓝牙权限")
    command.add_argument("--version-of-stack", default="5.66", help="what bluetoothctl says 协议栈版本")

    command = add("proxy", "A Bluetooth proxy of ESPHome. ESPHome 蓝牙代理。", _proxy)
    command.add_argument("--key", help="its key, base64 (default: a new one) 密钥")
    command.add_argument("--residents", type=int, default=3, help="how many residents 住户数")
    command.add_argument("--adverts", type=float, default=2.0, help="adverts a second, each 每台每秒广播次数")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("camera", "An ONVIF camera with RTSP. 带 RTSP 视频流的 ONVIF 摄像机。", _camera)
    command.add_argument("--film", help="video file that it shows (default: a moving pattern) 播放的视频文件")
    command.add_argument("--login", choices=("token", "digest", "both"), default="token", help="kind of login 认证方式")
    command.add_argument("--user", default="gateway", help="ONVIF user 用户名")
    command.add_argument("--password", default="gateway-demo", help="password 密码")
    command.add_argument("--multicast", action="store_true", help="answer probes on port 3702 too 应答组播探测")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("lift", "A camera in a lift: things are wheeled in and out. 电梯轿厢摄像机:可推入、推出车辆。", _lift)
    command.add_argument("--seed", type=int, default=1, help="which car and things 随机种子")
    command.add_argument(
        "--size", type=int, nargs=2, default=(640, 360), metavar=("WIDTH", "HEIGHT"), help="of its pictures 画面尺寸"
    )
    command.add_argument("--rate", type=float, default=25.0, help="pictures drawn a second 每秒绘制画面数")
    command.add_argument("--geometry", choices=("train", "test"), default="test", help="which set 几何集合")
    command.add_argument("--user", default="gateway", help="ONVIF user 用户名")
    command.add_argument("--password", default="gateway-demo", help="password 密码")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("centre", "A fire-control centre of GB/T 26875.3. 消防监控中心。", _centre)
    command.add_argument("--address", type=int, default=1, help="its own address 中心地址")
    command.add_argument("--udp", action="store_true", help="UDP instead of TCP 使用 UDP")
    command.add_argument("--listen", type=int, default=0, help="port to listen on (default: a free one) 监听端口")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("throttle", "A TCP proxy that is a bad uplink. 模拟劣质上行链路的 TCP 代理。", _throttle)
    command.add_argument("host")
    command.add_argument("port", type=int)
    command.add_argument("--listen", type=int, default=0, help="port to listen on (default: a free one) 监听端口")
    command.add_argument("--rate", type=float, default=1e6, help="bits a second each way, 0 is unlimited 每秒比特数")
    command.add_argument("--delay", type=float, default=0.0, help="milliseconds one way 单向延迟毫秒")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("fixed", "Modbus TCP answers as fast as one core can. 高速 Modbus TCP 应答,用于测量。", _fixed)
    command.add_argument("--endpoints", type=int, default=200, help="ports 端口数")
    command.add_argument("--units", type=int, default=1, help="units a port 每端口设备数")
    command.add_argument("--registers", type=int, default=20, help="registers a unit 每设备寄存器数")
    command.add_argument("--control", type=Path, help="control socket 控制套接字")

    command = add("ctl", "Send one command to a running simulator (try: help). 向运行中的模拟器发送命令。", _ctl)
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


def _meters(arguments: argparse.Namespace) -> None:
    spec = fleet.demo()
    spec.lines[0].baud = arguments.baud
    if arguments.port is not None:
        spec.lines[0].kind, spec.lines[0].path = "port", str(arguments.port)
    _run_fleet(spec, arguments)


def _fleet(arguments: argparse.Namespace) -> None:
    if arguments.file is not None:
        spec = fleet.load(arguments.file)
    else:
        models = tuple(arguments.model or fleet.METERS)
        spec = fleet.compound(
            arguments.units, tcp=arguments.tcp, rtu_tcp=arguments.rtu_tcp, baud=arguments.baud, models=models
        )
    _run_fleet(spec, arguments)


def _line(arguments: argparse.Namespace) -> None:
    line = fleet.LineSpec(
        "line", path=str(arguments.a), other=str(arguments.b), baud=arguments.baud, bits=arguments.bits, fifo=1
    )

    async def run(folder: Path) -> None:
        running = fleet.Fleet(fleet.Spec([line], []), folder)
        await running.open()
        await _serve(running, FleetCommands(running).table, running.describe(), arguments.control)

    with tempfile.TemporaryDirectory(prefix="hw-sim-") as folder:
        asyncio.run(run(Path(folder)))


def _run_fleet(spec: fleet.Spec, arguments: argparse.Namespace) -> None:
    async def run(folder: Path) -> None:
        clock = SimClock(arguments.start, arguments.speed)
        running = fleet.Fleet(spec, folder, clock=clock, served=Served(arguments.served))
        await running.open()
        control = arguments.control or folder / "control.sock"
        await _serve(running, FleetCommands(running).table, running.describe(), control)

    with tempfile.TemporaryDirectory(prefix="hw-sim-") as folder:
        place = arguments.folder or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(place))


def _panel(arguments: argparse.Namespace) -> None:
    host, _, port = (arguments.connect or "").rpartition(":")

    async def run() -> None:
        desk = Desk(PANELS[arguments.protocol](), path=arguments.path, address=(host, int(port)) if host else None)
        await desk.open()
        await _serve(desk, desk.table, desk.describe(), arguments.control)

    asyncio.run(run())


def _modem(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        modem = await Modem(arguments.path, pin=arguments.pin).open()
        await _serve(modem, modem.table, modem.describe(), arguments.control)

    asyncio.run(run())


def _bluetooth(arguments: argparse.Namespace) -> None:
    from hw_sim.bluez.residents import crowd, residents
    from hw_sim.bluez.room import Room

    async def run(folder: Path) -> None:
        wearables = crowd(arguments.crowd) if arguments.crowd else residents(arguments.residents)
        hz = {"adverts_hz": arguments.adverts, "beats_hz": arguments.beats}
        rights = {"adapters": arguments.adapters, "allowed": not arguments.forbidden}
        room = Room(folder, wearables, **hz, version=arguments.version_of_stack, **rights)
        await room.open()
        await _serve(room, room.table, room.describe(), arguments.control or folder / "control.sock")

    with tempfile.TemporaryDirectory(prefix="hw-sim-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(folder))


def _proxy(arguments: argparse.Namespace) -> None:
    from hw_sim.bluez.residents import residents
    from hw_sim.esphome import SimProxy

    async def run() -> None:
        key = base64.b64decode(arguments.key) if arguments.key else os.urandom(32)
        proxy = await SimProxy(residents(arguments.residents), key, adverts_hz=arguments.adverts).open()
        await _serve(proxy, proxy.table, proxy.describe(), arguments.control)

    asyncio.run(run())


def _camera(arguments: argparse.Namespace) -> None:
    from hw_sim.camera.camera import SimCamera
    from hw_sim.camera.desk import CameraDesk
    from hw_sim.camera.discovery import PORT
    from hw_sim.camera.film import from_file, moving_pattern

    async def run() -> None:
        source = from_file(arguments.film, 640, 360) if arguments.film else moving_pattern
        login = {"source": source, "live": arguments.film is not None, "login": arguments.login}
        camera = SimCamera(arguments.user, arguments.password, **login)
        await camera.open(
            discovery=True, multicast=arguments.multicast, discovery_port=PORT if arguments.multicast else 0
        )
        desk = CameraDesk(camera)
        await _serve(desk, desk.table, desk.describe(), arguments.control)

    asyncio.run(run())


def _lift(arguments: argparse.Namespace) -> None:
    from hw_sim.camera.camera import SimCamera
    from hw_sim.camera.desk import CameraDesk
    from hw_sim.camera.media import Profile
    from hw_sim.lift.live import LiveLift

    async def run() -> None:
        width, height = arguments.size
        lift = LiveLift(arguments.seed, geometry=arguments.geometry, width=width, height=height, rate_hz=arguments.rate)
        profiles = (Profile("main", width, height), Profile("sub", width, height))
        camera = SimCamera(arguments.user, arguments.password, source=lift.picture, live=True, profiles=profiles)
        await camera.open(discovery=True)
        desk = CameraDesk(camera)
        await _serve(desk, {**desk.table, **lift.table}, desk.describe(), arguments.control)

    asyncio.run(run())


def _centre(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        centre = await Centre(arguments.address).open(udp=arguments.udp, port=arguments.listen)
        await _serve(centre, centre.table, centre.describe(), arguments.control)

    asyncio.run(run())


def _throttle(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        proxy = Throttle(arguments.host, arguments.port, rate_bps=arguments.rate, delay_s=arguments.delay / 1000)
        await proxy.open(arguments.listen)
        await _serve(proxy, proxy.table(), {"host": "127.0.0.1", "port": proxy.port}, arguments.control)

    asyncio.run(run())


def _fixed(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        server = FixedServer(endpoints=arguments.endpoints, units=arguments.units, registers=arguments.registers)
        await server.open()
        await _serve(server, server.table(), server.describe(), arguments.control)

    asyncio.run(run())


def _ctl(arguments: argparse.Namespace) -> None:
    client = Client(arguments.socket)
    print(json.dumps(client(" ".join(arguments.words)), ensure_ascii=False, indent=1))
    client.close()


class Simulator(Protocol):
    """What every command runs."""

    stopped: asyncio.Event

    async def close(self) -> None: ...


async def _serve(
    simulator: Simulator, table: Mapping[str, Command], ready: Mapping[str, Any], control: Path | None
) -> None:
    """Tells that the simulator is ready, one line of JSON on stdout; serves commands until it is told to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, simulator.stopped.set)
    server = None if control is None else await ControlServer(table, control).open()
    try:
        print(json.dumps({"ready": True, "control": None if control is None else str(control), **ready}), flush=True)
        await simulator.stopped.wait()
    finally:
        if server is not None:
            await server.close()
        await simulator.close()


if __name__ == "__main__":
    sys.exit(main())
