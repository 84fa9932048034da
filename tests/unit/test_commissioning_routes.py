"""The commissioning pages without a network: who may, what is refused, what is written, what is never shown."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from courtyard.agent.accounts import ROLES, Role, csrf_token
from courtyard.agent.page.commissioning.ability_desk import AbilitySwitch
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.kept import KEPT_S, MOST, KeptSecrets
from courtyard.agent.page.commissioning.lists import DeviceLists
from courtyard.agent.page.commissioning.scans import LineScans
from courtyard.agent.page.commissioning.site_desk import GatewaySite
from courtyard.agent.provisional import provisional_site
from courtyard.agent.web import model
from courtyard.agent.web.app import Doors, WebApp
from courtyard.agent.web.commissioning.model import (
    CameraLook,
    Desk,
    Drill,
    Form,
    Probe,
    SerialPort,
    SignOff,
    Trial,
)
from courtyard.agent.web.commissioning.upload import parse
from courtyard.agent.web.model import Refused, Words
from courtyard.config.page import Web
from courtyard.config.site_file import SiteFile
from tests.config_rig import GATEWAY, GOOD, LINE, METER
from tests.gateway_rig import virtual
from tests.web_rig import Answer, FakeHistory, Stage, opened

FORM = {"content-type": "application/x-www-form-urlencoded"}
SECRET = "a secret of the site"


class FakeTrials:
    """Remembers that it was asked; every platform refuses."""

    def __init__(self, site: GatewaySite) -> None:
        self._site, self.asked = site, list[str]()

    def ports(self) -> Sequence[SerialPort]:
        return (SerialPort("/dev/serial/by-id/usb-1", "/dev/ttyUSB0", None),)

    async def try_uplink(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, Trial | None]:
        form, _ = await self._site.proposed("uplinks", entry, given, await self._site.read())
        self.asked.append("uplink")
        refused = Words("The broker refuses user name or password.", "用户名或密码被拒绝。")
        return form, Trial("platform", "mqtt://x", fault=refused, cure=refused)

    async def try_device(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, model.TestRead | None]:
        raise Refused(Words("no", "不"))

    async def try_camera(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, CameraLook | None]:
        raise Refused(Words("no", "不"))

    async def probe(self) -> Probe:
        return Probe(())

    def picture(self, token: str) -> bytes | None:
        return b"\xff\xd8" if token == "known" else None


class FakeDrills:
    def now(self) -> Drill | None:
        return None

    def start(self, device: str, alarm_class: str, *, full: bool, by: str) -> None:
        raise Refused(Words("Another drill is running.", "另一次演练正在进行。"))

    async def evidence(self) -> Sequence[Drill]:
        return ()


class FakeSignOffs:
    async def all(self) -> Sequence[SignOff]:
        return ()

    async def sign(self, by: str, person: str, company: str, remarks: str) -> SignOff:
        raise Refused(Words("full", "已满"))


class Empty(Stage):
    """A box with whatever site file stands in the folder."""

    def __init__(self, folder: Path, *, restarts: bool = False) -> None:
        super().__init__()
        self.file = SiteFile(folder / "site.toml", folder / "data")
        self.taken = 0

        async def take() -> bool:
            self.taken += 1
            return restarts

        snapshot = provisional_site(self.file.path, folder / "data", Web("127.0.0.1", 9443))
        editor = Editor(self.file, take)
        site = GatewaySite(editor, KeptSecrets(lambda _: None), lambda: snapshot, self.file.path.exists)
        scans = LineScans({}, lambda: snapshot, lambda: 0)
        self.trials = FakeTrials(site)
        lists, abilities = DeviceLists(editor), AbilitySwitch(editor)
        desk = Desk(site, self.trials, scans, lists, FakeDrills(), FakeSignOffs(), abilities=abilities)
        doors = Doors(desk=opened(desk), begins=lambda: not self.file.path.exists())
        self.app = WebApp(self.views, self.hands, self.accounts, FakeHistory(), secure=False, doors=doors)
        self.asgi, self.routes = self.app.asgi(), self.app.commissioning(desk)

    async def post(self, path: str, role: Role = "installer", **fields: str) -> Answer:
        body = urlencode({"csrf": csrf_token(f"session-of-{role}"), **fields}).encode()
        return await self.call("POST", path, FORM, body, role=role)

    def mark(self) -> str:
        return self.file.read().mark


def concrete(path: str) -> str:
    return path.replace("{number}", "1").replace("{token}", "known").replace("{ability}", "rules")


@pytest.mark.parametrize("role", [None, *ROLES])
def test_only_installers_come_in(tmp_path: Path, role: Role | None) -> None:
    stage = Empty(tmp_path)
    routes = [(route.method, concrete(route.path)) for route in stage.routes if "commissioning" in route.path]
    routes = [each for each in routes if not each[1].startswith("/static")]
    assert len(routes) > 20
    for method, path in routes:
        answer = virtual(partial(stage.call, method, path, role=role))
        refused = answer.status == 403 or answer.headers.get("location", "").startswith("/login")
        assert refused == (role != "installer"), (method, path, answer)


def test_no_act_without_the_sessions_own_token(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    forged = urlencode({"csrf": csrf_token("session-of-somebody"), "act": "save", "id": "gw-1"}).encode()
    for path in ("gateway", "uplinks", "lines", "devices", "cameras", "scan", "import", "drill", "report"):
        answer = virtual(partial(stage.call, "POST", f"/commissioning/{path}", FORM, forged, role="installer"))
        assert "过期" in answer.text, path
    assert not stage.file.path.exists()


def test_an_installer_of_an_empty_box_is_led_to_the_steps(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    assert virtual(lambda: stage.call("GET", "/", role="installer")).headers["location"] == "/commissioning"
    assert virtual(lambda: stage.call("GET", "/", role="viewer")).status == 200


def test_the_first_save_writes_a_site_with_the_page_where_it_is(tmp_path: Path) -> None:
    stage = Empty(tmp_path, restarts=True)
    fields = {"id": "gw-0007", "place": "370213/005/012/0007", "timezone": "Asia/Shanghai", "language": "en"}
    answer = virtual(lambda: stage.post("/commissioning/gateway", mark="", **fields))
    assert answer.status == 200
    assert "data-restart" in answer.text
    site = tomllib.loads(stage.file.path.read_text())
    assert site["gateway"] == {"id": "gw-0007", "place": fields["place"], "language": "en"}
    assert site["web"] == {"listen": "127.0.0.1", "port": 9443}
    assert stage.taken == 1
    assert ("wang", "site.save", "gateway gw-0007") in stage.accounts.notes


def test_what_is_wrong_stands_at_its_field_and_nothing_is_written(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    answer = virtual(lambda: stage.post("/commissioning/gateway", mark="", id="GW 7", place="nowhere", language="en"))
    assert answer.status == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert not stage.file.path.exists()
    assert stage.taken == 0


def test_an_old_form_does_not_write_over_a_newer_file(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GOOD)
    mark = stage.mark()
    stage.file.path.write_text(GOOD + "# somebody else\n")
    answer = virtual(lambda: stage.post("/commissioning/lines", mark=mark, kind="tcp", name="x", host="h", port="1"))
    assert answer.status == 409
    assert stage.file.path.read_text() == GOOD + "# somebody else\n"


def test_a_password_is_kept_for_the_save_and_never_shown(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GATEWAY)
    fields = {"name": "platform", "url": "mqtt://127.0.0.1", "username": "gw", "from": "head", "mark": stage.mark()}
    tried = virtual(lambda: stage.post("/commissioning/uplinks", act="try", password=SECRET, **fields))
    assert stage.trials.asked == ["uplink"]
    assert SECRET not in tried.text
    found = re.search(r'name="password_kept" value="([^"]+)"', tried.text)
    assert found
    saved = virtual(lambda: stage.post("/commissioning/uplinks", act="save", password_kept=found[1], **fields))
    assert saved.status == 303
    secret = tmp_path / "secrets/platform"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (f"{SECRET}\n", 0o600)
    assert SECRET not in stage.file.path.read_text()
    assert (
        SECRET not in virtual(lambda: stage.call("GET", "/commissioning/uplinks?entry=platform", role="installer")).text
    )


BLE = '[[lines]]\nname = "ble"\nkind = "ble"\n'
PENDANT = {"profile": "wearable/bthome-button-encrypted", "id": "sos-1", "line": "ble", "address": "C0:FF:EE:00:00:01"}
DIGITS = "231d39c1d7cc1ab1aee224cd096db932"


def test_a_wearables_key_is_written_to_a_file_of_its_own(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GATEWAY + BLE)
    typed = "23:1D:39:C1:D7:CC:1A:B1:AE:E2:24:CD:09:6D:B9:32 "
    saved = virtual(lambda: stage.post("/commissioning/devices", mark=stage.mark(), key=typed, **PENDANT))
    assert saved.status == 303, saved.text
    secret = tmp_path / "secrets/sos-1.key"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (f"{DIGITS}\n", 0o600)
    device = tomllib.loads(stage.file.path.read_text())["devices"][0]
    assert device["key_file"] == "secrets/sos-1.key"
    shown = virtual(lambda: stage.call("GET", "/commissioning/devices?entry=sos-1", role="installer")).text
    assert 'name="key" type="password"' in shown
    assert DIGITS not in shown.lower()
    again = virtual(
        lambda: stage.post("/commissioning/devices", mark=stage.mark(), entry="sos-1", name="Li", **PENDANT)
    )
    assert again.status == 303
    assert secret.read_text() == f"{DIGITS}\n"


@pytest.mark.parametrize(
    ("typed", "told"),
    [(DIGITS[:-1], "密钥为 31 位，应为 32 位"), (f"{DIGITS[:-1]}g", "非十六进制字符"), ("", "没有密钥无法读取")],
)
def test_a_key_that_is_none_is_told_at_its_field_and_not_shown(tmp_path: Path, typed: str, told: str) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GATEWAY + BLE)
    answer = virtual(lambda: stage.post("/commissioning/devices", mark=stage.mark(), key=typed, **PENDANT))
    assert answer.status == 422
    error = re.search(r'id="about-key"><strong class="trouble">(.*?)</p>', answer.text)
    assert error
    assert told in error[1]
    assert not typed or typed not in answer.text
    assert stage.file.path.read_text() == GATEWAY + BLE
    assert not (tmp_path / "secrets").exists()


def test_a_fire_control_centre_is_set_up_with_its_addresses(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GATEWAY)
    fields = {"format": "gb26875", "name": "centre", "url": "tcp://127.0.0.1:5000", "from": "head"}
    given = {**fields, "mark": stage.mark(), "station.centre": "1", "station.heartbeat": "30s"}
    wrong = virtual(lambda: stage.post("/commissioning/uplinks", **given, **{"station.address": "0"}))
    assert wrong.status == 422
    assert 'name="station.address" value="0"' in wrong.text
    assert re.search(r'id="about-station.address"><strong class="trouble">', wrong.text)
    saved = virtual(lambda: stage.post("/commissioning/uplinks", **given, **{"station.address": "1144201745"}))
    assert saved.status == 303
    uplink = tomllib.loads(stage.file.path.read_text())["uplinks"][0]
    assert uplink == {
        "name": "centre",
        "url": "tcp://127.0.0.1:5000",
        "format": "gb26875",
        "station": {"address": 1144201745},
    }
    form = virtual(lambda: stage.call("GET", "/commissioning/uplinks?entry=centre", role="installer")).text
    assert 'name="station.address" value="1144201745"' in form
    assert 'name="password"' not in form


def test_an_entry_that_others_need_is_not_removed(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GOOD)
    answer = virtual(lambda: stage.post("/commissioning/lines", act="remove", entry="bus", mark=stage.mark()))
    assert answer.status == 422
    assert stage.file.path.read_text() == GOOD
    stage.file.path.write_text(GATEWAY + LINE + METER)
    answer = virtual(lambda: stage.post("/commissioning/devices", act="remove", entry="meter", mark=stage.mark()))
    assert answer.status == 303
    assert stage.file.path.read_text() == GATEWAY + LINE


def multipart(content: bytes, csrf: str) -> tuple[dict[str, str], bytes]:
    part = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    body = part % (b"csrf", csrf.encode())
    body += b'--b\r\nContent-Disposition: form-data; name="table"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
    return {"content-type": "multipart/form-data; boundary=b"}, body + content + b"\r\n--b--\r\n"


def test_a_table_is_judged_first_and_saved_once(tmp_path: Path) -> None:
    stage = Empty(tmp_path)
    stage.file.path.write_text(GATEWAY + LINE)
    table = "编号,型号,线路,地址\r\na,water/ultrad,bus,1\r\nb,nothing,bus,2\r\n".encode("gb18030")
    headers, body = multipart(table, csrf_token("session-of-installer"))
    shown = virtual(lambda: stage.call("POST", "/commissioning/import", headers, body, role="installer"))
    assert 'data-row="3"' in shown.text
    assert "devices" not in tomllib.loads(stage.file.path.read_text())
    token = re.findall(r'name="token" value="([^"]+)"', shown.text)[0]
    assert virtual(lambda: stage.post("/commissioning/import", token=token)).status == 303
    assert [each["id"] for each in tomllib.loads(stage.file.path.read_text())["devices"]] == ["a"]
    assert virtual(lambda: stage.post("/commissioning/import", token=token)).status == 409


@pytest.mark.parametrize(("size", "status"), [(1_000_001, 409), (1_200_000, 413)])
def test_a_table_that_is_too_large_is_refused(tmp_path: Path, size: int, status: int) -> None:
    stage = Empty(tmp_path)
    headers, body = multipart(b"x" * size, csrf_token("session-of-installer"))
    headers["content-length"] = str(len(body))
    answer = virtual(lambda: stage.call("POST", "/commissioning/import", headers, body, role="installer"))
    assert answer.status == status


def test_a_file_keeps_its_bytes_through_the_form() -> None:
    content = bytes(range(256)) + b"\r\nend\n"
    headers, body = multipart(content, "token")
    fields, found = parse(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
    assert (fields, found) == ({"csrf": "token"}, content)


def test_secrets_are_kept_for_a_while_and_few(tmp_path: Path) -> None:
    now, learnt = [0.0], list[str]()
    kept = KeptSecrets(learnt.extend, lambda: now[0])
    tokens = [kept.take(f"s{number}", "")[1] for number in range(MOST + 1)]
    assert kept.take("", tokens[0]) == ("", "")
    assert kept.take("", tokens[-1]) == (f"s{MOST}", tokens[-1])
    now[0] = KEPT_S + 1
    assert kept.take("", tokens[-1]) == ("", "")
    assert len(learnt) == MOST + 1
