"""Simulated panels on a real pty and a real socket, read by the parsers."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from courtyard.drivers.fire import jbf, ld128
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Frame, Splitter
from courtyard.drivers.fire.gb26875 import centre, parse
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.protocols import PANELS
from hw_sim.control import execute
from hw_sim.line import Line
from hw_sim.panels.attach import TcpClient, to_line
from hw_sim.panels.desk import Desk
from hw_sim.panels.gb26875 import Gb26875
from hw_sim.panels.incidents import fault_storm, single_smoke
from hw_sim.panels.jbf import Jbf
from hw_sim.panels.ld128 import Ld128

NOW = TimeTag(b"\0\0\0\x01\x01\x1a")
PATIENCE_S = 100


def test_a_polled_panel_on_a_pty_answers_with_its_fire(tmp_path: Path) -> None:
    async def main() -> None:
        panel = Jbf()
        line = Line(tmp_path / "panel", baud=38_400, bits=10).open()
        attached = to_line(panel, line)
        port = os.open(line.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        splitter = Splitter(jbf.SHAPE)
        answers: asyncio.Queue[list[PanelEvent]] = asyncio.Queue()

        def readable() -> None:
            for item in splitter.feed(os.read(port, 4096), 0):
                assert isinstance(item, Frame)
                answers.put_nowait(PANELS["jbf"].read(item.data))

        asyncio.get_running_loop().add_reader(port, readable)
        try:
            async with asyncio.timeout(PATIENCE_S):
                os.write(port, jbf.poll())
                assert await answers.get() == []
                panel.happen(single_smoke()[0].event)
                os.write(port, jbf.poll())
                (event,) = await answers.get()
                assert (event.kind, event.source, event.detector) == ("fire", "1-6-12", "smoke")
        finally:
            asyncio.get_running_loop().remove_reader(port)
            os.close(port)
            attached.close()
            line.close()

    asyncio.run(main())


def test_a_transmission_device_on_a_socket_gets_500_faults_confirmed() -> None:
    async def main() -> None:
        panel = Gb26875()
        faults: list[str] = []
        done = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            splitter = Splitter(PANELS["gb26875"].shape)
            while data := await reader.read(4096):
                for item in splitter.feed(data, 0):
                    assert isinstance(item, Frame)
                    faults.extend(event.source for event in PANELS["gb26875"].read(item.data) if event.begins)
                    reply = centre.reply(parse(item.data), NOW)
                    assert reply is not None
                    writer.write(reply)
                if len(faults) == 500:
                    done.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        client = TcpClient(panel, host, port)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await client.connected.wait()
                client.attached.play(fault_storm(seconds=1.0))
                await done.wait()
                assert faults == [f"1-{1 + number // 200}-{1 + number % 200}" for number in range(500)]
        finally:
            await client.close()
            server.close()

    asyncio.run(main())


def test_the_simulated_panel_of_the_command_line_burns_when_told(tmp_path: Path) -> None:
    async def main() -> None:
        desk = Desk(Ld128(), path=tmp_path / "ld128")
        await desk.open()
        port = os.open(tmp_path / "ld128", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        answers: asyncio.Queue[bytes] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        splitter = Splitter(ld128.SHAPE)

        def readable() -> None:
            for item in splitter.feed(os.read(port, 64), 0):
                answers.put_nowait(item.data)

        loop.add_reader(port, readable)
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert json.loads(await execute(desk.table, "event fire 6 12"))["ok"]
                os.write(port, ld128.poll())
                assert await answers.get() == b"\x01\x06\x0c"
                (told,) = json.loads(await execute(desk.table, "told"))["result"]
                assert (told["kind"], told["loop"], told["point"], told["frame"]) == ("fire", 6, 12, "01060c")
                for refused in ("event fire", "event flood 1 1", "play party", "mischief rust"):
                    assert not json.loads(await execute(desk.table, refused))["ok"]
                assert json.loads(await execute(desk.table, "play single-smoke"))["ok"]
                assert json.loads(await execute(desk.table, "mischief half 1"))["ok"]
        finally:
            loop.remove_reader(port)
            os.close(port)
            await desk.close()

    asyncio.run(main())
