"""The listener against bad clients: slow, many, deaf; and the page of a real gateway."""

from __future__ import annotations

import asyncio
import json
import re
import select
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from courtyard.agent.web.http import Limits
from courtyard.agent.web.server import WebServer
from courtyard.drivers.base import DriverError
from hw_sim.ports import free_port
from tests.daemon_rig import box, device
from tests.web_rig import Served, served

HASTY = Limits(connections=4, head_s=2.0, send_s=0.3)


@contextmanager
def connected(page: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", page.server.port), timeout=100) as client:
        yield client


def gone(client: socket.socket) -> bool:
    """Whether the server ends the connection; waits for it."""
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        return True
    return True


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    with served(limits=HASTY) as page:
        yield page


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_client_that_is_slow_with_its_head_is_cut(hasty: Served, sent: bytes) -> None:
    with connected(hasty) as client:
        client.sendall(sent)
        assert gone(client)


def test_a_client_that_is_slow_with_its_second_head_is_cut(hasty: Served) -> None:
    with connected(hasty) as client:
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET")
        assert gone(client)


def test_a_client_that_takes_nothing_is_cut(hasty: Served) -> None:
    session = hasty.accounts.open("installer").token
    with connected(hasty) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = f"GET /api/v1/devices?limit=1000 HTTP/1.1\r\nHost: a\r\nCookie: courtyard_session={session}\r\n\r\n"
        with suppress(ConnectionError):  # it may be cut before it has asked for everything
            client.sendall(request.encode() * 2000)
        watch = select.poll()
        watch.register(client, select.POLLHUP | select.POLLERR)
        assert watch.poll(100_000)


def test_one_connection_too_many_is_cut_and_the_others_stay(hasty: Served) -> None:
    clients = [socket.create_connection(("127.0.0.1", hasty.server.port), timeout=100) for _ in range(6)]
    try:
        assert gone(clients[-1])
    finally:
        for client in clients:
            client.close()


def test_a_head_without_end_is_refused(hasty: Served) -> None:
    with connected(hasty) as client:
        said = b""
        with suppress(ConnectionError):  # cut before it has said everything, or before it has heard why
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000)
            said = client.recv(100)
        assert said[:10] in (b"HTTP/1.1 4", b"")
        assert gone(client)


def test_a_port_that_is_taken_is_told_with_its_cure() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = WebServer(None, "127.0.0.1", other.getsockname()[1], None)  # type: ignore[arg-type]

        with pytest.raises(DriverError) as told:
            asyncio.run(server.run())
        assert told.value.fault.code == "web.listen"


class _Keep(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


def test_a_gateway_shows_its_page_from_the_first_code_to_safe_mode(tmp_path: Path) -> None:
    port = free_port()
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\n'
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    browser = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust), _Keep)

    def ask(path: str, cookie: str = "", form: dict[str, str] | None = None) -> tuple[int, str, str]:
        body = None if form is None else urlencode(form).encode()
        headers = {"Cookie": cookie, "Origin": f"https://127.0.0.1:{port}"} if cookie else {}
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", body, headers)
        try:
            with browser.open(request, timeout=100) as answer:
                return answer.status, answer.read().decode(), answer.headers.get("Set-Cookie", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers.get("Set-Cookie") or ""

    lines = [{"name": "bus", "kind": "tcp"}]
    devices = [{"id": "m1", "model": "ultrad", "line": "bus", "address": 1}]
    with box(tmp_path, lines, devices) as made:
        parts = (made.line("bus"), device("m1", "water/ultrad", "bus", 1), device("m2", "water/ultrad", "bus", 2), web)
        made.write_site(*parts)
        made.start()
        made.wait(lambda: len(made.readings("m1")) > 3)
        made.wait(lambda: "page  listen" in made.log.read_text())
        name, code = (made.data / "accounts/first-password.txt").read_text().split()
        assert ask("/")[0] == 303
        status, _, cookie = ask("/login", form={"name": name, "code": code, "password": "a good long password"})
        assert status == 303
        cookie = cookie.split(";")[0]
        found = json.loads(ask("/api/v1/devices", cookie)[1])
        states = {each["id"]: each["state"] for each in found["devices"]}
        assert states["m1"] == "ok"
        main = found["devices"][0]["main"]
        assert main["unit"] == "m3"
        assert isinstance(main["value"], float)
        csrf = re.search(r'name="csrf" value="(\w+)"', ask("/devices/m1", cookie)[1])
        assert csrf is not None
        status, text, _ = ask("/devices/m1/read", cookie, {"csrf": csrf[1]})
        assert (status, "water.volume.total" in text) == (200, True)
        assert "tuf-2000" not in ask("/site", cookie)[1]
        made.write_site(*parts, "[[devices]]\nid = 7\n")
        made.wait(lambda: "nothing was changed" in made.log.read_text())
        status, text, _ = ask("/", cookie)
        assert 'class="card safe"' in text
        assert f"{made.site_file}" in text
        assert ask("/api/v1/gateway", cookie)[1].count('"safe_mode":true') == 1
