"""What each command of `hw-sim` runs, until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from hw_sim import fleet as fleets
from hw_sim.centre import Centre
from hw_sim.clock import SimClock
from hw_sim.commands import FleetCommands
from hw_sim.control import Client, Command, ControlServer
from hw_sim.fixed import FixedServer
from hw_sim.modem import Modem
from hw_sim.panels.desk import Desk
from hw_sim.panels.models import PANELS
from hw_sim.served import Served
from hw_sim.throttle import Throttle


def meters(arguments: argparse.Namespace) -> None:
    spec = fleets.demo()
    spec.lines[0].baud = arguments.baud
    if arguments.port is not None:
        spec.lines[0].kind, spec.lines[0].path = "port", str(arguments.port)
    _run_fleet(spec, arguments)


def fleet(arguments: argparse.Namespace) -> None:
    if arguments.file is not None:
        spec = fleets.load(arguments.file)
    else:
        models = tuple(arguments.model or fleets.METERS)
        spec = fleets.compound(
            arguments.units, tcp=arguments.tcp, rtu_tcp=arguments.rtu_tcp, baud=arguments.baud, models=models
        )
    _run_fleet(spec, arguments)


def line(arguments: argparse.Namespace) -> None:
    line = fleets.LineSpec(
        "line", path=str(arguments.a), other=str(arguments.b), baud=arguments.baud, bits=arguments.bits, fifo=1
    )

    async def run(folder: Path) -> None:
        running = fleets.Fleet(fleets.Spec([line], []), folder)
        await running.open()
        await _serve(running, FleetCommands(running).table, running.describe(), arguments.control)

    with tempfile.TemporaryDirectory(prefix="hw-sim-") as folder:
        asyncio.run(run(Path(folder)))


def _run_fleet(spec: fleets.Spec, arguments: argparse.Namespace) -> None:
    async def run(folder: Path) -> None:
        clock = SimClock(arguments.start, arguments.speed)
        running = fleets.Fleet(spec, folder, clock=clock, served=Served(arguments.served))
        await running.open()
        control = arguments.control or folder / "control.sock"
        await _serve(running, FleetCommands(running).table, running.describe(), control)

    with tempfile.TemporaryDirectory(prefix="hw-sim-") as folder:
        place = arguments.folder or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(place))


def panel(arguments: argparse.Namespace) -> None:
    host, _, port = (arguments.connect or "").rpartition(":")

    async def run() -> None:
        desk = Desk(PANELS[arguments.protocol](), path=arguments.path, address=(host, int(port)) if host else None)
        await desk.open()
        await _serve(desk, desk.table, desk.describe(), arguments.control)

    asyncio.run(run())


def modem(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        modem = await Modem(arguments.path, pin=arguments.pin).open()
        await _serve(modem, modem.table, modem.describe(), arguments.control)

    asyncio.run(run())


def bluetooth(arguments: argparse.Namespace) -> None:
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


def proxy(arguments: argparse.Namespace) -> None:
    from hw_sim.bluez.residents import residents
    from hw_sim.esphome import SimProxy

    async def run() -> None:
        key = base64.b64decode(arguments.key) if arguments.key else os.urandom(32)
        proxy = await SimProxy(residents(arguments.residents), key, adverts_hz=arguments.adverts).open()
        await _serve(proxy, proxy.table, proxy.describe(), arguments.control)

    asyncio.run(run())


def camera(arguments: argparse.Namespace) -> None:
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


def lift(arguments: argparse.Namespace) -> None:
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


def centre(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        centre = await Centre(arguments.address).open(udp=arguments.udp, port=arguments.listen)
        await _serve(centre, centre.table, centre.describe(), arguments.control)

    asyncio.run(run())


def throttle(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        proxy = Throttle(arguments.host, arguments.port, rate_bps=arguments.rate, delay_s=arguments.delay / 1000)
        await proxy.open(arguments.listen)
        await _serve(proxy, proxy.table(), {"host": "127.0.0.1", "port": proxy.port}, arguments.control)

    asyncio.run(run())


def fixed(arguments: argparse.Namespace) -> None:
    async def run() -> None:
        server = FixedServer(endpoints=arguments.endpoints, units=arguments.units, registers=arguments.registers)
        await server.open()
        await _serve(server, server.table(), server.describe(), arguments.control)

    asyncio.run(run())


def ctl(arguments: argparse.Namespace) -> None:
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
