"""The page of a real gateway to which it is added while it runs: history, past alarms, a site file mended by hand."""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from hw_sim.ports import free_port
from tests.daemon_rig import box, device


class _Keep(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        return None


def test_a_page_added_to_a_running_gateway_has_history_and_mends_the_site(tmp_path: Path) -> None:
    port = free_port()
    web = f'[web]\nlisten = "127.0.0.1"\nport = {port}\ntls = false\n'
    browser = urllib.request.build_opener(_Keep)
    cookie = ""

    def ask(path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        body = None if form is None else urlencode(form).encode()
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"} if cookie else {}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
        try:
            with browser.open(request, timeout=100) as answer:
                return answer.status, answer.read().decode(), answer.headers.get("Set-Cookie", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers.get("Set-Cookie") or ""

    def field(page: str, name: str) -> str:
        found = re.search(rf'name="{name}" value="(\w+)"', page)
        assert found is not None
        return found[1]

    devices = [{"id": "m1", "model": "ultrad", "line": "bus", "address": 1}]
    with box(tmp_path, [{"name": "bus", "kind": "tcp"}], devices) as made:
        parts = (made.line("bus"), device("m1", "water/ultrad", "bus", 1))
        made.write_site(*parts)
        made.start()
        made.wait(lambda: len(made.readings("m1")) > 2)
        made.write_site(*parts, web)
        made.wait(lambda: "page  listen" in made.log.read_text())
        name, code = (made.data / "accounts/first-password.txt").read_text().split()
        cookie = ask("/login", {"name": name, "code": code, "password": "a good long password"})[2].split(";")[0]
        status, text, _ = ask("/api/v1/devices/m1/history/water.volume.total")
        assert (status, json.loads(text)["device"]) == (200, "m1")
        assert (made.data / "history").is_dir()
        for path in ("/alarms/history", "/users", "/audit", "/account", "/site?q=m1", "/system", "/devices"):
            assert ask(path)[0] == 200, path
        assert ask("/residents")[0] == 403

        made.write_site(*parts, web, "[[devices]]\nid = 7\n")
        made.wait(lambda: "nothing was changed" in made.log.read_text())
        status, page, _ = ask("/mend")
        assert 'role="alert"' in page
        broken = html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.S)[1])  # type: ignore[index]
        csrf, mark = field(page, "csrf"), field(page, "mark")
        assert ask("/mend", {"csrf": csrf, "mark": mark, "text": broken, "act": "save"})[0] == 422
        assert made.site_file.read_text() == broken
        restored = ask("/mend", {"csrf": csrf, "mark": mark, "act": "restore"})[1]
        good = html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", restored, re.S)[1])  # type: ignore[index]
        form = {"csrf": csrf, "mark": field(restored, "mark"), "text": good.replace("\n", "\r\n"), "act": "save"}
        assert ask("/mend", form)[0] == 303
        assert made.site_file.read_text() == good
        made.wait(lambda: '"safe_mode":false' in ask("/api/v1/gateway")[1])
        assert "site.saved" in ask("/api/v1/audit")[1]
