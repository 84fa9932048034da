"""An empty box, commissioned in a real Chromium: from the one-time code to the signed report, on simulated meters."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from hw_sim.ports import free_port
from hw_sim.subscriber import Subscriber
from tests.daemon_rig import Box, box

ROOT = Path(__file__).parents[2]
SCREENS = Path(os.environ.get("COURTYARD_SCREENSHOTS", ROOT / "build/screenshots"))
AXE = ROOT / "tests/axe/axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
AXE_RUN = "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
WIDTHS = {360: 740, 768: 1024, 1920: 1080}
PASSWORD = "correct horse battery"
LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [
    {"id": "wm-1", "model": "ultrad", "line": "hall", "address": 3, "options": {"start_m3": 41.5}},
    {"id": "wm-2", "model": "ultrad", "line": "hall", "address": 4, "options": {"start_m3": 7.25}},
]
FOREIGN = {"zh-CN": r"\b(?!ONVIF|Modbus|PUBACK|Excel|MQTT)[A-Za-z]{4,}", "en": r"[\u4e00-\u9fff]"}
"""What must not stand in a text of this language, but in names and codes (translate="no")."""
WORDS_SHOWN = """(foreign) => {
  const found = [], pattern = new RegExp(foreign), apart = "[translate=no], script, svg, code, option, .about";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (pattern.test(text.data) && !text.parentElement.closest(apart)) found.push(text.data.trim());
  }
  return found;
}"""
TIMEOUT_MS = 100_000
EXPECTED = ("ERR_CONNECTION", "status of 422", "status of 409")
"""What the browser says of the gateway's restart, and of forms that were refused on purpose."""


def table(rows: int) -> bytes:
    """A spreadsheet as Excel in China writes it, three rows of it wrong."""
    lines = ["编号,型号,线路,地址,位置,名称"]
    for number in range(1, rows + 1):
        profile = "water/ultrda" if number == 50 else "water/ultrad"
        place = "3号楼" if number == 100 else f"b{number % 9 + 1:02}/u01/f01/r{number:03}"
        address = "三" if number == 150 else str(number % 240 + 5)
        lines.append(f"tab-{number:03},{profile},hall,{address},{place},{number}号水表")
    return "\r\n".join(lines).encode("gb18030")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Debian package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Box]:
    with box(tmp_path, LINES, DEVICES) as made:
        yield made


def start_empty(stage: Box, port: int) -> str:
    """Starts `courtyard run` without a site file; gives the address of its page."""
    command = [sys.executable, "-m", "courtyard.agent", "run", str(stage.site_file), "--data", str(stage.data)]
    command += ["--socket", str(stage.socket), "--page", f"127.0.0.1:{port}"]
    with stage.log.open("ab") as log:
        stage.agent = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"https://127.0.0.1:{port}"
    trusting = ssl._create_unverified_context()
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health/live", context=trusting, timeout=2).read()
            return url
        except OSError:
            assert stage.agent.poll() is None, stage.log.read_text()
    raise AssertionError(stage.log.read_text())


def look_at(page: Page, name: str) -> None:
    """Every width and both languages: nothing overflows, one language only, nothing that axe finds."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for language, other in (("zh-CN", "中文"), ("en", "English")):
        if page.evaluate("document.documentElement.lang") != language:
            page.click(f"header >> text={other}")
        page.wait_for_function("language => document.documentElement?.lang === language", arg=language)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, language, width)
            page.screenshot(path=SCREENS / f"commissioning-{name}-{language}-{width}.png", full_page=True)
        assert page.evaluate(WORDS_SHOWN, FOREIGN[language]) == [], (name, language)
    pleases_axe(page, name)


def pleases_axe(page: Page, name: str) -> None:
    page.evaluate(AXE.read_text())
    found = page.evaluate(AXE_RUN, AXE_TAGS)["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]][:3]) for each in found] == [], name


def press(page: Page, text: str) -> None:
    page.get_by_role("button", name=text, exact=True).click()


@pytest.mark.timeout(600)
def test_an_empty_box_is_commissioned_in_the_page(stage: Box, browser: Browser) -> None:
    url = start_empty(stage, free_port())
    said: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(each in message.text for each in EXPECTED):
            said.append(message.text)

    context = browser.new_context(ignore_https_errors=True, viewport={"width": 768, "height": 1024})
    context.set_default_timeout(TIMEOUT_MS)
    expect.set_options(timeout=TIMEOUT_MS)
    context.add_cookies([{"name": "courtyard_language", "value": "en", "url": url}])
    page = context.new_page()
    page.on("console", console)
    page.on("pageerror", lambda error: said.append(str(error)))

    # The one-time code of the box leads to the steps.
    page.goto(url)
    code = (stage.data / "accounts/first-password.txt").read_text()
    page.fill("input[name=name]", "installer")
    page.fill("input[name=code]", re.findall(r"[A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+", code)[0])
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    expect(page).to_have_url(f"{url}/commissioning")
    expect(page.locator(".lead")).to_contain_text("This box is new")
    look_at(page, "index")

    # Identity: a mistake is told at its field and writes nothing; then the gateway starts anew by itself.
    page.click("text=Identity and place")
    page.fill("input[name=id]", "gw-0007")
    page.fill("input[name=place]", "Qingdao")
    press(page, "Save")
    expect(page.locator("#about-place")).to_contain_text("6/3/3/4 digits")
    assert not stage.site_file.exists()
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    page.fill("input[name=place]", "370213/005/012/0007")
    page.select_option("select[name=language]", "en")
    press(page, "Save")
    expect(page).to_have_url(f"{url}/commissioning")
    expect(page.locator(".step.done")).to_have_count(1)
    assert tomllib.loads(stage.site_file.read_text())["gateway"]["id"] == "gw-0007"

    # A platform: the named error and its cure first, then a real broker.
    page.goto(f"{url}/commissioning/uplinks?new=")
    page.fill("input[name=name]", "platform")
    page.fill("input[name=url]", f"mqtt://127.0.0.1:{free_port()}")
    press(page, "Try the connection")
    expect(page.locator(".hero.danger")).to_contain_text("refuses the connection")
    look_at(page, "uplink")
    page.goto(f"{url}/commissioning/uplinks?new=")
    page.fill("input[name=name]", "platform")
    page.fill("input[name=url]", stage.broker.url)
    page.fill("input[name=password]", "a secret of the site")
    page.fill("input[name=username]", "gw-0007")
    page.select_option("select[name=from]", "oldest")
    press(page, "Try the connection")
    expect(page.locator(".hero.well")).to_contain_text("accepts this gateway")
    assert "a secret of the site" not in page.content()
    press(page, "Save")
    expect(page.locator(".good-note")).to_contain_text("platform")
    secret = stage.folder / "secrets/platform"
    assert secret.read_text() == "a secret of the site\n"
    assert secret.stat().st_mode & 0o777 == 0o600

    # A line, searched with progress.
    page.goto(f"{url}/commissioning/lines")
    look_at(page, "lines")
    page.goto(f"{url}/commissioning/lines?new=&kind=tcp")
    page.fill("input[name=name]", "hall")
    page.fill("input[name=host]", "127.0.0.1")
    page.fill("input[name=port]", str(stage.lines["hall"]["port"]))
    press(page, "Save")
    page.click("text=Search")
    page.fill("input[name=units]", "1-6")
    press(page, "Search")
    expect(page.locator("[data-live=scan]")).to_contain_text("2 found")
    expect(page.locator("[data-live=scan]")).to_contain_text("ended")
    expect(page.locator("[data-live=scan] tbody tr").first).to_contain_text("water/ultrad")
    look_at(page, "scan")

    # A device as the scan found it, with its values before it is saved.
    page.locator("[data-live=scan] a", has_text="Add").first.click()
    page.fill("input[name=id]", "wm-1")
    page.fill("input[name=place]", "b01/u01/f01/r101")
    page.fill("input[name=every]", "1s")
    press(page, "Read live values")
    expect(page.locator("table.points")).to_contain_text("41.5")
    assert "wm-1" not in stage.site_file.read_text()
    look_at(page, "device")
    page.goto(f"{url}/commissioning/devices?new=&line=hall&address=3&profile=water%2Fultrad")
    page.fill("input[name=id]", "wm-1")
    page.fill("input[name=place]", "b01/u01/f01/r101")
    page.fill("input[name=every]", "1s")
    press(page, "Save")
    expect(page.locator(".good-note")).to_contain_text("wm-1")
    with Subscriber(stage.broker.port, "gw-0007", stage.message, client_id="watcher") as watcher:
        assert watcher.subscribed.wait(60)
        stage.wait(lambda: len(stage.readings("wm-1")) >= 2)

    # A comment of a person stays through the next change; a change behind the form's back is seen.
    page.goto(f"{url}/commissioning/devices?entry=wm-1")
    text = stage.site_file.read_text().replace('id = "wm-1"', 'id = "wm-1"  # beside the stairs')
    stage.site_file.write_text(text)
    page.fill("input[name=name]", "Cellar")
    press(page, "Save")
    expect(page.locator("h1")).to_contain_text("has changed since you opened this form")
    assert stage.site_file.read_text() == text
    page.goto(f"{url}/commissioning/devices?entry=wm-1")
    page.fill("input[name=name]", "Cellar")
    press(page, "Save")
    expect(page.locator(".good-note")).to_contain_text("wm-1")
    assert 'id = "wm-1"  # beside the stairs' in stage.site_file.read_text()
    assert any(stage.data.glob("site.versions/site-*.toml"))

    # Two hundred devices, three of them wrong.
    page.goto(f"{url}/commissioning/import")
    file = {"name": "meters.csv", "mimeType": "text/csv", "buffer": table(200)}
    page.set_input_files("input[type=file]", files=[file])  # type: ignore[list-item]
    press(page, "Check it")
    expect(page.locator(".hero")).to_contain_text("197 rows are good, 3 are not")
    cells = page.locator("table.cells tbody tr")
    assert [cells.nth(number).get_attribute("data-row") for number in range(3)] == ["51", "101", "151"]
    expect(cells.nth(0)).to_contain_text("型号")
    expect(cells.nth(0)).to_contain_text("water/ultrad")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.screenshot(path=SCREENS / "commissioning-import-en-360.png", full_page=True)
    page.set_viewport_size({"width": 768, "height": 1024})
    pleases_axe(page, "import")
    press(page, "Save the good rows: 197")
    expect(page.locator(".good-note")).to_contain_text("197")
    site = tomllib.loads(stage.site_file.read_text())
    assert len(site["devices"]) == 198
    assert site["devices"][1]["name"] == "1号水表"
    assert "# beside the stairs" in stage.site_file.read_text()

    # The drill, and the report with its value, platform and evidence.
    page.goto(f"{url}/commissioning/drill")
    page.select_option("select[name=device]", "wm-1")
    press(page, "Begin the drill")
    expect(page.locator("[data-live=drill]")).to_contain_text("confirmed (PUBACK)")
    look_at(page, "drill")
    page.goto(f"{url}/commissioning/report")
    page.fill("input[name=person]", "Wang Wei")
    press(page, "Make the report")
    expect(page.locator("h1")).to_contain_text("Sign-off report 1")
    expect(page.locator("table.signed tbody tr").first).to_contain_text("41.5")
    expect(page.locator("main")).to_contain_text("accepted")
    expect(page.locator(".signatures")).to_contain_text("Wang Wei")
    page.screenshot(path=SCREENS / "commissioning-report-en-768.png", full_page=True)
    pleases_axe(page, "report")
    context.close()
    assert said == []
