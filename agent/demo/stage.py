"""The processes of the demo: each can be started, stopped, killed and started again; all end with the demo."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from courtyard.agent.control import Refused
from courtyard.drivers.base import Text

START_S = 60.0
STOP_S = 30.0


class Actor:
    """One process of the demo; its output goes to a file in the demo's folder."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        folder: Path,
        *,
        pipe: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to this process's own."""
        self.name = name
        self._environment = {**os.environ, **(environment or {})}
        self._arguments, self._log, self._pipe = list(arguments), folder / f"{name}.log", pipe
        self.process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> asyncio.subprocess.Process:
        """Starts the process; standard output is a pipe when the actor speaks first."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._pipe else log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
                limit=1 << 20,
            )
        return self.process

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process as told, and for good when that takes too long."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(how)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of what the process wrote."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])


def broker(folder: Path, port: int) -> Actor:
    """A mosquitto of our own on the loopback interface that keeps sessions across a restart.  Raises Refused."""
    program = shutil.which(
        "mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    )
    if program is None:
        raise Refused(
            Text(
                "The demo needs the mosquitto broker: apt-get install mosquitto.",
                "演示需要 mosquitto：请运行 apt-get install mosquitto。",
            ).say("zh-CN" if os.environ.get("LANG", "").startswith("zh") else "en")
        )
    configuration = folder / "mosquitto.conf"
    store = folder / "broker"
    store.mkdir(exist_ok=True)
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {store}/",
        "autosave_on_changes true",
        "autosave_interval 1",
        "max_queued_messages 0",
        "max_inflight_messages 0",
    ]
    if os.geteuid() == 0:
        lines.append("user root")
    configuration.write_text("\n".join(lines) + "\n")
    return Actor("broker", [program, "-c", str(configuration)], folder)


def agent(folder: Path, site: Path, environment: Mapping[str, str]) -> Actor:
    """The gateway itself, as `courtyard run` starts it."""
    arguments = [sys.executable, "-m", "courtyard.agent", "run", str(site)]
    arguments += ["--data", str(folder / "data"), "--socket", str(folder / "control.sock")]
    return Actor("agent", arguments, folder, environment=environment)


async def until_listening(port: int) -> None:
    """Returns when something accepts connections there.  Raises TimeoutError."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
