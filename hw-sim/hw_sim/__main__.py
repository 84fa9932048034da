"""The command `hw-sim`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from hw_sim import fleet
from hw_sim.clock import SimClock
from hw_sim.control import Client, CommandError, Commands, ControlServer
from hw_sim.line import Line
from hw_sim.served import Served


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 ended as told, 1 refused or failed, 2 wrong arguments."""
    arguments = _parser().parse_args(argv)
    try:
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

    for name, text in (
        ("meters", "One serial line with a meter of every model and a relay board. 一条串口线路:各型水表与继电器板。"),
        ("fleet", "A compound of units on serial lines and TCP, or what a file describes. 整个小区,或按文件描述。"),
    ):
        command = add(name, text, _run_fleet)
        command.set_defaults(preset=name)
        command.add_argument(
            "--folder", type=Path, help="where serial ports and the control socket appear 串口与控制套接字目录"
        )
        command.add_argument("--control", type=Path, help="control socket (default: FOLDER/control.sock) 控制套接字")
        command.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second 时间倍率")
        command.add_argument("--start", type=float, help="simulated start, Unix seconds (default: now) 起始时间")
        command.add_argument(
            "--served", type=Path, help="write every answer served to this JSON Lines file 应答记录文件"
        )
        if name == "fleet":
            command.add_argument("file", nargs="?", type=Path, help="TOML or JSON description 描述文件")
            command.add_argument("--units", type=int, default=250, help="how many 数量")
            command.add_argument("--tcp", type=int, default=2, help="Modbus TCP endpoints 端点数")
            command.add_argument("--rtu-tcp", type=int, default=2, help="RTU over TCP endpoints 端点数")
            command.add_argument("--baud", type=int, default=9600, help="serial speed 波特率")
            command.add_argument(
                "--model", action="append", choices=list(fleet.MODELS), help="only these models 仅用型号"
            )

    command = add("line", "Two ptys joined by a paced line; commands on stdin. 两个伪终端之间的限速线路。", _run_line)
    command.add_argument("a", type=Path)
    command.add_argument("b", type=Path)
    command.add_argument("--baud", type=int, default=9600)
    command.add_argument("--bits", type=int, default=11, choices=(10, 11), help="bit-times a byte 每字节位数")

    command = add("ctl", "Send one command to a running simulator (try: help). 向运行中的模拟器发送命令。", _run_ctl)
    command.add_argument("socket", type=Path)
    command.add_argument("words", nargs="+")
    return parser


async def _until_told(stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def _run_fleet(arguments: argparse.Namespace) -> None:
    if arguments.preset == "meters":
        spec = fleet.demo()
    elif arguments.file is not None:
        spec = fleet.load(arguments.file)
    else:
        spec = fleet.compound(
            arguments.units,
            tcp=arguments.tcp,
            rtu_tcp=arguments.rtu_tcp,
            baud=arguments.baud,
            models=tuple(arguments.model or fleet.METERS),
        )

    async def run(folder: Path) -> None:
        served = Served(arguments.served)
        running = fleet.Fleet(spec, folder, clock=SimClock(arguments.start, arguments.speed), served=served)
        await running.open()
        control = await ControlServer(Commands(running).run, arguments.control or folder / "control.sock").open()
        print(json.dumps({"ready": True, "control": str(control.path)} | running.describe()), flush=True)
        try:
            await _until_told(running.stopped)
        finally:
            await control.close()
            await running.close()

    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(arguments.folder))
    else:
        with tempfile.TemporaryDirectory(prefix="hw-sim-") as folder:
            asyncio.run(run(Path(folder)))


def _run_line(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        line = Line(arguments.a, arguments.b, baud=arguments.baud, bits=arguments.bits).open()
        print(json.dumps({"ready": True, "a": str(arguments.a), "b": str(arguments.b)}), flush=True)
        stopped = asyncio.Event()
        try:
            await _until_told(stopped)
        finally:
            line.close()

    asyncio.run(run())


def _run_ctl(arguments: argparse.Namespace) -> None:
    client = Client(arguments.socket)
    print(json.dumps(client(" ".join(arguments.words)), ensure_ascii=False, indent=1))
    client.close()


if __name__ == "__main__":
    sys.exit(main())
