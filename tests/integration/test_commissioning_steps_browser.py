"""Rules, escalation, modem, beacons and residents, set up in a real Chromium on a running gateway: simulated meters, a
modem on a real pty, wearables on a private D-Bus."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from hw_sim.control import Client
from hw_sim.ports import free_port
from tests.blestack_rig import Stack, bluetooth
from tests.daemon_rig import RELAYS, Box, box, device
from tests.integration.test_commissioning_browser import (
    FOREIGN,
    PASSWORD,
    SCREENS,
    TIMEOUT_MS,
    WIDTHS,
    WORDS_SHOWN,
    look_at,
    pleases_axe,
    press,
)

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [
    {"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3, "options": {"start_m3": 41.5}},
    {"id": "relays", "model": "relay-board", "line": "hall", "address": 10},
]
BLE = '[[lines]]\nname = "ble"\nkind = "ble"  # in the hall\n'
SIREN = '[[outputs]]\nname = "siren-b03"\ndevice = "relays"\ntarget = "siren"\n'
EXPECTED = ("status of 422", "status of 403")
"""What the browser says of forms, and of a page, that were refused on purpose."""
NUMBER = "+8613812345678"
RECORDED = """async () =>
  (await (await fetch("/api/v1/devices/wm-1/history/water.volume.total")).json()).at_ms.length > 0"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Debian package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@contextmanager
def modem(folder: Path) -> Iterator[tuple[Path, Client]]:
    """A simulated modem on a pty, with a PIN."""
    path, control = folder / "modem", folder / "modem.sock"
    command = [sys.executable, "-m", "hw_sim", "modem", "--path", str(path), "--pin", "4711", "--control", str(control)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            client = Client(control)
            yield path, client
            client.close()
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with bluetooth(tmp_path / "bluez", "--residents", "3", "--adverts", "5") as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path, stack: Stack) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        made.environment = stack.environment
        yield made


def logged_in(browser: Browser, url: str, name: str, code: str, said: list[str]) -> Page:
    """A page of somebody's own, with everything that its console complains of."""

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(each in message.text for each in EXPECTED):
            said.append(message.text)

    context: BrowserContext = browser.new_context(viewport={"width": 768, "height": 1024})
    context.set_default_timeout(TIMEOUT_MS)
    expect.set_options(timeout=TIMEOUT_MS)
    context.add_cookies([{"name": "courtyard_language", "value": "en", "url": url}])
    page = context.new_page()
    page.on("console", console)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{url}/login?code")
    page.fill("input[name=name]", name)
    page.fill("input[name=code]", code)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    expect(page.locator("header")).to_be_visible()
    return page


def see(page: Page, name: str, act: str) -> None:
    """What comes of pressing a button of a form, in both languages and every width; English last."""
    for language in ("zh-CN", "en"):
        origin = page.evaluate("location.origin")
        page.context.add_cookies([{"name": "courtyard_language", "value": language, "url": origin}])
        page.locator(f"main button[value={act}]").first.click()
        page.wait_for_function("wanted => document.documentElement.lang === wanted", arg=language)
        for width in (360, 1920):
            height = WIDTHS[width]
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, language, width)
            page.screenshot(path=SCREENS / f"commissioning-{name}-{language}-{width}.png", full_page=True)
        assert page.evaluate(WORDS_SHOWN, FOREIGN[language]) == [], (name, language)
    pleases_axe(page, name)


@pytest.mark.timeout(600)
def test_a_house_with_residents_is_set_up_in_the_page(stage: Box, stack: Stack, browser: Browser) -> None:
    port, said = free_port(), list[str]()
    url = f"http://127.0.0.1:{port}"
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\ntls = false\n'
    stage.write_site(stage.line("hall"), device("wm-1", "water/ultrad", "hall", 3), RELAYS, SIREN, BLE, web)
    stage.start()
    stage.wait(lambda: len(stage.readings("wm-1")) > 2)
    stage.wait(lambda: "page  listen" in stage.log.read_text())
    name, code = (stage.data / "accounts/first-password.txt").read_text().split()
    page = logged_in(browser, url, name, code, said)

    def site() -> dict[str, list[dict[str, object]]]:
        return tomllib.loads(stage.site_file.read_text())  # type: ignore[return-value]

    # A rule from a beginning: a mistake at its field, the sentence and the change before it is saved.
    page.goto(f"{url}/commissioning/rules")
    look_at(page, "rules")
    page.click("text=Water flows backwards")
    page.fill("input[name=for]", "a while")
    press(page, "Save")
    expect(page.locator("#about-for .trouble")).to_be_visible()
    see(page, "rule-wrong", "save")
    page.fill("input[name=for]", "90s")
    press(page, "Try it and look at the change")
    expect(page.locator("#preview .lead")).to_contain_text("Alarm when water flows backwards for 1 min 30 s")
    expect(page.locator("#preview .diff ins", has_text='kind = "reverse_flow"')).to_be_visible()
    see(page, "rule-preview", "preview")
    press(page, "Save")
    expect(page.locator(".good-note")).to_contain_text("backwards")
    assert site()["rules"][0]["for"] == "90s"
    assert "# in the hall" in stage.site_file.read_text()

    # The modem: its PIN, then SIM card and signal, live, also while it is unplugged.
    with modem(stage.folder) as (path, simulator):
        page.goto(f"{url}/commissioning/modem")
        page.fill("input[name=other]", str(path))
        page.fill("input[name=pin_file]", "4711")
        press(page, "Look at the change")
        expect(page.locator("#preview .diff")).to_contain_text("sim-pin")
        see(page, "modem", "preview")
        press(page, "Save")
        expect(page.locator(".good-note")).to_be_visible()
        assert (stage.folder / "secrets/sim-pin").read_text() == "4711\n"
        page.goto(f"{url}/commissioning/signal")
        press(page, "Look now")
        expect(page.locator("[data-live=signal]")).to_contain_text("-73 dBm")
        look_at(page, "signal")
        simulator("fault no-sim")
        expect(page.locator("[data-live=signal] .hero.danger")).to_be_visible()
        simulator("heal")
        expect(page.locator("[data-live=signal]")).to_contain_text("-73 dBm")

        # Who is told, in which order: a ladder before it is saved, then a message to one person who agreed.
        page.goto(f"{url}/commissioning/escalations?new=")
        page.fill("input[name=name]", "life")
        page.select_option("select[name='steps.0.do']", "output:siren-b03")
        page.fill("input[name='steps.0.after']", "30")
        page.select_option("select[name='steps.1.do']", "sms")
        page.fill("input[name='steps.1.after']", "20s")
        page.fill("input[name='steps.1.numbers']", NUMBER)
        press(page, "Save")
        expect(page.locator("[id='about-steps.1.after'] .trouble")).to_be_visible()
        page.fill("input[name='steps.1.after']", "60s")
        press(page, "Look at the change")
        expect(page.locator("#preview .ladder li")).to_have_count(3)
        see(page, "escalation", "preview")
        press(page, "Save")
        expect(page.locator(".ladder li")).to_have_count(3)
        press(page, "Send the test message")
        expect(page.locator("#about-agreed")).to_contain_text("Ask this person first")
        page.check("input[name=agreed]")
        press(page, "Send the test message")
        expect(page.locator(".hero.well")).to_contain_text("has taken the test message")
        assert [each["number"] for each in simulator("sent")] == [NUMBER]
        page.goto(f"{url}/commissioning/escalations")
        look_at(page, "escalations")

    # What is heard: a button of the house, pressed, becomes a device.
    page.goto(f"{url}/commissioning/heard")
    press(page, "Listen")
    heard = page.locator("[data-live=heard]")
    expect(heard).to_contain_text("dBm")
    encrypted, button = "BTH-001", "BTH-002"
    row = heard.locator("tr", has_text=stack.names[button])
    expect(row).to_be_visible()
    stack("press", button)
    expect(row).to_contain_text("pressed")
    stack("press", encrypted)
    expect(heard.locator("tr", has_text=stack.names[encrypted])).to_contain_text("speaks anew")
    look_at(page, "heard")
    row.locator("a", has_text="Add").click()
    page.fill("input[name=id]", "sos-1")
    page.fill("input[name=place]", "b01/u01/f01/r101")
    press(page, "Save")
    expect(page.locator(".good-note")).to_contain_text("sos-1")

    # Residents: not for the installer; a manager chooses what is heard, and records the consent.
    assert page.goto(f"{url}/commissioning/residents").status == 403  # type: ignore[union-attr]
    answer = stage.run("users", "add", "li", "--role", "manager", "--data", str(stage.data), "--json")
    assert answer.returncode == 0, answer.stderr
    manager = logged_in(browser, url, "li", json.loads(answer.stdout)["code"], said)
    manager.goto(f"{url}/commissioning/residents?new=")
    manager.fill("input[name=id]", "13812345678")
    manager.fill("input[name=buttons]", "sos-1")
    press(manager, "Save")
    expect(manager.locator("#about-id")).to_contain_text("phone or identity number")
    manager.fill("input[name=id]", "r-001")
    press(manager, "Listen now")
    choices = manager.locator("select[name=add] option")
    band = next(index for index in range(choices.count()) if "HR" in (choices.nth(index).text_content() or ""))
    manager.select_option("select[name=add]", index=band)
    manager.fill("input[name='device.place']", "b01/u01/f01/r101")
    manager.fill("input[name=heart_above]", "120")
    manager.select_option("select[name=report]", "changes")
    press(manager, "Look at the change")
    expect(manager.locator("#preview .diff")).to_contain_text("[[residents]]")
    see(manager, "resident", "preview")
    press(manager, "Save")
    expect(manager.locator(".good-note")).to_contain_text("r-001")
    assert site()["residents"] == [
        {
            "id": "r-001",
            "wearables": ["r-001-band"],
            "buttons": ["sos-1"],
            "limits": [{"point": "vital.heart_rate", "above": 120}],
            "report": "changes",
        }
    ]
    manager.click("th >> text=r-001")
    press(manager, "Record the consent")
    expect(manager.locator("#about-who")).to_be_visible()
    see(manager, "consent", "grant")
    manager.select_option("select[name=who]", "self")
    manager.check("input[name='for.vitals']")
    manager.fill("input[name=day]", "2026-11-23")
    manager.fill("input[name=paper]", "folder 3")
    press(manager, "Record the consent")
    expect(manager.locator("#consent .badge.ok")).to_be_visible()
    look_at(manager, "consented")
    acts = [json.loads(line) for line in (stage.data / "residents.acts").read_text().splitlines()]
    assert [(act["deed"], act["resident"], act["by"]) for act in acts] == [("grant", "r-001", "operator:li")]
    told = {"resident": "r-001", "granted": True}
    stage.wait(lambda: any(each.get("details") == told for each in stage.platform.records["event"]))

    # By now the box has a minute of history: a rule is tried on it.
    page.goto(f"{url}/commissioning/rules?new=&template=limit")
    page.wait_for_function(RECORDED, polling=1000)
    page.fill("input[name=name]", "much-water")
    page.fill("input[name=devices]", "wm-1")
    page.select_option("select[name=point]", "water.volume.total")
    page.fill("input[name=above]", "41")
    for _ in range(60):  # minutes are written once a minute
        page.locator("main button[value=preview]").first.click()
        page.wait_for_selector("#preview")
        if page.locator("#preview .fired").count():
            break
        page.wait_for_timeout(2000)
    see(page, "rule-tried", "preview")
    expect(page.locator("#preview")).to_contain_text("In the last 7 days it would have fired 1 time.")
    expect(page.locator("#preview .fired tbody tr")).to_contain_text("still now")
    assert said == []
