"""A lift under test: a camera whose picture can be made to look like an e-bike, a relay board, and their site."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from courtyard.agent.vision.model import read_manifest
from courtyard.agent.vision.scores import Calibration, calibration_file, write
from hw_sim.camera.camera import SimCamera
from hw_sim.camera.film import Picture
from tests.daemon_rig import device
from tests.vision_rig import EBIKES, make

WAIT_S = 100.0
LAMP, DOOR = 0, 1
BOARD = device(
    "relays",
    "io/relay-board",
    "hall",
    10,
    more='points = [{ point = "input.1", address = 0, type = "bool", function = 2 }, '
    '{ point = "input.2", address = 1, type = "bool", function = 2 }, '
    '{ point = "input.3", address = 2, type = "bool", function = 2 }, '
    '{ point = "input.4", address = 3, type = "bool", function = 2 }]\n'
    'writes = [{ name = "lamp", kind = "coil", address = 0 }, { name = "door", kind = "coil", address = 1 }]\n',
)
OUTPUTS = """
[[outputs]]
name = "lamp"
device = "relays"
target = "lamp"
cap = "10m"
[[outputs]]
name = "door"
device = "relays"
target = "door"
use = "door-hold"
"""
BY_CAMERA = """
[[outputs]]
name = "lamp"
device = "relays"
target = "lamp"
cap = "10m"
[[outputs]]
name = "door"
device = "cam"
target = "relay_0"
use = "door-hold"
repeat = "500ms"
"""
"""The door at a relay of the camera, which lets go by itself."""
LIFT = "lift-1"
PASSWORD = "gateway-demo"
DONE = 'commissioned = { maintainer = "Lift Service, Wang", date = "2026-11-20" }\n'


class Car:
    """What the camera shows: a grey car with noise and something that moves; red while an e-bike is in it."""

    def __init__(self) -> None:
        self.ebike = False
        self.fault: Callable[[str], None] = lambda _: None
        self.heal: Callable[[], None] = lambda: None
        """Begins a fault of the camera, or ends all, once there is one."""
        self.relays: dict[str, str] = {}
        """The camera's own, as they are."""
        self.calls: list[str] = []
        """What the camera was asked."""
        self._noise = np.random.default_rng(1).integers(0, 60, (180, 320, 3), np.uint8)

    def picture(self, at_s: float) -> Picture:
        shown = np.roll(self._noise, round(at_s * 40) % 320, axis=1) + np.uint8(40)
        across = round(at_s * 100) % 260
        shown[60:120, across : across + 60] = 200
        if self.ebike:
            shown[:, :, 0] = 250
        return shown


@contextmanager
def camera(car: Car, *, falls_back_s: float | None = None, password: str = PASSWORD) -> Iterator[str]:
    """A camera that shows the car, served by a thread of its own; its address.  `falls_back_s`: its first relay is
    monostable."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(WAIT_S)

    async def opened() -> SimCamera:
        made = SimCamera(password=password, source=car.picture, live=True)
        await made.open()
        return made

    try:
        made: SimCamera = do(opened())
        car.relays, car.calls = made.device.relays, made.calls
        if falls_back_s is not None:
            made.device.delays_s["relay_0"] = falls_back_s
        car.fault, car.heal = lambda kind: do(made.fault(kind)), lambda: do(made.heal())
        try:
            yield made.http.url
        finally:
            do(made.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()


def calibrate(folder: Path, data: Path) -> None:
    """As if the lift had been watched for a day with the model in `folder`."""
    model = read_manifest(folder / "red.toml").sha256
    write(calibration_file(data / "vision", LIFT, model), Calibration(LIFT, model, 0.5, 0.4, 5000, 86_400, 0, 1, 1))


def lift_site(
    folder: Path,
    address: str,
    *,
    commissioned: bool = True,
    activated: bool = True,
    vision: str = "",
    outputs: str = OUTPUTS,
    camera: str = "",
    lift: str = "",
    classes: str = EBIKES,
    password: str = PASSWORD,
) -> str:
    """Camera, board, lift and a model of the site's own; `camera` and `lift` are what else is said of them, `classes`
    what the model knows."""
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o600)
    manifest = make(folder, classes=classes, scores=len(classes.splitlines()))
    known = read_manifest(manifest).sha256[:12] if activated else 12 * "0"
    return "\n".join(
        (
            BOARD,
            outputs,
            f'[[cameras]]\nid = "cam"\naddress = "{address}"\nusername = "gateway"\npassword_file = "password"',
            camera,
            '[[lifts]]\nid = "lift-1"\ncamera = "cam"\nplace = "b01/x-lift1"\nwarn = ["lamp"]\nhold = "door"\n'
            'fire_return = { device = "relays", point = "input.1" }\n'
            'door_closed = { device = "relays", point = "input.2" }\n' + (DONE if commissioned else "") + lift,
            f'[vision]\nmodel = "{manifest.name}"\nactivated = "{known}"\n{vision}',
        )
    )
