"""The steps for fire panels, outputs and lifts without a network: what is asked, refused, written; who may."""

from __future__ import annotations

import datetime
import html
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from courtyard.agent.accounts import ROLES, Role, csrf_token
from courtyard.agent.page.commissioning.board_step import BoardStep
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.lift_step import NEEDED_H, NEEDED_LOOKS, LiftStep
from courtyard.agent.page.commissioning.lists import DeviceLists
from courtyard.agent.page.commissioning.output_step import OutputStep
from courtyard.agent.page.commissioning.panel_step import PanelStep
from courtyard.agent.page.commissioning.part_lists import PanelPartLists
from courtyard.agent.page.commissioning.register_panel_step import RegisterPanelStep
from courtyard.agent.page.commissioning.scans import LineScans
from courtyard.agent.page.commissioning.site_desk import GatewaySite
from courtyard.agent.serial_ports import SerialPort
from courtyard.agent.vision.scores import ENOUGH_LOOKS, ENOUGH_S
from courtyard.agent.web.app import Doors, WebApp
from courtyard.agent.web.commissioning.equipment_model import (
    Blocking,
    Equipment,
    HeardFrame,
    OutputState,
    PanelHeard,
    Pulse,
    PulseStep,
)
from courtyard.agent.web.commissioning.model import Desk, Form
from courtyard.agent.web.model import Refused, Words
from courtyard.config.read import check_site
from courtyard.config.site_file import SiteFile
from courtyard.config.snapshot import Snapshot
from tests.config_rig import BOARD, GATEWAY, GOOD, LINE
from tests.gateway_rig import virtual
from tests.unit.test_commissioning_routes import FORM, FakeDrills, FakeSignOffs, FakeTrials
from tests.web_rig import Answer, FakeHistory, Stage, opened

PORT = "/dev/serial/by-id/usb-FTDI-9"
CAMERA = '[[cameras]]\nid = "cam-b03-lift1"\naddress = "192.0.2.7"\nusername = "u"\npassword_file = "secrets/c"\n'
TODAY = datetime.date(2026, 11, 23)
WORDS = Words("the line is silent", "线路无数据")
SIREN = OutputState("siren", False, None, (), (), ())
DOOR = OutputState(
    "door",
    None,
    "lift-1",
    (),
    ("fire_return",),
    (Blocking(Words("Fire return", "消防迫降"), "board · input.1", True),),
    WORDS,
)


class FakeEar:
    """Heard a fire once; refuses nothing."""

    def __init__(self, step: PanelStep) -> None:
        self._step, self.started = step, list[str]()

    def now(self) -> PanelHeard | None:
        fire = HeardFrame(1, "82 01", (Words("Fire · 1-6-12", "火警 · 1-6-12"),))
        flawed = HeardFrame(2, "00", flaw=Words("wrong checksum", "校验错误"))
        onward = {"where": f"port:{PORT}", "protocol": "jbf"}
        return PanelHeard("fp-1", "jbf", PORT, True, 1, None, onward, 40, 2, (fire, flawed), "82 01", WORDS, WORDS)

    async def start(self, entry: str | None, given: Mapping[str, str]) -> Form | None:
        form, proposal = await self._step.proposed(entry, given)
        if proposal is None:
            return form
        self.started.append(proposal.name)
        return None

    async def stop(self) -> None:
        self.started.clear()


class FakePulses:
    def states(self) -> Sequence[OutputState]:
        return (SIREN, DOOR)

    def now(self) -> Pulse | None:
        return Pulse("siren", False, 3.0, False, (PulseStep(WORDS, 12),), True)

    def start(self, output: str, seconds: str, by: str, *, agreed: bool) -> None:
        raise Refused(WORDS)


class Plant(Stage):
    """A site file in a folder, with the steps over it; the gateway takes every file that was saved."""

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__()
        self.file = SiteFile(folder / "site.toml", folder / "data")
        self.file.path.write_text(text)
        (folder / "secrets").mkdir(exist_ok=True)
        (folder / "secrets/c").write_text("x")
        self.snapshot = self._read()

        async def take() -> bool:
            self.snapshot = self._read()
            return False

        editor = Editor(self.file, take)
        site = GatewaySite(editor, KeptSecrets(lambda _: None), lambda: self.snapshot, self.file.path.exists)
        scans = LineScans({}, lambda: self.snapshot, lambda: 0)
        panels = PanelStep(editor, lambda: [SerialPort(PORT, "/dev/ttyUSB9")])
        self.ear = FakeEar(panels)
        known = [lambda: self.snapshot.site.fire_panels, lambda: self.snapshot.site.fire_modbus_panels]
        parts = PanelPartLists(editor, lambda: [each.id for table in known for each in table()])
        lifts = LiftStep(editor, lambda: self.snapshot, tuple, lambda: TODAY)
        equipment = Equipment(
            panels,
            RegisterPanelStep(editor),
            self.ear,
            parts,
            BoardStep(editor),
            OutputStep(editor),
            FakePulses(),
            lifts,
        )
        lists = DeviceLists(editor)
        desk = Desk(site, FakeTrials(site), scans, lists, FakeDrills(), FakeSignOffs(), equipment=equipment)
        doors = Doors(desk=opened(desk))
        self.app = WebApp(self.views, self.hands, self.accounts, FakeHistory(), secure=False, doors=doors)
        self.asgi, self.routes = self.app.asgi(), self.app.commissioning(desk)

    def _read(self) -> Snapshot:
        snapshot = check_site(self.file.path).snapshot
        assert snapshot is not None
        return snapshot

    def site(self) -> dict[str, Any]:
        return tomllib.loads(self.file.path.read_text())

    def post(self, path: str, **fields: str) -> Answer:
        mark = fields.pop("mark", self.file.read().mark)
        body = urlencode({"csrf": csrf_token("session-of-installer"), "mark": mark, **fields}).encode()
        return virtual(lambda: self.call("POST", f"/commissioning/{path}", FORM, body, role="installer"))

    def get(self, path: str, role: Role | None = "installer") -> Answer:
        return virtual(lambda: self.call("GET", f"/commissioning/{path}", role=role))

    def upload(self, panel: str, table: bytes) -> Answer:
        fields = {"csrf": csrf_token("session-of-installer"), "panel": panel}
        parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in fields.items()]
        head = "\r\n".join(parts) + '\r\n--x\r\nContent-Disposition: form-data; name="table"; filename="t.csv"\r\n\r\n'
        body = head.encode() + table + b"\r\n--x--\r\n"
        kind = {"content-type": "multipart/form-data; boundary=x"}
        return virtual(lambda: self.call("POST", "/commissioning/parts", kind, body, role="installer"))


def error_at(answer: Answer, field: str) -> str:
    """What the form says is wrong with a field, and its cure."""
    found = re.search(rf'id="about-{re.escape(field)}"><strong class="trouble">(.*?)</p>', answer.text)
    assert found, (field, answer.status, re.findall(r'id="(about-[^"]+)"><strong', answer.text))
    return html.unescape(re.sub("<.*?>", "", found[1]))


PANEL = {"where": f"port:{PORT}", "protocol": "jbf", "line_name": "fire-1", "baud": "9600", "character": "8N1"}
PANEL |= {"id": "fp-b03", "place": "b03/x-fire-room", "name": "3号楼消控室"}
ROWS = (
    "控制器,回路,地址,位置,描述",
    "1,6,12,b03/f06,6层走廊",
    "1,6,13,b3号楼,坏的位置",
    "1,6,12,b03/f07,重复",
    "1,,14,b03,无回路",
)
CSV = "\n".join((*ROWS, ""))


@pytest.mark.parametrize("role", [None, *ROLES])
def test_only_installers_reach_equipment(tmp_path: Path, role: Role | None) -> None:
    stage = Plant(tmp_path, GOOD)
    own = ("fire_panels", "fire_modbus_panels", "outputs", "boards", "lifts", "listen", "parts", "pulse")
    routes = [each for each in stage.routes if each.path.removeprefix("/commissioning/") in own]
    assert len(routes) == 2 * len(own)
    for route in routes:
        answer = virtual(partial(stage.call, route.method, route.path, role=role))
        refused = answer.status == 403 or answer.headers.get("location", "").startswith("/login")
        assert refused == (role != "installer"), (route.method, route.path, answer)


def test_no_act_on_equipment_without_the_sessions_own_token(tmp_path: Path) -> None:
    stage = Plant(tmp_path, GOOD)
    forged = urlencode({"csrf": csrf_token("session-of-somebody"), "output": "siren", "agreed": "on"}).encode()
    for path in ("fire_panels", "fire_modbus_panels", "outputs", "boards", "lifts", "listen", "parts", "pulse"):
        answer = virtual(partial(stage.call, "POST", f"/commissioning/{path}", FORM, forged, role="installer"))
        assert "过期" in answer.text, path


def test_a_panel_on_a_free_port_brings_its_line_along(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f"# the gate\n{GOOD}")
    assert PORT in stage.get("fire_panels?new=").text
    asked = stage.get(f"fire_panels?{urlencode({'new': '', 'where': PANEL['where'], 'protocol': 'fs5101'})}").text
    assert '<option value="8N2" selected' in asked  # as this maker sets its ports
    seen = stage.post("fire_panels", act="preview", **PANEL)
    assert seen.status == 200
    assert "+</span><ins>[[fire_panels]]" in seen.text
    assert "fire_panels" not in stage.site()
    assert stage.post("fire_panels", act="save", **PANEL).status == 303
    site = stage.site()
    assert site["lines"][-1] == {"name": "fire-1", "kind": "serial", "port": PORT, "baud": 9600}
    assert site["fire_panels"] == [
        {"id": "fp-b03", "line": "fire-1", "protocol": "jbf", "place": "b03/x-fire-room", "name": "3号楼消控室"}
    ]
    assert stage.file.path.read_text().startswith("# the gate\n")
    assert ("wang", "site.save", "fire_panels fp-b03") in stage.accounts.notes
    kept = stage.post("fire_panels", act="save", entry="fp-b03", **{**PANEL, "speak": "no", "name": ""})
    assert kept.status == 303
    assert stage.site()["fire_panels"][0]["speak"] is False
    assert "name" not in stage.site()["fire_panels"][0]


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("id", "FP 1", "小写字母"),
        ("place", "三号楼", "楼栋"),
        ("line_name", "bus", "bus"),
        ("line_name", "", "name"),
        ("silence", "soon", "soon"),
    ],
)
def test_a_mistake_of_a_panel_stands_at_its_field(tmp_path: Path, field: str, text: str, told: str) -> None:
    stage = Plant(tmp_path, GOOD)
    before = stage.file.path.read_text()
    answer = stage.post("fire_panels", act="save", **{**PANEL, field: text})
    assert answer.status == 422
    assert told in error_at(answer, field)
    assert stage.file.path.read_text() == before


def test_listening_needs_a_sound_form_and_shows_bytes_beside_their_meaning(tmp_path: Path) -> None:
    stage = Plant(tmp_path, GOOD)
    assert stage.post("fire_panels", act="listen", **{**PANEL, "id": "?"}).status == 422
    assert stage.post("fire_panels", act="listen", **PANEL).headers["location"] == "/commissioning/listen"
    assert stage.ear.started == ["fp-b03"]
    shown = stage.get("listen").text
    for each in ("火警 · 1-6-12", "82 01", "校验错误", "不向控制器发送任何内容"):
        assert each in shown
    assert "fire_panels" not in stage.site()


def test_rows_of_detectors_are_judged_one_by_one(tmp_path: Path) -> None:
    stage = Plant(tmp_path, GOOD)
    stage.post("fire_panels", act="save", **PANEL)
    answer = stage.upload("fp-b03", CSV.encode("gb18030"))
    assert re.findall(r'data-row="(\d+)"', answer.text) == ["3", "4", "5"]
    token = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert token
    saved = stage.post("parts", token=token[1])
    assert saved.headers["location"] == "/commissioning/parts?panel=fp-b03&saved=1"
    assert stage.site()["fire_panels"][0]["names"] == "names/fp-b03.csv"
    assert stage.snapshot.devices["fp-b03"].driver.names == {"1-6-12": "6层走廊"}
    assert "没有这台" in stage.upload("other", CSV.encode()).text
    headless = stage.upload("fp-b03", b"what,where\n1,2\n")
    assert "names" in str(stage.site()["fire_panels"][0])
    assert 'name="token"' not in headless.text


def test_a_panel_on_modbus_has_its_registers_and_its_detectors(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f'{GATEWAY}[[lines]]\nname = "net"\nkind = "tcp"\nhost = "192.0.2.1"\n')
    panel = {"id": "fp-2", "line": "net", "model": "notifier", "address": "1", "place": "b01/x-fire-room"}
    assert "0-199" in error_at(stage.post("fire_modbus_panels", **panel, spans="all"), "spans")
    assert "notifier" in error_at(stage.post("fire_modbus_panels", **panel), "spans")
    assert error_at(stage.post("fire_modbus_panels", **{**panel, "address": "999"}, spans="0-9"), "address")
    assert stage.post("fire_modbus_panels", **panel, spans="0-199, 1000-1099", every="1s").status == 303
    spans = [{"first": 0, "count": 200}, {"first": 1000, "count": 100}]
    assert stage.site()["fire_modbus_panels"] == [{**panel, "address": 1, "spans": spans}]
    assert "0-199, 1000-1099" in stage.get("fire_modbus_panels?entry=fp-2").text
    token = re.search(r'name="token" value="([^"]+)"', stage.upload("fp-2", b"address,text\n7,Lobby\n").text)
    assert token
    assert stage.post("parts", token=token[1]).status == 303
    assert stage.snapshot.devices["fp-2"].driver.names == {"7": "Lobby"}


def test_a_board_becomes_a_device_with_relays_and_inputs(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f"{GATEWAY}{LINE}")
    board = {"id": "io-1", "line": "bus", "address": "9", "every": "1", "relays": "2", "inputs": "1", "relay_at": "16"}
    assert error_at(stage.post("boards", **{**board, "relays": "99"}), "relays")
    assert error_at(stage.post("boards", **{**board, "address": "300"}), "address")
    assert stage.post("boards", **board).status == 303
    device = stage.site()["devices"][0]
    assert [each["point"] for each in device["points"]] == ["relay.1", "relay.2", "input.1"]
    assert device["writes"][1] == {"name": "relay-2", "kind": "coil", "address": 17}
    assert "io-1 · relay-2" in html.unescape(stage.get("outputs?new=").text)


def test_an_output_is_allow_listed_with_its_safe_state_and_cap(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f"{GATEWAY}{LINE}{BOARD}{CAMERA}")
    fields = {"name": "siren", "relay": "board siren", "use": "general", "active": "", "cap": "30"}
    assert "1d" in error_at(stage.post("outputs", **{**fields, "cap": "9d"}), "cap")
    assert error_at(stage.post("outputs", **{**fields, "relay": "board nothing"}), "relay")
    assert error_at(stage.post("outputs", **{**fields, "relay": ""}), "relay")
    assert stage.post("outputs", **fields).status == 303
    assert stage.site()["outputs"] == [
        {"name": "siren", "device": "board", "target": "siren", "active": False, "cap": "30s"}
    ]
    lamp = {"name": "lamp", "relay": "cam-b03-lift1 ?", "use": "general", "active": "on", "cap": "1m"}
    assert "token" in error_at(stage.post("outputs", **lamp), "token")
    assert stage.post("outputs", **lamp, token="relay_0").status == 303
    assert stage.site()["cameras"][0]["relays"] == ["relay_0"]
    assert stage.site()["outputs"][1] == {"name": "lamp", "device": "cam-b03-lift1", "target": "relay_0"}
    shown = stage.get("outputs").text
    assert "已释放" in shown
    assert stage.post("outputs", act="remove", entry="lamp").status == 303
    assert [each["name"] for each in stage.site()["outputs"]] == ["siren"]


def test_a_pulse_that_is_refused_says_why_and_the_page_shows_what_blocks(tmp_path: Path) -> None:
    stage = Plant(tmp_path, GOOD)
    answer = stage.post("pulse", output="siren", seconds="3", agreed="on")
    assert (answer.status, "线路无数据" in answer.text) == (409, True)
    shown = stage.get("pulse?output=door").text
    for each in ("消防迫降", "联锁", "board · input.1", "12 ms", "动作和释放正常"):
        assert each in shown


IO = (
    '[[devices]]\nid = "io"\nprofile = "io/relay-board"\nline = "bus"\naddress = 3\n'
    'points = [{ point = "input.1", address = 0, type = "bool", function = 2 }]\n'
    'writes = [{ name = "lamp", kind = "coil", address = 0 }, { name = "door", kind = "coil", address = 1 }]\n'
    '[[outputs]]\nname = "lamp"\ndevice = "io"\ntarget = "lamp"\n'
    '[[outputs]]\nname = "door"\ndevice = "io"\ntarget = "door"\nuse = "door-hold"\n'
)
LIFT = {"camera": "cam-b03-lift1", "id": "lift-1", "place": "b03/x-lift1", "fire_return": "io input.1", "hold": "door"}
LIFT |= {"fire_return.inverted": "on", "warn.lamp": "on", "voice": "speech", "floor_region": "[[0,0],[1,0],[1,1]]"}
LIFT |= {"fire_alarms": "*", "cap": "60s", "door_closed": "", "fire": "", "firefighter": ""}
SIGNED = {"commissioned.maintainer": "某某维保 王工", "commissioned.date": "2026-11-20", "tested": "on"}


def test_a_lift_is_drawn_wired_and_warns_until_its_maintainer_has_signed(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f"{GATEWAY}{LINE}{CAMERA}{IO}")
    assert "cam-b03-lift1" in stage.get("lifts?new=").text
    asked = stage.get("lifts?new=&camera=cam-b03-lift1").text
    assert "data-region" in asked
    assert "/cameras/cam-b03-lift1/picture" in asked
    assert stage.post("lifts", act="save", **LIFT).status == 303
    lift = stage.site()["lifts"][0]
    assert lift["fire_return"] == {"device": "io", "point": "input.1", "active": False}
    assert (lift["warn"], lift["hold"], lift["voice"]) == (["lamp"], "door", "speech")
    assert lift["floor_region"] == [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    assert "commissioned" not in lift
    assert "仅识别和报警" in stage.get("lifts").text
    assert stage.post("lifts", act="save", entry="lift-1", **LIFT, **SIGNED).status == 303
    assert stage.site()["lifts"][0]["commissioned"] == {"maintainer": "某某维保 王工", "date": "2026-11-20"}
    shown = stage.get("lifts").text
    assert "某某维保 王工, 2026-11-20" in shown
    assert "仅识别和报警" in shown  # not calibrated yet
    gone = {**LIFT, "hold": "", "warn.lamp": ""}
    assert stage.post("lifts", act="save", entry="lift-1", **gone).status == 303
    assert not {"hold", "warn", "commissioned"} & set(stage.site()["lifts"][0])


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"tested": ""}, "tested", "无效"),
        ({"commissioned.date": "2027-01-01"}, "commissioned.date", "尚未到来"),
        ({"commissioned.date": ""}, "commissioned.date", "2026-11-20"),
        ({"commissioned.date": "yesterday"}, "commissioned.date", "2026-11-20"),
        ({"commissioned.maintainer": ""}, "commissioned.maintainer", "单位"),
        ({"fire_return": "", "fire_alarms": "smoke-*"}, "hold", "消防"),
        ({"hold": "lamp"}, "hold", "door-hold"),
        ({"voice_file": "sounds/none.wav"}, "voice_file", "WAV"),
        ({"fire": "io input.9"}, "fire", "input.9"),
        ({"cap": "1h"}, "cap", "10m"),
        ({"id": "LIFT"}, "id", "小写"),
    ],
)
def test_a_mistake_of_a_lift_stands_at_its_field(tmp_path: Path, fields: dict[str, str], field: str, told: str) -> None:
    stage = Plant(tmp_path, f"{GATEWAY}{LINE}{CAMERA}{IO}")
    answer = stage.post("lifts", act="save", **{**LIFT, **SIGNED, **fields})
    assert answer.status == 422
    assert told in error_at(answer, field)
    assert "lifts" not in stage.site()


def test_a_drawing_that_is_none_is_refused(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f"{GATEWAY}{LINE}{CAMERA}{IO}")
    for drawing in ("[[0,0],[1,1]]", "nonsense", "[[0,0,0],[1,1,1],[2,2,2]]"):
        answer = stage.post("lifts", act="save", **{**LIFT, "floor_region": drawing})
        assert (answer.status, "少于" in answer.text or "不足三个顶点" in answer.text) == (422, True)


def test_the_day_of_negatives_is_the_one_that_calibration_counts() -> None:
    assert (round(NEEDED_H * 3600), NEEDED_LOOKS) == (ENOUGH_S, ENOUGH_LOOKS)


@settings(max_examples=40, deadline=None)
@drawn(data=st.data())
def test_whatever_is_typed_is_answered_in_words(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    stage = Plant(tmp_path_factory.mktemp("site"), f"{GATEWAY}{LINE}{CAMERA}{IO}")
    path, base = data.draw(
        st.sampled_from([("fire_panels", PANEL), ("lifts", {**LIFT, **SIGNED}), ("outputs", {"relay": "io lamp"})])
    )
    typed = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    fields = {**base, data.draw(st.sampled_from(sorted({*base, "cap", "address", "silence"}))): data.draw(typed)}
    answer = stage.post(path, act=data.draw(st.sampled_from(["save", "preview"])), **fields)
    assert answer.status in (200, 303, 409, 422), answer.text
    _ = stage.snapshot  # a file that was saved could be taken


def test_a_wearable_is_not_asked_at_intervals(tmp_path: Path) -> None:
    stage = Plant(tmp_path, f'{GATEWAY}{LINE}[[lines]]\nname = "ble"\nkind = "ble"\n')
    worn = {"profile": "wearable/bthome-button", "id": "sos-1", "line": "ble", "address": "C0:FF:EE:00:00:01"}
    form = stage.get(f"devices?{urlencode({'new': '', **worn})}").text
    assert 'name="address"' in form
    assert 'name="every"' not in form
    assert 'value="try"' not in form
    assert stage.post("devices", **worn).status == 303
    assert "every" not in stage.site()["devices"][0]
    assert 'name="every"' in stage.get("devices?new=&profile=water%2Fultrad").text
