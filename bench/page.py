"""The status page under load: a real daemon of 1,000 meters, twenty open pages, one slow phone.

A meter of the simulator puts the time of its answer into a register, so that an open page of that meter tells how old
a value is when it arrives there.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import socket
import ssl
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.process import Usage, cpu_share, usage
from bench.report import Row, Section, percentile
from bench.throughput import TICKS_PER_S, rig
from hw_sim.ports import free_port

PASSWORD = "a good long password"
RSS_MB, FIRST_LOAD_BYTES = 60.0, 150_000
LONGEST_S = 1.0
START_S, WARM_S, LATEST_S = 60.0, 8.0, 30.0
TICK = re.compile(r"site\.load\.tick</span></th><td class=\"num\"><span class=\"value\">([\d\u202f]+)")
SLOW_PHONE = 4
"""CPU throttling of a cheap phone, as Lighthouse takes it."""
ROUNDS = 3
SETTLED_S = 1.0
NOTHING = "/health/live"
"""Two letters without markup: what the browser itself takes for any page."""
USABLE = """() => new Promise((found) => requestAnimationFrame(() => setTimeout(() => found([
  performance.now(), performance.getEntries().reduce((sum, each) => sum + (each.transferSize || 0), 0)]), 0)))"""


class Result(NamedTuple):
    """Shares of a core without and with open pages, resident bytes, ages of values in s, and what a slow phone saw."""

    quiet: float
    open: float
    before: Usage
    after: Usage
    ages_s: Sequence[float]
    pieces: int
    usable_s: dict[str, float]
    first_load_bytes: int


def place(number: int) -> str:
    """Five buildings of four units, ten floors and five rooms."""
    building, rest = divmod(number, 200)
    unit, rest = divmod(rest, 50)
    floor, room = divmod(rest, 5)
    return f"b{building + 1:02}/u{unit + 1:02}/f{floor + 1:02}/r{floor + 1}{room + 1:02}"


class Browser:
    """Somebody who has logged in, without a screen."""

    def __init__(self, url: str, data: Path) -> None:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        self.url, self.jar = url, http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trust), urllib.request.HTTPCookieProcessor(self.jar)
        )
        name, code = (data / "accounts/first-password.txt").read_text().split()
        self.open("/login", urlencode({"name": name, "code": code, "password": PASSWORD}).encode()).close()

    def open(self, path: str, body: bytes | None = None) -> Any:
        """The answer, to be read and closed.  Raises urllib.error.URLError."""
        headers = {"Accept-Encoding": "identity", "Origin": self.url}
        return self._opener.open(urllib.request.Request(self.url + path, body, headers), timeout=LATEST_S)


class OpenPage(threading.Thread):
    """One page that stays open: counts what comes and, for a meter's page, how old its values are."""

    def __init__(self, browser: Browser, path: str) -> None:
        super().__init__(daemon=True)
        self._stream = browser.open(f"{path}{'&' if '?' in path else '?'}live=x")
        self.pieces, self.ages_s = 0, list[float]()
        self._over = False

    def run(self) -> None:
        for line in self._stream:
            if self._over:
                return
            if not line.startswith(b"data: "):
                continue
            now = time.time() * TICKS_PER_S
            pieces = json.loads(line[6:])["pieces"]
            self.pieces += len(pieces)
            ticks = TICK.findall(pieces.get("values", ""))
            self.ages_s += [((now - int(tick.replace("\u202f", ""))) % 2**32) / TICKS_PER_S for tick in ticks]

    def end(self) -> None:
        """Ends with the next line."""
        self._over = True


def pages(devices: Sequence[str], count: int) -> list[str]:
    """So many pages, as people keep them open: the whole, lists, the drawing, single meters."""
    common = ["/", "/wall", "/map", "/alarms", "/uplinks", "/system", "/devices", "/devices?page=2", "/devices?page=7"]
    common += ["/devices?q=b03", "/"]
    step = max(1, len(devices) // max(1, count - len(common)))
    return [*common, *(f"/devices/{each}" for each in devices[::step])][:count]


@contextmanager
def opened(browser: Browser, paths: Sequence[str]) -> Iterator[list[OpenPage]]:
    """These pages, open until the block ends."""
    streams = [OpenPage(browser, path) for path in paths]
    for each in streams:
        each.start()
    try:
        yield streams
    finally:
        for each in streams:
            each.end()
        for each in streams:
            each.join(LATEST_S)


def measure(
    *, devices: int = 1000, count: int = 20, every_s: float = 10.0, seconds: float = 30.0, warm_s: float = WARM_S
) -> Result:
    """Runs a daemon with and without open pages for `seconds` each, then looks with a slow phone."""
    port = free_port()
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\n'
    with rig(devices=devices, points=20, every_s=every_s, extra=web, place=place) as stage:
        deadline = time.monotonic() + START_S
        code = stage.folder / "data/accounts/first-password.txt"
        while not (code.exists() and _answers(port)) and time.monotonic() < deadline:
            time.sleep(0.2)
        while len(stage.collector.polls) < devices and time.monotonic() < deadline:
            time.sleep(0.2)
        browser = Browser(f"https://127.0.0.1:{port}", stage.folder / "data")
        time.sleep(warm_s)
        quiet = _share(stage.agent_pid, seconds / 2)
        names = sorted(stage.collector.polls)
        with opened(browser, pages(names, count)) as streams:
            time.sleep(warm_s)
            for each in streams:
                each.ages_s.clear()
            before = usage(stage.agent_pid)
            time.sleep(seconds)
            after = usage(stage.agent_pid)
            ages = [age for each in streams for age in each.ages_s]
            usable, size = phone(browser, ("/", "/devices", "/map", "/alarms", f"/devices/{names[0]}"))
        pieces = sum(each.pieces for each in streams)
        return Result(quiet, cpu_share(before, after), before, after, ages, pieces, usable, size)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _share(pid: int, seconds: float) -> float:
    before = usage(pid)
    time.sleep(seconds)
    return cpu_share(before, usage(pid))


def phone(browser: Browser, paths: Sequence[str]) -> tuple[dict[str, float], int]:
    """Seconds until each page is drawn and answers on a slow phone that has never seen it, the median of ROUNDS, and
    what the first one weighs with all it needs."""
    from playwright.sync_api import sync_playwright

    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    program = shutil.which("chromium")
    assert program, "Debian package chromium"
    times, first = dict[str, list[float]](), 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for path in [*paths, NOTHING] * ROUNDS:
            context = chromium.new_context(viewport={"width": 360, "height": 740}, ignore_https_errors=True)
            context.add_cookies(
                [{"name": each.name, "value": each.value or "", "url": browser.url} for each in browser.jar]
            )
            page = context.new_page()
            page.goto("about:blank")
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOW_PHONE})
            time.sleep(SETTLED_S)  # a phone's browser has long been running
            page.goto(browser.url + path, wait_until="load")
            took_ms, size = page.evaluate(USABLE)
            times.setdefault(path, []).append(took_ms / 1000)
            first = first or size
            context.close()
        chromium.close()
    return {path: statistics.median(took) for path, took in times.items()}, first


def section() -> Section:
    """1,000 meters and twenty open pages; then the memory of a usual site."""
    result = measure()
    usual = measure(devices=200, count=4, every_s=10.0, seconds=10.0)
    usable_s, own = dict(result.usable_s), result.open - result.quiet
    nothing_s, slowest = usable_s.pop(NOTHING), max(usable_s, key=lambda path: usable_s[path])
    most, late = max(result.ages_s), percentile(result.ages_s, 0.5)
    rss_mb = usual.after.rss_bytes / 1e6
    took_s = usable_s[slowest]
    rows = [
        Row("1,000 devices, 20 open pages: share of a core", f"{own:.1%}", "<= 10 %", own <= 0.10),
        Row("the daemon without open pages", f"{result.quiet:.1%}"),
        Row("answer of a meter to open page, p50", f"{late:.2f} s ({len(result.ages_s)} changes)", "<= 1 s", late <= 1),
        Row("the same, longest", f"{most:.2f} s", f"<= {LONGEST_S:g} s", most <= LONGEST_S),
        Row("CPU slowed down 4 times: slowest page usable", f"{took_s:.2f} s ({slowest})", "<= 1 s", took_s <= 1),
        Row("the same browser, a page without anything", f"{nothing_s:.2f} s"),
        Row(
            "first load, everything",
            f"{result.first_load_bytes / 1000:.0f} kB",
            "<= 150 kB",
            0 < result.first_load_bytes <= FIRST_LOAD_BYTES,
        ),
        Row("200 devices, 4 open pages: resident memory", f"{rss_mb:.1f} MB", "<= 60 MB", rss_mb <= RSS_MB),
        Row("1,000 devices on lines of their own: resident memory", f"{result.after.rss_bytes / 1e6:.0f} MB"),
    ]
    note = "Daemon on core 0, HTTPS; simulator and the readers of the pages on core 1; Chromium on both."
    return Section("Status page", "python -m bench page", rows, note)


if __name__ == "__main__":
    import sys

    found = measure(devices=int(sys.argv[1]), count=int(sys.argv[2]), seconds=float(sys.argv[3]))
    print(found._replace(ages_s=sorted(found.ages_s)))
