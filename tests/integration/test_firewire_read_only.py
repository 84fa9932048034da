"""Read-only towards panels, over the whole product: every command, every protocol, every byte that leaves caught.

The panels here are sockets that say all that is published of their protocols, whole and damaged, and keep what they
are told; it is judged by rules written apart from the drivers.
"""

from __future__ import annotations

import datetime
import json
import signal
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from courtyard.agent.commands.kinds import KINDS
from hw_sim.rtu import crc
from hw_sim.subscriber import Subscriber
from tests.daemon_rig import GATEWAY, Box, box
from tests.fire_referee import harmless
from tests.fire_vectors import VECTORS
from tests.firewire_rig import DEVICES, LINES, METER, is_up, panel

SPEAKERS = ("gb26875", "jbf", "ld128", "jb3208", "fs5101", "espa")
LISTENERS = ("gst24", "gst232", "gst-printer")
LENGTHS = {"jbf": 26, "ld128": 1, "jb3208": 9, "fs5101": 8, "espa": 1, "gst200": 8}
SELECTED = "01 31 02 31 1F 31 30 31 1E 32 1F 46 49 52 45 20 42 33 1E 33 1F 32 1E 36 1F 31 03 67"
POLLS = {
    "espa": b"\x041\x052\x05" + bytes.fromhex(SELECTED),
    "fs5101": bytes.fromhex("F00101A291A9"),
    "jb3208": bytes.fromhex("FE016401006456DBFF"),
}


class Ear(socketserver.ThreadingTCPServer):
    """A panel behind a serial server: says what it is given to every caller, keeps what it hears."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self, protocol: str) -> None:
        self.protocol, self.heard = protocol, bytearray()
        frames = [vector.frame for vector in VECTORS if vector.protocol == protocol]
        self.says = POLLS.get(protocol, b"") + b"".join(frames) + POLLS.get(protocol, b"")
        super().__init__(("127.0.0.1", 0), _Call)

    def line(self) -> str:
        """Its line, for the site file."""
        name = f'[[lines]]\nname = "l-{self.protocol}"\nkind = "rtu-tcp"\nhost = "127.0.0.1"\n'
        return f"{name}port = {self.server_address[1]}\n"

    def pieces(self) -> Iterator[bytes]:
        """What it heard, message by message."""
        rest = bytes(self.heard)
        while rest:
            length = (
                30 + int.from_bytes(rest[24:26], "little") if self.protocol == "gb26875" else LENGTHS[self.protocol]
            )
            yield rest[:length]
            rest = rest[length:]


class _Call(socketserver.BaseRequestHandler):
    server: Ear

    def handle(self) -> None:
        self.request.sendall(self.server.says)
        while data := self.request.recv(4096):
            self.server.heard += data


def asks_to_read(said: bytes) -> bool:
    """Modbus RTU: function 3 and nothing else."""
    return said[1] == 3 and int.from_bytes(said[-2:], "little") == crc(said[:-2])


def every_command(name: str, alarm_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """One command of every kind that names the panel wherever something can be named."""
    why = {"alarm_id": alarm_id, "reason": "test"}
    given: Mapping[str, list[dict[str, Any]]] = {
        "acknowledge": [why],
        "clear": [why],
        "shelve": [{**why, "for_s": 60}],
        "unshelve": [why],
        "received": [{"alarm_id": alarm_id, "occurrence": 1}],
        "silence": [why],
        "sync": [{}],
        "resend": [{"epoch": "0", "lane": "alarm", "from": 1, "to": 9}],
        "output": [{"output": name, "action": "hold", "ttl_s": 5}, {"output": name, "action": "release"}],
        "read": [{"device": name}],
        "write": [
            {"device": name, "target": target, "value": 1} for target in ("reset", "silence", "start", "coil", "0")
        ],
    }
    assert set(given) == set(KINDS)
    for kind, several in given.items():
        for args in several:
            yield kind, args


def order(name: str, kind: str, args: dict[str, Any]) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    times = {"issued_at": now.isoformat(), "expires_at": (now + datetime.timedelta(minutes=5)).isoformat()}
    return json.dumps({"v": 1, "id": name, "kind": kind, "origin": "operator:test", "args": args, **times}).encode()


def command_all(stage: Box, operator: Subscriber, name: str) -> None:
    """Sends every command about one panel, and waits for their outcomes."""
    alarms = [record["alarm_id"] for record in stage.platform.records["alarm"] if record["device"] == name]
    orders = [order(f"{name}.{n}", *each) for n, each in enumerate(every_command(name, [*alarms, f"{name}:fire:"][0]))]
    for each in orders:
        operator.publish(f"courtyard/v1/{GATEWAY}/command", each)
    sent = {f"{name}.{number}" for number in range(len(orders))}
    stage.wait(lambda: sent <= {outcome["id"] for outcome in stage.platform.outcomes})


def drive(stage: Box, names: list[str]) -> None:
    """Every command from the platform, and every command of the command line that reaches for a device or a line."""
    with Subscriber(stage.broker.port, GATEWAY, lambda topic, payload: None, client_id="operator") as operator:
        for name in names:
            command_all(stage, operator, name)
    done = {outcome["kind"] for outcome in stage.platform.outcomes if outcome["result"] == "done"}
    assert {"acknowledge", "sync"} <= done
    assert not {"write", "read", "output"} & done
    where = ("--site", str(stage.site_file), "--socket", str(stage.socket))
    assert stage.run("read", names[0], *where).returncode != 0
    assert stage.run("scan", "modbus", "--line", "l-jbf", *where).returncode != 0


def test_nothing_but_acknowledgements_polls_answers_and_times_reaches_a_panel(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ears = [stack.enter_context(Ear(protocol)) for protocol in (*SPEAKERS, *LISTENERS, "gst200")]
        for ear in ears:
            stack.callback(ear.shutdown)
            threading.Thread(target=ear.serve_forever, daemon=True).start()
        stage = stack.enter_context(box(tmp_path, LINES, DEVICES))
        names = {ear.protocol: f"p-{ear.protocol}" for ear in ears}
        tables = [
            panel(names[ear.protocol], f"l-{ear.protocol}", ear.protocol, "speak = true\nset_clock = true")
            for ear in ears
            if ear.protocol != "gst200"
        ]
        tables[0] = tables[0].replace("set_clock", "address = 889\nset_clock")
        tables.append('[[fire_modbus_panels]]\nid = "p-gst200"\nline = "l-gst200"\nmodel = "gst200"\naddress = 1\n')
        stage.write_site(stage.line("hall"), METER, *(ear.line() for ear in ears), *tables)
        stage.start()
        stage.wait(lambda: is_up(stage) and len(stage.alarms("fire")) >= 4)
        drive(stage, list(names.values()))
        assert stage.agent is not None
        stage.agent.send_signal(signal.SIGHUP)
        heard = {ear.protocol: ear for ear in ears}
        stage.wait(lambda: all(heard[name].heard for name in (*SPEAKERS, "gst200")))
        assert stage.end() == 0
    for name in LISTENERS:
        assert heard[name].heard == b"", name
    for name in SPEAKERS:
        for said in heard[name].pieces():
            assert harmless(name, said), (name, said.hex(" "))
    for said in heard["gst200"].pieces():
        assert asks_to_read(said), said.hex(" ")
