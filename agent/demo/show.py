"""The demo at work: who is on stage, what has arrived, and what a person can break."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from courtyard.agent.accounts.book import FIRST_CODE
from courtyard.agent.control import Refused
from courtyard.agent.demo import car, compound, house
from courtyard.agent.demo.actions import STARTING, STEADY, Action, Unknown, action_of
from courtyard.agent.demo.stage import START_S, Actor, agent, broker, until_listening
from courtyard.drivers.base import Language, Text
from hw_sim.control import AsyncClient, CommandError
from hw_sim.platform import Platform
from hw_sim.ports import free_port
from hw_sim.subscriber import Subscriber

RECENT_ALARMS = 6
CALLS = ("sos", "fall")
SPEED = 30.0
DAY_S, MORNING_UTC_S = 86_400, -3_600
"""Simulated time begins at seven in the morning (UTC+8) and runs 30 times as fast."""
BACK_AFTER_S = 3.0
"""A killed agent is started again after this, as systemd does on a real box."""


class Show:
    """Everything of one demo.  The platform's records arrive on the subscriber's own thread, under `lock`."""

    def __init__(self, folder: Path, language: Language) -> None:
        self.folder = folder
        self.language: Language = language
        self.port = free_port()
        self.page_port = free_port()
        self.lock = threading.Lock()
        self.platform = Platform(on_record=self._arrived)
        self.latest: dict[str, dict[str, Any]] = {}
        self.worn: dict[str, dict[str, Any]] = {}
        """The latest value of each point of what residents wear: they tell of one at a time."""
        self.rooms: dict[str, str | None] = {}
        """The room of each resident, as what they wear last told it."""
        self.alarms: deque[dict[str, Any]] = deque(maxlen=RECENT_ALARMS)
        self.messages = 0
        self.started = time.monotonic()
        self.now_showing = STARTING
        self.answer = ""
        self.over = asyncio.Event()
        self.broker = broker(folder, self.port)
        self.simulator = Actor("simulator", self._simulator_arguments(), folder, pipe=True)
        self.panel = Actor("panel", self._panel_arguments(), folder, pipe=True)
        stack = house.simulator_arguments(folder / "bluetooth")
        self.bluetooth = Actor("bluetooth", [sys.executable, "-m", "hw_sim", "bluetooth", *stack], folder, pipe=True)
        drawn = car.simulator_arguments(folder)
        self.lift = Actor("lift", [sys.executable, "-m", "hw_sim", "lift", *drawn], folder, pipe=True)
        self.agent: Actor | None = None
        self._bluetooth_control: AsyncClient | None = None
        self._subscriber: Subscriber | None = None
        self._control: AsyncClient | None = None
        self._panel_control: AsyncClient | None = None
        self._lift_control: AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def _simulator_arguments(self) -> list[str]:
        spec = compound.write_spec(self.folder)
        morning = time.time() // DAY_S * DAY_S + MORNING_UTC_S
        living = ["--speed", str(SPEED), "--start", str(morning)]
        return [sys.executable, "-m", "hw_sim", "fleet", str(spec), "--folder", str(self.folder / "sim"), *living]

    def _panel_arguments(self) -> list[str]:
        where = ["--path", str(self.folder / "panel"), "--control", str(self.folder / "panel.sock")]
        return [sys.executable, "-m", "hw_sim", "panel", "jbf", *where]

    def _arrived(self, lane: str, record: dict[str, Any]) -> None:
        if lane == "reading":
            if record["device"] in house.WORN:
                self.worn.setdefault(record["device"], {}).update(record["values"])
            if "presence.room" in record["values"]:
                self.rooms[house.WORN[record["device"]]] = record["values"]["presence.room"]
            self.latest[record["device"]] = record | {"arrived": time.monotonic()}
        elif lane == "alarm":
            self.alarms.append(record)

    def message(self, topic: str, payload: bytes) -> None:
        """One MQTT message at the platform; called on the subscriber's thread."""
        with self.lock:
            self.messages += 1
            self.platform.message(topic, payload)

    async def control(self, command: str) -> Any:
        """One command to the simulators.  Raises hw_sim.control.CommandError."""
        assert self._control is not None
        return await self._control(command)

    async def control_panel(self, command: str) -> Any:
        """One command to the fire panel.  Raises hw_sim.control.CommandError."""
        assert self._panel_control is not None
        return await self._panel_control(command)

    async def control_bluetooth(self, command: str) -> Any:
        """One command to the Bluetooth stack and its wearables.  Raises hw_sim.control.CommandError."""
        assert self._bluetooth_control is not None
        return await self._bluetooth_control(command)

    async def control_lift(self, command: str) -> Any:
        """One command to the lift and its camera.  Raises hw_sim.control.CommandError."""
        assert self._lift_control is not None
        return await self._lift_control(command)

    async def curtain_up(self, stack: AsyncExitStack) -> None:
        """Starts broker, platform, simulators and agent, in this order.  Raises Refused with the reason."""
        await self._start(stack, self.broker)
        await until_listening(self.port)
        self._subscriber = stack.enter_context(Subscriber(self.port, compound.GATEWAY, self.message))
        actors = (self.simulator, self.panel, self.bluetooth, self.lift)
        for actor in actors:
            await self._start(stack, actor)
        described, self._control = await self._simulate(stack, self.simulator)
        panel, self._panel_control = await self._simulate(stack, self.panel)
        bluetooth, self._bluetooth_control = await self._simulate(stack, self.bluetooth)
        lift, self._lift_control = await self._simulate(stack, self.lift)
        site, names = self.folder / "site.toml", self.folder / compound.NAMES_FILE
        names.parent.mkdir()
        names.write_text(compound.names_text(), encoding="utf-8")
        text = compound.site_text(
            described,
            panel,
            bluetooth,
            lift,
            broker_port=self.port,
            page_port=self.page_port,
            language=self.language,
        )
        site.write_text(text, encoding="utf-8")
        house.move_in(self.folder, self.folder / "data")
        car.wire(self.folder)
        for resident in house.RESIDENTS:
            for command in house.commands("home", resident):
                await self.control_bluetooth(command)
        self.agent = agent(self.folder, site, house.environment(bluetooth, os.environ.get("PATH", os.defpath)))
        await self._start(stack, self.agent)
        self.started = time.monotonic()
        self.now_showing = STEADY

    async def _simulate(self, stack: AsyncExitStack, actor: Actor) -> tuple[dict[str, Any], AsyncClient]:
        """What simulators that were started say of themselves, and the way to command them.  Raises Refused."""
        assert actor.process is not None
        assert actor.process.stdout is not None
        ready = await asyncio.wait_for(actor.process.stdout.readline(), START_S)
        if not ready:
            raise Refused(f"the simulators did not start:\n{actor.last_words()}")
        described = msgspec.json.decode(ready, type=dict[str, Any])
        client = await AsyncClient.connect(described["control"])
        stack.push_async_callback(client.close)
        return described, client

    async def _start(self, stack: AsyncExitStack, actor: Actor) -> None:
        await actor.start()
        stack.push_async_callback(actor.stop)

    def first_login(self) -> tuple[str, str] | None:
        """User and one-time code of the status page; None before there is one, and when somebody has logged in."""
        try:
            user, code = (self.folder / "data" / "accounts" / FIRST_CODE).read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return None
        return user, code

    def enter(self, line: str) -> None:
        """A line that a person typed."""
        try:
            action = action_of(line)
        except Unknown:
            self.answer = Text(f"Unknown: {line}", f"无法识别：{line}").say(self.language)
            return
        self.answer = line
        task = asyncio.create_task(self._act(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _act(self, action: Action) -> None:
        self.now_showing = action.showing
        try:
            if action.simulator is not None:
                await self.control(action.simulator)
            if action.panel is not None:
                await self.control_panel(action.panel)
            for command in action.bluetooth:
                await self.control_bluetooth(command)
            if action.lift is not None:
                await self.control_lift(action.lift)
        except CommandError as error:
            self.answer = str(error)
        if action.stage is not None:
            await {
                "kill_agent": self.kill_agent,
                "stop_broker": self.stop_broker,
                "start_broker": self.start_broker,
                "answer": self.answer_calls,
                "quit": self.quit,
            }[action.stage]()

    async def kill_agent(self) -> None:
        """kill -9, and back after a moment."""
        assert self.agent is not None
        await self.agent.stop(signal.SIGKILL)
        await asyncio.sleep(BACK_AFTER_S)
        await self.agent.start()

    async def stop_broker(self) -> None:
        """The platform is gone."""
        await self.broker.stop()

    async def start_broker(self) -> None:
        """The platform is back."""
        if not self.broker.running:
            await self.broker.start()

    async def answer_calls(self) -> None:
        """The platform acknowledges every open call for help."""
        with self.lock:
            latest = {each["alarm_id"]: each for each in self.alarms if each["class"] in CALLS}
        for alarm_id, alarm in latest.items():
            if alarm["state"] in ("raised", "returned"):
                self.command("acknowledge", {"alarm_id": alarm_id, "reason": "on my way"})

    def command(self, kind: str, arguments: dict[str, Any]) -> None:
        """The platform sends a command."""
        assert self._subscriber is not None
        now = time.time()
        issued, expires = (time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at)) for at in (now, now + 60))
        order = {"v": 1, "id": f"demo-{time.time_ns()}", "kind": kind, "issued_at": issued, "expires_at": expires}
        body = msgspec.json.encode({**order, "origin": "operator:demo", "args": arguments})
        self._subscriber.publish(f"courtyard/v1/{compound.GATEWAY}/command", body)

    async def quit(self) -> None:
        """Ends the demo."""
        self.over.set()


@asynccontextmanager
async def performance(language: Language) -> AsyncIterator[Show]:
    """A demo with everything running; all of it ends with the block.  Raises Refused."""
    with TemporaryDirectory(prefix="courtyard-demo-") as name:
        show = Show(Path(name), language)
        async with AsyncExitStack() as stack:
            await show.curtain_up(stack)
            yield show
