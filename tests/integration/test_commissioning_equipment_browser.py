"""Fire panel, outputs and lift are commissioned in a real Chromium: a panel's pty, a relay board, a drawn lift."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from hw_sim.ports import free_port
from tests.daemon_rig import GATEWAY, PLACE, Box, box
from tests.firewire_rig import simulated_panel
from tests.integration.test_commissioning_browser import (
    EXPECTED,
    FOREIGN,
    PASSWORD,
    SCREENS,
    TIMEOUT_MS,
    WIDTHS,
    WORDS_SHOWN,
    browser,
    pleases_axe,
    press,
    start_empty,
)

__all__ = ["browser"]
LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "relays", "model": "relay-board", "line": "hall", "address": 10}]
SITE = f"""# Looked after by the property office.
[gateway]
id = "{GATEWAY}"
place = "{PLACE}"
language = "en"

[[lines]]
name = "hall"  # in the meter room
kind = "tcp"
host = "127.0.0.1"
port = %d

[[lines]]
name = "fire-1"
kind = "serial"
port = "%s"
baud = 2400

[web]
listen = "127.0.0.1"
port = %d
"""
PARTS = "address,place,text\n006012,b03/f06,East corridor\n006013,floor six,Wrong place\n006012,b03/f07,Again\n"


@contextmanager
def drawn_lift(folder: Path) -> Iterator[str]:
    """A camera in a drawn lift, as a process of its own; its address."""
    command = [sys.executable, "-m", "hw_sim", "lift", "--rate", "5", "--control", str(folder / "lift.sock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["device"])
        finally:
            process.terminate()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


def site_of(stage: Box) -> dict[str, object]:
    return tomllib.loads(stage.site_file.read_text())


def lists(stage: Box, table: str) -> list[dict[str, object]]:
    found = site_of(stage).get(table, [])
    assert isinstance(found, list)
    return found


def fill(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.fill(f"input[name='{name}']", text)


def draw(page: Page) -> None:
    """Four corners on the picture of the lift."""
    canvas = page.locator(".region-picture svg")
    canvas.evaluate("element => element.scrollIntoView({block: 'center'})")
    for x, y in ((0.2, 0.4), (0.8, 0.4), (0.9, 0.9), (0.1, 0.9)):
        size = canvas.bounding_box()
        assert size is not None
        page.mouse.click(size["x"] + x * size["width"], size["y"] + y * size["height"])
    expect(canvas.locator(".corner")).to_have_count(4)


def look(page: Page, address: str, name: str) -> None:
    """A form by its address, in both languages and all widths."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    base = "/".join(address.split("/")[:3])
    for language in ("zh-CN", "en"):
        page.context.add_cookies([{"name": "courtyard_language", "value": language, "url": base}])
        page.goto(address)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, language, width)
            page.screenshot(path=SCREENS / f"commissioning-{name}-{language}-{width}.png", full_page=True)
        assert page.evaluate(WORDS_SHOWN, FOREIGN[language]) == [], (name, language)
        pleases_axe(page, name)
    page.set_viewport_size({"width": 768, "height": 1024})


def glance(page: Page, name: str) -> None:
    """A page that only an act brings: a phone's width, and what axe finds."""
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    page.screenshot(path=SCREENS / f"commissioning-{name}-en-360.png", full_page=True)
    pleases_axe(page, name)
    page.set_viewport_size({"width": 768, "height": 1024})


@pytest.mark.timeout(600)
def test_fire_panel_outputs_and_lift_are_commissioned_in_the_page(stage: Box, browser: Browser) -> None:
    said: list[str] = []
    pty = stage.folder / "gst24"

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(each in message.text for each in EXPECTED):
            said.append(message.text)

    with simulated_panel(stage.folder, "gst24", "--path", str(pty)) as panel, drawn_lift(stage.folder) as camera:
        port = free_port()
        stage.site_file.write_text(SITE % (stage.lines["hall"]["port"], pty, port))
        url = start_empty(stage, port)
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 768, "height": 1024})
        context.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        context.add_cookies([{"name": "courtyard_language", "value": "en", "url": url}])
        page = context.new_page()
        page.on("console", console)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(url)
        code = (stage.data / "accounts/first-password.txt").read_text()
        fill(page, name="installer", code=re.findall(r"[A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+", code)[0], password=PASSWORD)
        page.click("button")
        page.goto(f"{url}/commissioning")
        look(page, f"{url}/commissioning", "index-equipment")

        # A fire panel: mistakes at their fields, what it says live and decoded, before anything is saved.
        page.click("text=Fire panels")
        expect(page.locator(".lead")).to_contain_text("only read")
        page.get_by_role("link", name="Add", exact=True).click()
        page.select_option("select[name=where]", "line:fire-1")
        page.select_option("select[name=protocol]", "gst24")
        press(page, "Next")
        look(page, f"{url}/commissioning/fire_panels?new=", "panel-choose")
        look(page, f"{url}/commissioning/fire_panels?new=&where=line:fire-1&protocol=gb26875", "panel-form")
        page.goto(f"{url}/commissioning/fire_panels?new=&where=line:fire-1&protocol=gst24")
        fill(page, id="FP 1", place="b03/x-fire-room")
        press(page, "Save")
        expect(page.locator("#about-id")).to_contain_text("lower-case")
        glance(page, "panel-wrong")
        page.goto(f"{url}/commissioning/fire_panels?new=&where=line:fire-1&protocol=gst24")
        fill(page, id="fp-1", place="b03/x-fire-room")
        press(page, "Listen")
        expect(page.locator("[data-live=heard]")).to_contain_text("listening")
        panel("event fire 6 12")
        expect(page.locator("table.heard tbody")).to_contain_text("006012")
        raw = str(panel("told")[0]["frame"])
        expect(page.locator("table.heard tbody tr").first).to_contain_text(bytes.fromhex(raw).hex(" "))
        assert not panel("told")[0]["confirmed"]
        assert "fire_panels" not in site_of(stage)
        look(page, f"{url}/commissioning/listen", "listen")
        page.goto(f"{url}/commissioning/listen")
        page.get_by_role("link", name="Back to the form, with these values").click()
        assert page.input_value("input[name=id]") == "fp-1"
        press(page, "Look at the change")
        expect(page.locator(".diff")).to_contain_text("[[fire_panels]]")
        glance(page, "panel-diff")
        page.goto(
            f"{url}/commissioning/fire_panels?new=&where=line:fire-1&protocol=gst24&id=fp-1&place=b03/x-fire-room"
        )
        press(page, "Save")
        expect(page.locator(".good-note")).to_contain_text("fp-1")
        assert lists(stage, "fire_panels") == [
            {"id": "fp-1", "line": "fire-1", "protocol": "gst24", "place": "b03/x-fire-room"}
        ]

        # Its detectors by CSV, rows that are wrong named.
        page.get_by_role("link", name="Names of detectors").click()
        file = {"name": "parts.csv", "mimeType": "text/csv", "buffer": PARTS.encode()}
        page.set_input_files("input[type=file]", files=[file])  # type: ignore[list-item]
        press(page, "Check it")
        expect(page.locator(".hero")).to_contain_text("1 rows are good, 2 are not")
        assert page.locator("table.cells tbody tr").nth(0).get_attribute("data-row") == "3"
        page.screenshot(path=SCREENS / "commissioning-parts-en-768.png", full_page=True)
        press(page, "Save the good rows: 1")
        expect(page.locator(".good-note")).to_contain_text("1")
        look(page, f"{url}/commissioning/parts?panel=fp-1", "parts")
        assert lists(stage, "fire_panels")[0]["names"] == "names/fp-1.csv"

        # A relay board and two outputs; the siren is tested and releases by itself.
        page.goto(f"{url}/commissioning/boards?new=")
        look(page, page.url, "board")
        page.select_option("select[name=line]", "hall")
        fill(page, id="io-1", address="10", every="250ms")
        press(page, "Save")
        expect(page.locator(".good-note")).to_contain_text("io-1")
        for name, relay, use in (("siren", "relay-1", "general"), ("door", "relay-2", "door-hold")):
            page.goto(f"{url}/commissioning/outputs?new=")
            fill(page, name=name)
            page.select_option("select[name=relay]", f"io-1 {relay}")
            page.select_option("select[name=use]", use)
            if name == "siren":
                fill(page, cap="9d")
                press(page, "Save")
                expect(page.locator("#about-cap")).to_contain_text("1d")
                glance(page, "output-wrong")
                page.goto(f"{url}/commissioning/outputs?new=&name=siren&relay=io-1%20relay-1&cap=30s")
            press(page, "Save")
            expect(page.locator(".good-note")).to_contain_text(name)
        look(page, f"{url}/commissioning/outputs", "outputs")
        look(page, f"{url}/commissioning/outputs?entry=siren", "output")
        page.goto(f"{url}/commissioning/pulse?output=siren")
        expect(page.locator("[data-live=pulse]")).to_contain_text("released")
        fill(page, seconds="2")
        page.check("input[name=agreed]")
        press(page, "Hold it now")
        expect(page.locator("[data-live=pulse]")).to_contain_text("switched, and confirmed by the device")
        expect(page.locator("[data-live=pulse]")).to_contain_text("held and released")
        assert len(stage.simulator("writes relays")) >= 2
        assert stage.simulator("held") == {"relays": {}}
        expect(page.locator("[data-live=pulse]")).to_contain_text("only as the hold of a lift")
        look(page, f"{url}/commissioning/pulse?output=siren", "pulse")

        # A lift: the drawn camera, its region, its inputs; it counts and warns until its maintainer has signed.
        page.goto(f"{url}/commissioning/cameras?new=&address={camera}")
        fill(page, id="cam-1", username="gateway", password="gateway-demo")
        press(page, "Save")
        expect(page.locator(".good-note")).to_contain_text("cam-1")
        page.goto(f"{url}/commissioning/lifts?new=")
        page.select_option("select[name=camera]", "cam-1")
        press(page, "Next")
        expect(page.locator("form[data-region]")).to_be_visible()
        for _ in range(60):
            if page.locator(".region-picture img").count():
                break
            page.wait_for_timeout(1000)
            page.reload()
        expect(page.locator(".region-picture img")).to_be_visible()
        look(page, f"{url}/commissioning/lifts?new=&camera=cam-1", "lift")
        page.goto(f"{url}/commissioning/lifts?new=&camera=cam-1")
        fill(page, id="lift-1", place="b03/x-lift1")
        page.select_option("select[name=fire_return]", "io-1 input.1")
        page.check("input[name='warn.siren']")
        page.select_option("select[name=hold]", "door")
        fill(page, **{"commissioned.maintainer": "Lift Service, Wang", "commissioned.date": "2026-11-20"})
        press(page, "Save")
        expect(page.locator("#about-tested")).to_contain_text("permits nothing")
        glance(page, "lift-wrong")
        page.goto(f"{url}/commissioning/lifts")
        assert "lifts" not in site_of(stage)
        page.goto(f"{url}/commissioning/lifts?new=&camera=cam-1&id=lift-1&place=b03/x-lift1&hold=door")
        draw(page)
        page.select_option("select[name=fire_return]", "io-1 input.1")
        page.check("input[name='warn.siren']")
        press(page, "Save")
        expect(page.locator(".good-note")).to_contain_text("lift-1")
        expect(page.locator("main")).to_contain_text("counts and warns only")
        (lift,) = lists(stage, "lifts")
        assert len(lift["floor_region"]) == 4  # type: ignore[arg-type]
        assert (lift["hold"], lift["warn"]) == ("door", ["siren"])
        assert lift["fire_return"] == {"device": "io-1", "point": "input.1"}
        look(page, f"{url}/commissioning/lifts", "lifts")

        # The maintainer signs: the door's own test is open now, and its inputs are shown.
        page.goto(f"{url}/commissioning/lifts?entry=lift-1")
        fill(page, **{"commissioned.maintainer": "Lift Service, Wang", "commissioned.date": "2026-11-20"})
        page.check("input[name=tested]")
        press(page, "Save")
        expect(page.locator("main")).to_contain_text("Lift Service, Wang, 2026-11-20")
        assert lists(stage, "lifts")[0]["commissioned"] == {"maintainer": "Lift Service, Wang", "date": "2026-11-20"}
        page.goto(f"{url}/commissioning/pulse?output=door")
        expect(page.locator("[data-live=pulse]")).to_contain_text("quiet")
        fill(page, seconds="1")
        page.check("input[name=agreed]")
        press(page, "Hold it now")
        expect(page.locator("[data-live=pulse]")).to_contain_text("held and released")
        look(page, f"{url}/commissioning/pulse?output=door", "pulse-door")
        text = stage.site_file.read_text()
        assert text.startswith("# Looked after by the property office.\n")
        assert 'name = "hall"  # in the meter room' in text
        context.close()
    assert said == []
