"""What a daemon of meters with its page does not load: its memory would pay for it all the time."""

from __future__ import annotations

import re
import ssl
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from hw_sim.ports import free_port
from tests.daemon_rig import box, device

NOT_LOADED = (
    "PIL", "aiohttp", "anyio._backends", "av", "bleak", "cffi.api", "click", "cryptography", "cv2", "dateutil",
    "dbus_fast", "html.entities", "importlib.metadata", "jsonschema", "lxml", "multiprocessing", "numpy",
    "onnxruntime", "onvif", "pydantic", "requests", "rich", "serial", "sqlite_utils", "uvicorn", "zeep", "zipfile",
    "courtyard.agent.page.commissioning", "courtyard.agent.web.commissioning", "courtyard.agent.lift_post",
    "courtyard.agent.lift_watch", "courtyard.agent.vision.guard",
    "courtyard.drivers.ble.driver", "courtyard.drivers.ble.gatt", "courtyard.drivers.ble.receive",
    "courtyard.drivers.camera.driver", "courtyard.drivers.fire.panel", "courtyard.drivers.sms.modem",
)  # fmt: skip
LOADED = re.compile(r"import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)")
"""A line of `python -X importtime`."""


def test_a_daemon_of_meters_with_its_page_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    port = free_port()
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\n'
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    browser = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trust), urllib.request.HTTPCookieProcessor()
    )
    with box(
        tmp_path, [{"name": "bus", "kind": "tcp"}], [{"id": "m1", "model": "ultrad", "line": "bus", "address": 1}]
    ) as made:
        made.environment["PYTHONPROFILEIMPORTTIME"] = "1"
        made.write_site(made.line("bus"), device("m1", "water/ultrad", "bus", 1), web)
        made.start()
        made.wait(lambda: len(made.readings("m1")) > 2)
        made.wait(lambda: "page  listen" in made.log.read_text())
        name, code = (made.data / "accounts/first-password.txt").read_text().split()
        form = urlencode({"name": name, "code": code, "password": "a good long password"}).encode()
        url = f"https://127.0.0.1:{port}"
        browser.open(f"{url}/login", form, timeout=100).close()
        for path in ("/", "/devices", "/devices/m1", "/alarms", "/map", "/system"):
            assert browser.open(url + path, timeout=100).status == 200
        with browser.open(f"{url}/?live=x", timeout=100) as stream:
            assert stream.readline().startswith(b"retry:")
        daemon = set(LOADED.findall(made.log.read_text()))
    assert {"courtyard.agent.web.app", "courtyard.drivers.modbus.driver", "h11", "argon2"} <= daemon
    needless = {
        each for each in daemon if each.startswith(tuple(f"{name}." for name in NOT_LOADED)) or each in NOT_LOADED
    }
    assert not needless
