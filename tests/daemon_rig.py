"""A whole box for tests: simulated devices, a real broker, a platform, and `courtyard run` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hw_sim.control import Client
from hw_sim.platform import Platform
from hw_sim.subscriber import Subscriber
from tests.brokers import Broker

GATEWAY, PLACE = "gw-0007", "370213/005/012/0007"
WAIT_S = 100.0
"""Ends a hang; how soon something comes is judged elsewhere, on a quiet machine."""
KEEP_SESSIONS = ("autosave_on_changes true", "autosave_interval 1")


class Box:
    """One gateway under test.  `site` is the text of its site file, without gateway and uplink."""

    def __init__(self, folder: Path, broker: Broker, simulator: Client, lines: dict[str, dict[str, Any]]) -> None:
        self.folder, self.broker, self.simulator, self.lines = folder, broker, simulator, lines
        self.platform = Platform()
        self.changed = threading.Condition()
        self.site_file = folder / "site.toml"
        self.data, self.socket = folder / "data", folder / "control.sock"
        self.log = folder / "agent.log"
        self.environment: dict[str, str] = {}
        self.agent: subprocess.Popen[bytes] | None = None

    def write_site(self, *parts: str, url: str | None = None) -> None:
        """Writes the site file in one step."""
        head = f'[gateway]\nid = "{GATEWAY}"\nplace = "{PLACE}"\nlanguage = "en"\n'
        head += f'[[uplinks]]\nname = "platform"\nurl = "{url or self.broker.url}"\nfrom = "oldest"\n'
        new = self.site_file.with_suffix(".new")
        new.write_text("\n".join((head, *parts)), encoding="utf-8")
        new.replace(self.site_file)

    def start(self, program: Path | None = None) -> None:
        """Starts the gateway, or a program in its place that takes site, data and socket; returns at once."""
        own = ["-m", "courtyard.agent", "run", str(self.site_file), "--data", str(self.data), "--socket"]
        arguments = [str(program), str(self.site_file), str(self.data)] if program else own
        arguments = [sys.executable, *arguments, str(self.socket)]
        with self.log.open("ab") as log:
            self.agent = subprocess.Popen(arguments, stderr=log, stdout=log, env={**os.environ, **self.environment})

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends the gateway; its exit status."""
        if self.agent is None:
            return 0
        if self.agent.poll() is None:
            self.agent.send_signal(number)
        agent, self.agent = self.agent, None
        try:
            return agent.wait(WAIT_S)
        finally:
            agent.kill()  # it holds lock and ports if it did not end
            agent.wait()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one command of the command line."""
        command = [sys.executable, "-m", "courtyard.agent", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)

    def status(self) -> dict[str, Any]:
        """What `courtyard status --json` says."""
        answer = self.run("status", "--json", "--socket", str(self.socket))
        return dict(json.loads(answer.stdout)) if answer.stdout else {}

    def message(self, topic: str, payload: bytes) -> None:
        """Takes an MQTT message; called on the subscriber's thread."""
        with self.changed:
            self.platform.message(topic, payload)
            self.changed.notify_all()

    def wait(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Waits for a condition on what arrives at the platform.  Raises AssertionError with the gateway's log."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout_s):
                words = self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""
                raise AssertionError(f"not within {timeout_s} s; the gateway said:\n{words}")

    def readings(self, device: str) -> list[dict[str, Any]]:
        """All readings of a device, in the order of their numbers."""
        own = [record for record in self.platform.records["reading"] if record["device"] == device]
        return sorted(own, key=lambda record: int(record["seq"]))

    def alarms(self, alarm_class: str) -> list[dict[str, Any]]:
        """All alarm records of a class, in the order of arrival."""
        return [record for record in self.platform.records["alarm"] if record["class"] == alarm_class]

    def line(self, name: str) -> str:
        """The table of a simulated line, for the site file."""
        line = self.lines[name]
        if line["kind"] == "serial":
            return f'[[lines]]\nname = "{name}"\nkind = "serial"\nport = "{line["path"]}"\nbaud = {line["baud"]}\n'
        return f'[[lines]]\nname = "{name}"\nkind = "{line["kind"]}"\nhost = "127.0.0.1"\nport = {line["port"]}\n'


def device(name: str, profile: str, line: str, address: int, every: str = "250ms", more: str = "") -> str:
    """The table of a device, for the site file."""
    return (
        f'[[devices]]\nid = "{name}"\nprofile = "{profile}"\nline = "{line}"\naddress = {address}\n'
        f'every = "{every}"\nplace = "b01/u01/f01/r101"\n{more}\n'
    )


RELAYS = device(
    "relays",
    "io/relay-board",
    "hall",
    10,
    more='points = [{ point = "relay.1", address = 0, type = "bool", function = 1 }]\n'
    'writes = [{ name = "siren", kind = "coil", address = 0 }]\n',
)
"""A board with a siren at address 10 of the line `hall`."""


@contextmanager
def box(folder: Path, lines: Sequence[dict[str, Any]], devices: Sequence[dict[str, Any]]) -> Iterator[Box]:
    """Simulator, broker and platform running; the gateway is started by the test.  All of it ends with the block."""
    spec = folder / "compound.json"
    spec.write_text(json.dumps({"lines": list(lines), "devices": list(devices)}))
    arguments = [sys.executable, "-m", "hw_sim", "fleet", str(spec), "--folder", str(folder / "sim")]
    with ExitStack() as stack:
        (folder / "broker").mkdir()
        broker = stack.enter_context(Broker(folder / "broker", persistence=True, options=KEEP_SESSIONS))
        process = stack.enter_context(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        simulator = Client(ready["control"])
        stack.callback(simulator.close)
        made = Box(folder, broker, simulator, {line["name"]: line for line in ready["lines"]})
        subscriber = stack.enter_context(Subscriber(broker.port, GATEWAY, made.message))
        assert subscriber.subscribed.wait(WAIT_S)
        stack.callback(made.end, signal.SIGKILL)
        yield made
        assert subscriber.error is None, subscriber.error
