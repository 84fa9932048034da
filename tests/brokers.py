"""Real mosquitto brokers on free loopback ports, and the certificates they need.

    with Broker(tmp_path) as broker:
        ...                      # broker.url, broker.port
        broker.kill()            # SIGKILL: nothing is saved
        broker.start()           # the same port again

Nothing here knows the agent.  Readiness is read from the broker's own log, never guessed by waiting.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hw_sim.ports import free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority of its own, made with the openssl command line."""

    def __init__(self, directory: Path, name: str = "Test CA") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file = directory / "ca.pem"
        self._key = directory / "ca.key"
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self._key)
        _openssl("req", "-x509", "-new", "-key", self._key, "-subj", f"/CN={name}", "-days", "30", "-out", self.ca_file)

    def issue(self, name: str, *, hosts: Sequence[str] = ("localhost", "127.0.0.1"), days: int = 30) -> Certificate:
        """A certificate for `hosts` that is valid from now for `days`; a negative number makes an expired one."""
        made = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        names = ",".join(f"{'IP' if host[0].isdigit() else 'DNS'}:{host}" for host in hosts)
        extensions.write_text(f"subjectAltName={names}\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        _openssl("req", "-new", *curve, "-nodes", "-keyout", made.key, "-subj", f"/CN={name}", "-out", request)
        signer = ("-CA", self.ca_file, "-CAkey", self._key, "-CAcreateserial")
        _openssl(
            *("x509", "-req", "-in", request, *signer, "-days", str(days)),
            *("-extfile", extensions, "-out", made.certificate),
        )
        return made


class Broker:
    """One mosquitto process; a context manager that starts it and ends it.

    `users` (name to password) turns anonymous access off; `tls` makes the listener speak TLS with that
    certificate; `client_ca` then asks every client for a certificate of that authority; `persistence` keeps
    retained messages through `stop` and `start`; `acl` is the text of an access list; `options` are further
    lines of mosquitto.conf; `cpu` pins the process to one processor.
    """

    def __init__(
        self,
        directory: Path,
        *,
        users: Mapping[str, str] | None = None,
        tls: Certificate | None = None,
        client_ca: Authority | None = None,
        persistence: bool = False,
        acl: str | None = None,
        options: Sequence[str] = (),
        cpu: int | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self._tls = tls
        self._prefix = [] if cpu is None else ["taskset", "-c", str(cpu)]
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []
        self._logged = threading.Condition()
        self._lines = [
            "log_dest stderr",
            *(["user root"] if os.geteuid() == 0 else []),
            f"allow_anonymous {'false' if users else 'true'}",
            f"persistence {'true' if persistence else 'false'}",
            f"persistence_location {directory}/",
            "max_queued_messages 0",
            *([f"certfile {tls.certificate}", f"keyfile {tls.key}"] if tls else []),
            *([f"cafile {client_ca.ca_file}", "require_certificate true"] if client_ca else []),
            *options,
        ]
        if users:
            passwords = directory / "passwords"
            passwords.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run(["mosquitto_passwd", "-b", passwords, name, password], check=True, capture_output=True)
            self._lines.append(f"password_file {passwords}")
        if acl is not None:
            (directory / "acl").write_text(acl)
            self._lines.append(f"acl_file {directory / 'acl'}")

    @property
    def url(self) -> str:
        return f"{'mqtts' if self._tls else 'mqtt'}://localhost:{self.port}"

    def start(self) -> None:
        """Returns when the broker listens.  The port stays the same over restarts."""
        if self._process is not None:
            raise RuntimeError("the broker is running")
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text("\n".join([f"listener {self.port} 127.0.0.1", *self._lines, ""]))
        command = [*self._prefix, "mosquitto", "-c", str(configuration)]
        mark = len(self._log)
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._follower = threading.Thread(target=self._follow, args=(self._process,), daemon=True)
        self._follower.start()
        if not self.wait_log(lambda line: "running" in line or line == "(end of log)", START_TIMEOUT_S, mark):
            self.kill()
            raise RuntimeError("mosquitto did not start:\n" + "\n".join(self._log[mark:]))
        if self._log[-1] == "(end of log)":
            self.kill()
            raise RuntimeError("mosquitto ended at once:\n" + "\n".join(self._log[mark:]))

    def stop(self) -> None:
        """Ends the broker in order (SIGTERM): persistence is written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL): nothing is written."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """SIGHUP: reads passwords and access list again; SIGSTOP: answers no more; SIGCONT: goes on."""
        if self._process is None:
            raise RuntimeError("the broker is not running")
        self._process.send_signal(number)

    def freeze(self) -> None:
        """The process stops answering while its connections stay open."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def wait_log(self, matches: Callable[[str], bool], timeout_s: float, start: int = 0) -> bool:
        """Whether a log line from index `start` on matches within the time."""
        deadline = time.monotonic() + timeout_s
        with self._logged:
            while not any(matches(line) for line in self._log[start:]):
                if not self._logged.wait(max(0.0, deadline - time.monotonic())):
                    return any(matches(line) for line in self._log[start:])
            return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self.kill()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("the broker is not running")
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(STOP_TIMEOUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self._follower.join(STOP_TIMEOUT_S)

    def _follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self._note(line.rstrip())
        self._note("(end of log)")

    def _note(self, line: str) -> None:
        with self._logged:
            self._log.append(line)
            self._logged.notify_all()


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
