"""What is wrong with the gateway itself is told on every page, in both languages, with its cure."""

from __future__ import annotations

import html
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from hw_sim.ports import free_port
from tests.daemon_rig import Box, box, device

LINES = [{"name": "hall", "kind": "tcp"}]
DEVICES = [{"id": "wm-1", "model": "bove", "line": "hall", "address": 1}]
PATHS = ("/", "/alarms", "/devices", "/devices/wm-1", "/uplinks", "/system", "/site", "/wall", "/report", "/users")


class _Keep(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


class _Browser:
    """Somebody who looks at the page of a box."""

    def __init__(self, port: int) -> None:
        self._origin, self._cookie = f"http://127.0.0.1:{port}", ""
        self._opener = urllib.request.build_opener(_Keep)

    def ask(self, path: str, form: dict[str, str] | None = None, language: str = "en") -> tuple[int, str]:
        body = None if form is None else urlencode(form).encode()
        headers = {"Origin": self._origin, "Cookie": f"courtyard_language={language}; {self._cookie}"}
        request = urllib.request.Request(self._origin + path, body, headers)
        try:
            with self._opener.open(request, timeout=100) as answer:
                return answer.status, html.unescape(answer.read().decode())
        except urllib.error.HTTPError as error:
            given = error.headers.get("Set-Cookie")
            if path == "/login" and given:
                self._cookie = given.split(";")[0]
            return error.code, html.unescape(error.read().decode())

    def log_in(self, made: Box) -> None:
        name, code = (made.data / "accounts/first-password.txt").read_text().split()
        assert self.ask("/login", {"name": name, "code": code, "password": "a good long password"})[0] == 303

    def notices(self) -> dict[str, dict[str, object]]:
        told = msgspec.json.decode(self.ask("/api/v1/gateway")[1])["notices"]
        return {each["kind"]: each for each in told}


def _started(made: Box) -> None:
    pages = made.log.read_text().count("page  listen") if made.log.exists() else 0
    made.start()
    made.wait(lambda: made.log.read_text().count("page  listen") > pages)


def _site(made: Box, port: int) -> tuple[str, ...]:
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\ntls = false\n'
    parts = (made.line("hall"), device("wm-1", "water/bove", "hall", 1, "200ms"), web)
    made.write_site(*parts)
    return parts


def test_a_damaged_journal_is_told_on_every_page_until_somebody_has_seen_it(tmp_path: Path) -> None:
    port = free_port()
    browser = _Browser(port)
    with box(tmp_path, LINES, DEVICES) as made:
        parts = _site(made, port)
        _started(made)
        browser.log_in(made)
        made.wait(lambda: len(made.readings("wm-1")) >= 20)
        assert browser.notices() == {}
        assert made.end() == 0
        database = made.data / "journal" / "journal.db"
        size = database.stat().st_size
        with database.open("r+b") as file:
            file.seek(size // 2)
            file.write(os.urandom(min(4096, size // 4)))
        _started(made)
        for path in PATHS:
            status, english = browser.ask(path)
            assert status == 200, path
            assert "The disk buffer was damaged." in english, path
            assert "replace the card" in english, path
            assert "磁盘缓存曾损坏。" in browser.ask(path, language="zh-CN")[1], path
        assert 'courtyard_notice{kind="damage"} 1' in browser.ask("/metrics")[1]
        since = browser.notices()["damage"]["since_ms"]
        assert made.end() == 0
        _started(made)
        assert browser.notices()["damage"]["since_ms"] == since, "a restart does not take the note off"

        made.write_site(*parts, "[[devices]]\nid = 7\n")
        made.wait(lambda: "nothing was changed" in made.log.read_text())
        assert list(browser.notices()) == ["site", "damage"]
        told = re.search(r"<h1>(.*?)</h1>", browser.ask("/")[1], re.DOTALL)
        assert told is not None
        assert "was damaged" in told[1], told[1]
        assert "Also: The site file cannot run." in told[1], told[1]
        assert "站点文件有误，网关正按上一份正确的文件运行。" in browser.ask("/users", language="zh-CN")[1]
        made.write_site(*parts)
        made.wait(lambda: "site applied" in made.log.read_text())

        csrf = re.search(r'name="csrf" value="(\w+)"', browser.ask("/")[1])
        assert csrf is not None
        refused = browser.ask("/notices", {"csrf": csrf[1], "kind": "memory"})
        assert refused[0] == 409
        assert browser.ask("/notices", {"csrf": csrf[1], "kind": "damage", "back": "/system"})[0] == 303
        assert browser.notices() == {}
        assert "notice.clear" in browser.ask("/audit")[1]
        made.wait(lambda: any(each["event"] == "journal.note_cleared" for each in made.platform.records["event"]))
        assert made.end() == 0
        _started(made)
        assert browser.notices() == {}


def test_records_in_memory_only_are_told_on_every_page_and_cannot_be_taken_off(tmp_path: Path) -> None:
    port = free_port()
    browser = _Browser(port)
    with box(tmp_path, LINES, DEVICES) as made:
        _site(made, port)
        made.data.mkdir()
        (made.data / "journal").write_text("a file where the folder should be")
        _started(made)
        browser.log_in(made)
        for path in PATHS:
            status, english = browser.ask(path)
            assert (status, "Records are kept in memory only." in english) == (200, True), path
            assert "数据仅保存在内存中。" in browser.ask(path, language="zh-CN")[1], path
        told = browser.notices()["memory"]
        assert (told["clearable"], isinstance(told["since_ms"], int)) == (False, True)
        metrics = browser.ask("/metrics")[1]
        assert 'courtyard_notice{kind="memory"} 1' in metrics
        assert 'courtyard_notice{kind="damage"} 0' in metrics
