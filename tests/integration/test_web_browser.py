"""Every page in a real Chromium: languages, widths, light and dark; live, by keyboard, and by axe's rules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from courtyard.agent.web.model import Notice, Words
from courtyard.agent.web.watched import Model
from tests.web_rig import NOW_MS, PASSWORD, FakeViews, Served, alarm, served

ROOT = Path(__file__).parents[2]
SCREENS = Path(os.environ.get("COURTYARD_SCREENSHOTS", ROOT / "build/screenshots"))
AXE = ROOT / "tests/axe/axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
WIDTHS = {360: 740, 768: 1024, 1920: 1080}
VIEWS = {
    "overview": "/",
    "alarms": "/alarms",
    "devices": "/devices",
    "device": "/devices/wm-0004",
    "map": "/map",
    "uplinks": "/uplinks",
    "site": "/site",
    "system": "/system",
    "log": "/log",
    "report": "/report",
    "wall": "/wall",
    "past": "/alarms/history",
    "cameras": "/cameras",
    "region": "/cameras/cam-b03-lift1/region",
    "lift": "/lifts/lift-b03-1",
    "residents": "/residents",
    "users": "/users",
    "audit": "/audit",
    "account": "/account",
    "mend": "/mend",
    "login": "/login",
}
ROLES = {"residents": "manager", "login": None}
"""Who looks, where that is not the installer."""
FOREIGN = {"zh-CN": r"[A-Za-z]{3,}", "en": r"[\u4e00-\u9fff]"}
"""What must not stand in a text of this language, but in names and codes (translate="no")."""
WORDS_SHOWN = """(foreign) => {
  const found = [], pattern = new RegExp(foreign), apart = "[translate=no], script, svg";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (pattern.test(text.data) && !text.parentElement.closest(apart)) found.push(text.data.trim());
  }
  for (const name of ["aria-label", "placeholder"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (pattern.test(element.getAttribute(name)) && !element.closest(apart)) found.push(element.getAttribute(name));
  return found;
}"""
AXE_RUN = "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"

Open = Callable[..., Page]
TIMEOUT_MS = 100_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Debian package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        expect.set_options(timeout=TIMEOUT_MS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def troubled() -> Iterator[Served]:
    with served(FakeViews()) as page:
        yield page


@pytest.fixture
def site() -> Iterator[Served]:
    with served(FakeViews()) as page:
        yield page


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens a path of a served page; no message of the browser's console is allowed."""
    said: list[str] = []
    contexts = []

    def console(message: ConsoleMessage) -> None:
        said.append(message.text)

    def open_(
        at: Served, path: str, language: str = "en", width: int = 768, dark: bool = False, role: Any = "installer"
    ) -> Page:
        size = {"width": width, "height": WIDTHS[width]}
        context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")  # type: ignore[arg-type]
        contexts.append(context)
        cookies = {"courtyard_language": language}
        if role:
            cookies["courtyard_session"] = at.accounts.open(role).token
        context.add_cookies([{"name": name, "value": value, "url": at.url} for name, value in cookies.items()])
        page = context.new_page()
        page.on("console", console)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(at.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_fits_speaks_one_language_and_pleases_axe(
    troubled: Served, visit: Open, name: str, language: str
) -> None:
    dark = language == "en"
    page = visit(troubled, VIEWS[name], language, dark=dark, role=ROLES.get(name, "installer"))
    SCREENS.mkdir(parents=True, exist_ok=True)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
        page.screenshot(path=SCREENS / f"{name}-{language}-{width}.png")
    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate(WORDS_SHOWN, FOREIGN[language]) == []
    page.set_viewport_size({"width": 360 if dark else 1920, "height": 740})
    page.evaluate(AXE.read_text())
    found = page.evaluate(AXE_RUN, AXE_TAGS)["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]][:3]) for each in found] == []


def test_a_change_on_a_device_shows_by_itself(site: Served, visit: Open) -> None:
    page = visit(site, "/devices")
    row = page.locator('[data-live="device-wm-0003"]')
    expect(row).to_contain_text("works")
    broken = Words("Unit 4 does not answer.", "4 号从站无应答。")
    site.views.all_devices[3] = msgspec.structs.replace(site.views.all_devices[3], state="fault", fault=broken)
    expect(row).to_contain_text("Unit 4 does not answer.")


def test_more_open_pages_than_a_browser_has_connections_all_load_and_change(site: Served, visit: Open) -> None:
    first = visit(site, "/devices")
    paths = ("/devices", "/devices?state=ok", "/map", "/wall", "/devices", "/uplinks", "/devices", "/", "/devices")
    pages = [first]
    for path in paths:
        pages.append(first.context.new_page())
        pages[-1].goto(site.url + path, timeout=TIMEOUT_MS)
    lists = [page for page in pages if page.url == f"{site.url}/devices"]
    assert len(lists) == 5
    assert not any(page.evaluate("document.hidden") for page in pages)
    broken = Words("Unit 4 does not answer.", "4 号从站无应答。")
    site.views.all_devices[3] = msgspec.structs.replace(site.views.all_devices[3], state="fault", fault=broken)
    for page in lists:
        expect(page.locator('[data-live="device-wm-0003"]')).to_contain_text("Unit 4 does not answer.")
    for page in pages[:6]:
        page.close()
    well = msgspec.structs.replace(site.views.all_devices[3], state="ok", fault=None)
    site.views.all_devices[3] = well
    for page in lists[-2:]:
        expect(page.locator('[data-live="device-wm-0003"]')).not_to_contain_text("Unit 4")
    lists[-1].goto(f"{site.url}/alarms")
    expect(lists[-1].locator("h1")).to_have_text("Alarms")


def test_a_page_of_a_browser_without_locks_asks_again_and_again(site: Served, visit: Open) -> None:
    page = visit(site, "/login")
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', {get: () => undefined})")
    page.goto(f"{site.url}/devices")
    row = page.locator('[data-live="device-wm-0003"]')
    expect(row).to_contain_text("works")
    before = row.element_handle()
    for state in ("stale", "ok", "stale"):
        site.views.all_devices[3] = msgspec.structs.replace(site.views.all_devices[3], state=state)
        expect(row).to_contain_text({"stale": "silent", "ok": "works"}[state])
    assert before is not None
    untouched = page.locator('[data-live="device-wm-0001"]')
    assert "fresh" not in (untouched.get_attribute("class") or ""), "what is the same stays as it is"


def test_a_new_alarm_shows_by_itself_and_an_open_form_stays(site: Served, visit: Open) -> None:
    page = visit(site, "/alarms", role="manager")
    first = page.locator(".alarm-card").first
    first.locator("summary").click()
    first.locator("input[name=reason]").fill("on my way")
    site.views.all_alarms.insert(0, alarm(99, text=Words("Cellar under water.", "地下室进水。")))
    expect(page.locator("[data-live=alarms]")).not_to_contain_text("Cellar", timeout=1500)
    expect(first.locator("input[name=reason]")).to_have_value("on my way")
    first.locator("summary").click()
    expect(page.locator("[data-live=alarms]")).to_contain_text("Cellar under water.")


def test_a_manager_acknowledges_an_alarm_by_keyboard(site: Served, visit: Open) -> None:
    page = visit(site, "/alarms", role="manager")
    summary = page.locator(".alarm-card summary").first
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("plumber is coming")
    for _ in range(2):
        page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert site.hands.done == [("acknowledge", "wm-0009:leak:1", "operator:li", "plumber is coming")]
    assert site.accounts.notes == [("li", "alarm.acknowledge", "wm-0009:leak:1")]


def test_a_viewer_is_offered_no_act(troubled: Served, visit: Open) -> None:
    assert visit(troubled, "/alarms", role="viewer").locator("summary, form[action='/alarms']").count() == 0


def test_markup_in_a_device_name_is_text(troubled: Served, visit: Open) -> None:
    page = visit(troubled, "/devices/wm-0009")
    expect(page.locator("h1")).to_have_text("3号楼2单元601 <b>水表</b>")
    assert page.locator("h1 b").count() == 0


def test_login_leads_to_where_one_wanted_to_go(site: Served, visit: Open) -> None:
    page = visit(site, "/uplinks", role=None)
    page.fill("input[name=name]", "li")
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    expect(page).to_have_url(f"{site.url}/uplinks")
    page.click("button[aria-label='Log out']")
    expect(page).to_have_url(f"{site.url}/login")


def test_all_well_is_one_sentence(browser: Browser, visit: Open) -> None:
    with served(FakeViews(well=True)) as well:
        page = visit(well, "/", "zh-CN")
        expect(page.locator(".hero h1")).to_have_text("一切正常。")
        assert page.locator(".troubles li").count() == 0
        page.close()


def test_a_broken_site_file_is_told_on_every_page(visit: Open) -> None:
    with served(FakeViews(broken=True)) as broken:
        for path in ("/", "/site"):
            page = visit(broken, path)
            expect(page.locator(".safe")).to_contain_text("/etc/courtyard/site.toml:12")
            expect(page.locator(".safe")).to_contain_text('Write "60s".')
            page.close()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_note_comes_to_open_pages_fits_and_is_taken_off_by_a_manager(
    site: Served, visit: Open, language: str
) -> None:
    page = visit(site, "/alarms", language, width=360, role="manager")
    assert page.locator(".safe").count() == 0
    what = Words("The journal was damaged: 23 records were saved.", "数据库曾损坏：已挽救 23 条记录。")
    cure = Words("Replace the card if it comes again.", "若再次出现，请更换存储卡。")
    site.views.notices = (Notice("damage", what, cure, NOW_MS - 60_000, True),)
    expect(page.locator(".safe")).to_contain_text(what.zh if language == "zh-CN" else what.en)
    expect(page.locator(".safe")).to_contain_text(cure.zh if language == "zh-CN" else cure.en)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(WORDS_SHOWN, FOREIGN[language]) == []
    page.evaluate(AXE.read_text())
    assert page.evaluate(AXE_RUN, AXE_TAGS)["violations"] == []
    with page.expect_navigation():
        page.locator(".safe button").click()
    assert site.hands.done == [("clear_notice", "damage", "operator:li")]
    assert site.accounts.notes == [("operator:li", "notice.clear", "damage")]
    assert page.url == f"{site.url}/alarms"
    assert visit(site, "/alarms", language, role="viewer").locator(".safe button").count() == 0


def test_the_first_load_is_small(troubled: Served, visit: Open) -> None:
    page = visit(troubled, "/")
    sizes = page.evaluate("performance.getEntries().map(each => each.transferSize || 0)")
    assert 0 < sum(sizes) <= 150_000


def test_search_and_language(troubled: Served, visit: Open) -> None:
    page = visit(troubled, "/devices")
    page.fill("input[name=q]", "b02 x-garage")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("text=中文")
    expect(page.locator("h1")).to_have_text("设备")


def test_a_chart_shows_a_point_over_time(troubled: Served, visit: Open) -> None:
    page = visit(troubled, "/devices/wm-0004", "en")
    expect(page.locator("[data-chart-note]")).to_contain_text("in this time")
    assert page.locator(".chart canvas").count() == 1
    page.click("text=month")
    expect(page.locator("button[aria-pressed=true]")).to_have_text("month")
    assert "m³" in (page.locator(".chart").get_attribute("aria-label") or "")


def test_a_region_is_drawn_by_hand_and_by_keyboard(site: Served, visit: Open) -> None:
    page = visit(site, "/cameras/cam-b03-lift1/region")
    page.click("text=Begin anew")
    box = page.locator(".region-picture svg").bounding_box()
    assert box is not None
    for x, y in ((0.25, 0.5), (0.75, 0.5), (0.5, 0.9)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.locator(".corner").last.focus()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.click("text=Save")
    ((camera, floor, door),) = site.pictures.drawn
    assert camera == "cam-b03-lift1"
    assert door == ()
    wanted = ((0.25, 0.5), (0.75, 0.5), (0.5, 0.91))
    assert all(
        abs(a - b) < 0.01 for one, other in zip(floor, wanted, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert ("operator:wang", "camera.region", "cam-b03-lift1") in site.accounts.notes


def test_an_account_is_added_and_its_code_shown_once(site: Served, visit: Open) -> None:
    page = visit(site, "/users", role="manager")
    form = page.locator("form", has=page.locator("button[value=add]"))
    form.locator("input[name=name]").fill("zhao")
    form.locator("button").click()
    expect(page.locator(".once")).to_contain_text("ABCDE-12345")
    page.goto(f"{site.url}/users")
    expect(page.locator("main")).not_to_contain_text("ABCDE-12345")


def test_a_broken_site_file_is_mended_in_the_page(site: Served, visit: Open) -> None:
    page = visit(site, "/mend")
    expect(page.locator(".notice.danger")).to_be_visible()
    page.click("text=Take the last good one")
    expect(page.locator(".notice.good")).to_be_visible()
    with page.expect_navigation():
        page.click("text=Check and save")
    assert site.mender.saved == ["# good\n"]
    assert ("operator:wang", "site.saved", "/etc/courtyard/site.toml") in site.accounts.notes


def test_each_device_of_a_list_shows_its_last_day(troubled: Served, visit: Open) -> None:
    page = visit(troubled, "/devices")
    expect(page.locator(".spark path").first).to_be_attached()
    assert page.locator(".spark path").count() == 49


def test_what_the_detector_says_of_a_lift_is_shown_with_the_picture_of_the_alarm(site: Served, visit: Open) -> None:
    page = visit(site, "/cameras", "en", 360)
    said = page.locator(".watching")
    expect(said).to_contain_text("e-bike, the door is held")
    expect(said).to_contain_text("Score 0.82")
    picture = page.locator(".evidence img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalWidth", 32)
    with page.expect_download() as clip:
        page.locator(".evidence a[download]").first.click()
    assert clip.value.suggested_filename.endswith(".avi")


def test_a_detector_of_the_site_is_let_act_after_a_question(site: Served, visit: Open) -> None:
    site.views.model, site.views.shadow = Model("models/own.toml", "0a1b2c3d4e5f", NOW_MS - 7_200_000), True
    page = visit(site, "/cameras", "en", 360)
    page.get_by_role("link", name="Detector").click()
    expect(page.get_by_text("in shadow")).to_be_visible()
    yes = page.get_by_role("button", name="Yes, let it act in all lifts")
    expect(yes).not_to_be_visible()
    page.get_by_text("Let it act…").click()
    expect(yes).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.screenshot(path=SCREENS / "lift-question-en-360.png", full_page=True)
    yes.click()
    expect(page.get_by_role("status").first).to_contain_text("Done.")
    assert site.lift_models.done == [("activate-model", "0a1b2c3d4e5f")]
