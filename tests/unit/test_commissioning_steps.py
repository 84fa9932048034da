"""The steps for residents, rules, escalations, modem and wearables without a network: words, checks, writing."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
import pytest

from courtyard.agent.accounts import ALLOWED, ROLES, Role, csrf_token
from courtyard.agent.ble_scan import wearables
from courtyard.agent.care.care import Care
from courtyard.agent.care.consents import FILE, Consents
from courtyard.agent.history import Series
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.hearing import BleHearing
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.ladder_step import LadderStep
from courtyard.agent.page.commissioning.lists import DeviceLists
from courtyard.agent.page.commissioning.modem_step import ModemStep
from courtyard.agent.page.commissioning.resident_step import ResidentStep
from courtyard.agent.page.commissioning.rule_step import RuleStep
from courtyard.agent.page.commissioning.rule_trial import replay
from courtyard.agent.page.commissioning.rule_words import sentence
from courtyard.agent.page.commissioning.scans import LineScans
from courtyard.agent.page.commissioning.site_desk import GatewaySite
from courtyard.agent.page.commissioning.texting import ModemTexting
from courtyard.agent.rules.evaluator import Watch
from courtyard.agent.web.app import Doors, WebApp
from courtyard.agent.web.commissioning.model import Desk
from courtyard.agent.web.commissioning.step_model import Steps
from courtyard.config.catalogue import product_catalogue
from courtyard.config.read import check_site
from courtyard.config.rule import Rule
from courtyard.config.site_file import SiteFile
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Text
from tests.config_rig import BOARD, GATEWAY, GOOD, LINE, METER, OUTPUT
from tests.gateway_rig import virtual
from tests.unit.test_commissioning_routes import FORM, FakeDrills, FakeSignOffs, FakeTrials, multipart
from tests.web_rig import NOW_MS, Answer, FakeHistory, Stage, opened

BLE = '[[lines]]\nname = "ble"\nkind = "ble"\n'
BAND = '[[devices]]\nid = "band-1"\nprofile = "wearable/heart-rate-band"\nline = "ble"\naddress = "C0:FF:EE:00:00:01"\n'
BUTTON = '[[devices]]\nid = "sos-1"\nprofile = "wearable/bthome-button"\nline = "ble"\naddress = "C0:FF:EE:01:00:01"\n'
HOUSE = "# the house\n" + GATEWAY + "\n" + BLE + "\n" + BAND + "\n" + BUTTON
IDENTITY = "00112233-4455-6677-8899-AABBCCDDEEFF/7/1"
DAY = "2026-11-23"


class Reception(NamedTuple):
    roaming: bool
    signal_dbm: int | None


class FakeMessenger:
    """A modem that works, until it is given a fault."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fault: Fault | None = None

    async def reception(self) -> Reception:
        if self.fault is not None:
            raise DriverError(self.fault)
        return Reception(False, -73)

    async def send(self, number: str, text: str) -> None:
        if self.fault is not None:
            raise DriverError(self.fault)
        self.sent.append((number, text))


def sighting(address: str, guess: str, rssi: int, **more: Any) -> dict[str, Any]:
    """One row of what is heard."""
    heard = {"name": "", "services": [], "adverts": [], "heard": 3, "changes": 0, "presses": 0, "identities": []}
    return {**heard, "address": address, "rssi": rssi, "guesses": [guess] if guess else [], **more}


HEARD = [
    sighting("C0:FF:EE:00:00:09", "wearable/heart-rate-band", -48, name="HRM"),
    sighting("C0:FF:EE:01:00:01", "wearable/bthome-button", -60, presses=1),
    sighting("C0:FF:EE:02:00:01", "wearable/beacon-button", -70, identities=[IDENTITY, IDENTITY[:-1] + "2"]),
]


class House(Stage):
    """A box with this site file, and everything that the steps reach."""

    def __init__(self, folder: Path, text: str = HOUSE) -> None:
        super().__init__()
        self.folder, self.messenger = folder, FakeMessenger()
        self.file = SiteFile(folder / "site.toml", folder / "data")
        self.file.path.write_text(text)
        (folder / "data").mkdir(exist_ok=True)
        self.snapshot = self.read()

        async def take() -> bool:
            self.snapshot = self.read()
            self.care.adjust(self.snapshot.site.residents)
            return False

        async def erase(devices: Any) -> int:
            return 0

        async def scan_ble(request: Mapping[str, Any], progress: Callable[[Any], Awaitable[None]]) -> Any:
            await progress({"seen": HEARD})
            await asyncio.sleep(request["seconds"])
            return {}

        acts = folder / "data" / FILE
        self.care = Care(
            acts,
            self.snapshot.site.residents,
            health=lambda fault: None,
            changed=lambda name, granted: None,
            erase=erase,
            wall_ms=lambda: NOW_MS,
        )
        editor, kept = Editor(self.file, take), KeptSecrets(lambda _: None)
        site = GatewaySite(editor, kept, lambda: self.snapshot, self.file.path.exists)
        profiles = wearables()
        self.hearing = BleHearing({"scan_ble": scan_ble}, lambda: self.snapshot)
        self.texting = ModemTexting(self.messenger, lambda: self.snapshot, lambda: NOW_MS)

        def heard() -> Any:
            listening = self.hearing.now()
            return (listening.line, listening.heard) if listening else ("", ())

        steps = Steps(
            RuleStep(editor, lambda: self.snapshot, FakeHistory, lambda: NOW_MS),
            LadderStep(editor, lambda: self.snapshot),
            ModemStep(editor, kept, lambda: self.snapshot),
            ResidentStep(editor, lambda: self.snapshot, self.care, acts, heard, profiles.get, lambda: NOW_MS),
            self.hearing,
            self.texting,
        )
        scans = LineScans({}, lambda: self.snapshot, lambda: 0)
        desk = Desk(site, FakeTrials(site), scans, DeviceLists(editor), FakeDrills(), FakeSignOffs(), steps)
        doors = Doors(desk=opened(desk))
        self.app = WebApp(self.views, self.hands, self.accounts, FakeHistory(), secure=False, doors=doors)
        self.asgi, self.routes = self.app.asgi(), self.app.commissioning(desk)

    def read(self) -> Snapshot:
        snapshot = check_site(self.file.path).snapshot
        assert snapshot is not None
        return snapshot

    async def post(self, path: str, role: Role = "installer", **fields: str) -> Answer:
        body = urlencode({"csrf": csrf_token(f"session-of-{role}"), **fields}).encode()
        return await self.call("POST", f"/commissioning/{path}", FORM, body, role=role)

    def save(self, path: str, role: Role = "installer", **fields: str) -> Answer:
        return virtual(lambda: self.post(path, role, mark=self.file.read().mark, act="save", **fields))

    def page(self, path: str, role: Role = "installer") -> str:
        return virtual(lambda: self.call("GET", f"/commissioning/{path}", role=role)).text

    @property
    def data(self) -> dict[str, Any]:
        return tomllib.loads(self.file.path.read_text())


def error_at(answer: Answer, field: str) -> str:
    """What the page says beside a field."""
    found = re.search(rf'id="about-{re.escape(field)}"><strong class="trouble">(.*?)</p>', answer.text)
    return re.sub("<[^>]+>", "", found[1]) if found else ""


# Who may


@pytest.mark.parametrize("role", [None, *ROLES])
def test_each_step_is_for_its_role_alone(tmp_path: Path, role: Role | None) -> None:
    house = House(tmp_path)
    routes = [
        route
        for route in house.routes
        if re.match(r"/commissioning/(rules|escalations|modem|residents|heard|signal)", route.path)
    ]
    assert len(routes) == 16
    for route in routes:
        assert route.permission == ("residents" if "residents" in route.path else "configure")
        answer = virtual(partial(house.call, route.method, route.path, role=role))
        refused = answer.status == 403 or answer.headers.get("location", "").startswith("/login")
        assert refused == (role not in ALLOWED[route.permission][0]), (route.path, role)


def test_no_act_without_the_sessions_own_token(tmp_path: Path) -> None:
    house = House(tmp_path)
    before = house.file.path.read_text()
    for path in ("rules", "escalations", "escalations/test", "modem", "residents", "residents/consent", "heard"):
        role: Role = "manager" if "residents" in path else "installer"
        forged = urlencode({"csrf": csrf_token("session-of-somebody"), "act": "save", "name": "x"}).encode()
        answer = virtual(partial(house.call, "POST", f"/commissioning/{path}", FORM, forged, role=role))
        assert "过期" in answer.text, path
    assert house.file.path.read_text() == before


# Rules


def test_every_kind_of_rule_is_a_sentence_in_both_languages() -> None:
    catalogue = product_catalogue()
    rules: Sequence[Mapping[str, Any]] = (
        {"kind": "threshold", "point": "water.pressure", "below": 150, "hysteresis": 20, "for": "5m", "severity": 2},
        {"kind": "threshold", "point": "door.open", "above": 0.5, "for": "5m"},
        {"kind": "unreachable"},
        {"kind": "reverse_flow", "for": "1m"},
        {"kind": "night_flow", "severity": 4},
    )
    told = [sentence(rule, catalogue) for rule in rules]
    assert told[0].en == (
        "Alarm when water pressure is below 150 kPa for 5 min, over when it is 20 kPa back inside; "
        "it needs somebody today."
    )
    assert "水压低于 150 kPa" in told[0].zh
    assert "持续 5" in told[0].zh
    assert "0.5" not in told[1].en + told[1].zh
    assert "02:00" in told[4].en
    for words in told:
        assert not re.search(r"[\u4e00-\u9fff]", words.en)
        assert not re.search(r"[A-Za-z]{4,}", words.zh), words.zh


def test_a_rule_is_tried_and_shown_before_it_is_saved(tmp_path: Path) -> None:
    house = House(tmp_path, "\n".join([GATEWAY, LINE, METER, BOARD, OUTPUT]))
    before = house.file.path.read_text()
    form = house.page("rules?new=&template=backwards")
    assert 'name="devices" value="meter"' in form
    high = {
        "kind": "threshold",
        "name": "flow-high",
        "devices": "meter",
        "point": "water.flow",
        "above": "2.9",
        "severity": "3",
    }
    shown = virtual(lambda: house.post("rules", act="preview", **high))
    assert shown.status == 200
    assert re.search(r"会报警 (\d+) 次", shown.text)[1] == "50"  # type: ignore[index]
    assert shown.text.count('<th scope="row" translate="no">meter</th>') == 20
    assert "<ins>name = &#34;flow-high&#34;</ins>" in shown.text
    assert house.file.path.read_text() == before
    assert house.save("rules", **high).status == 303
    assert house.data["rules"] == [
        {"name": "flow-high", "kind": "threshold", "devices": ["meter"], "point": "water.flow", "above": 2.9}
    ]
    assert house.file.path.read_text().startswith(before)
    assert ("wang", "site.save", "rules flow-high") in house.accounts.notes


def test_what_is_wrong_with_a_rule_stands_at_its_field(tmp_path: Path) -> None:
    house = House(tmp_path, GOOD)
    wrong = {"kind": "threshold", "name": "Hot!", "devices": "nobody-*", "point": "water.flow", "for": "soon"}
    answer = house.save("rules", above="a lot", outputs="siren, horn", severity="3", **wrong)
    assert answer.status == 422
    for field in ("name", "above", "for", "outputs", "devices"):
        assert error_at(answer, field), field
    assert 'value="a lot"' in answer.text
    assert house.file.path.read_text() == GOOD


def test_a_rule_is_changed_where_it_stands_and_taken_away(tmp_path: Path) -> None:
    house = House(tmp_path, GOOD.replace("above = 3", "above = 3  # as the plumber says"))
    fields = {"name": "flow", "devices": "*", "point": "water.flow", "above": "3", "severity": "2", "outputs": "siren"}
    assert house.save("rules", entry="flow", **fields).status == 303
    assert "above = 3  # as the plumber says" in house.file.path.read_text()
    assert house.data["rules"][0]["severity"] == 2
    mark = house.file.read().mark
    assert virtual(lambda: house.post("rules", act="remove", entry="flow", mark=mark)).status == 303
    assert "rules" not in house.data


def minutes(values: Sequence[float | None], point: str = "water.flow") -> Series:
    """One value a minute; None where nothing was heard."""
    at = tuple(NOW_MS - NOW_MS % 60_000 + number * 60_000 for number in range(len(values)))
    count = tuple(0 if each is None else 1 for each in values)
    column = tuple(values)
    return Series("meter", point, "minute", 60, False, at, count, *[column] * 6, column)


def spans(rule: Rule, values: Sequence[float | None]) -> list[tuple[int, int | None]]:
    """When the rule would have been active, in whole minutes."""
    series = minutes(values)
    watch, begin = Watch(rule, "meter", 60.0, 1, ZoneInfo("Asia/Shanghai")), series.at_ms[0]
    found = replay(watch, [series], begin + len(values) * 60_000)
    return [
        ((each.since_ms - begin) // 60_000, None if each.until_ms is None else (each.until_ms - begin) // 60_000)
        for each in found
    ]


def test_the_recorded_past_is_judged_as_the_gateway_would_have() -> None:
    above = Rule(name="r", kind="threshold", point="water.flow", above=5.0)
    assert spans(above, [1, 6, 6, 1, 1, 7, 7]) == [(1, 3), (5, None)]
    held = msgspec.structs.replace(above, for_s=180.0)
    assert spans(held, [1, 6, 6, 1, 6, 6, 6, 6, 1]) == [(7, 8)]
    silent = Rule(name="s", kind="unreachable", for_s=300.0)
    assert spans(silent, [1, 1, *[None] * 10, 1, 1]) == [(1, 12)]
    backwards = Rule(name="b", kind="reverse_flow")
    assert spans(backwards, [1, -1, -1, 1]) == [(1, 3)]


# Escalation and modem


def test_an_escalation_is_written_with_its_ladder(tmp_path: Path) -> None:
    modem = '\n[modem]\nport = "/dev/ttyUSB9"\n'
    house = House(tmp_path, "\n".join([GATEWAY, LINE, METER, BOARD, OUTPUT]) + modem)
    steps = {
        "name": "life",
        "classes": "*",
        "devices": "*",
        "steps.0.do": "output:siren",
        "steps.0.after": "30",
        "steps.2.do": "sms",
        "steps.2.after": "1m",
        "steps.2.numbers": "+8613812345678，13912345678",
    }
    shown = virtual(lambda: house.post("escalations", act="preview", **steps))
    assert re.findall(r'class="when">(.*?)<', shown.text)[:3] == ["0 秒", "+30 秒", "+1 分"]
    assert house.save("escalations", **steps).status == 303
    assert house.data["escalations"] == [
        {
            "name": "life",
            "steps": [
                {"kind": "output", "after": "30s", "output": "siren"},
                {"kind": "sms", "after": "1m", "numbers": ["+8613812345678", "13912345678"]},
            ],
        }
    ]
    assert 'value="output:siren" selected' in house.page("escalations?entry=life")


def test_mistakes_of_an_escalation_stand_in_their_row(tmp_path: Path) -> None:
    house = House(tmp_path, "\n".join([GATEWAY, LINE, METER, BOARD, OUTPUT]))
    before = house.file.path.read_text()
    none = house.save("escalations", name="life")
    assert error_at(none, "steps.0.do")
    steps = {"steps.0.do": "output:siren", "steps.0.after": "60s", "steps.2.do": "sms", "steps.2.after": "30s"}
    answer = house.save("escalations", name="life", **steps, **{"steps.2.numbers": "police"})
    assert error_at(answer, "steps.1.numbers")  # rows are closed up
    answer = house.save("escalations", name="life", **steps, **{"steps.2.numbers": "13912345678"})
    assert error_at(answer, "steps.1.after")
    assert error_at(answer, "steps.1.numbers")  # there is no modem
    assert house.file.path.read_text() == before


def test_the_pin_goes_to_a_file_of_its_own(tmp_path: Path) -> None:
    house = House(tmp_path)
    wrong = house.save("modem", other="/dev/ttyUSB7", baud="115200", check_every="15m", pin_file="12")
    assert error_at(wrong, "pin_file")
    saved = house.save("modem", other="/dev/ttyUSB7", baud="9600", check_every="15m", pin_file="4711")
    assert saved.status == 303
    assert house.data["modem"] == {"port": "/dev/ttyUSB7", "baud": 9600, "pin_file": "secrets/sim-pin"}
    pin = tmp_path / "secrets/sim-pin"
    assert (pin.read_text(), pin.stat().st_mode & 0o777) == ("4711\n", 0o600)
    assert "4711" not in house.file.path.read_text() + house.page("modem")
    answer = house.save("modem", other="", port="", baud="fast", check_every="1s")
    assert error_at(answer, "baud")
    assert error_at(answer, "check_every")


def test_a_test_message_needs_a_number_and_agreement(tmp_path: Path) -> None:
    house = House(tmp_path)
    answer = virtual(lambda: house.post("escalations/test", other="police"))
    assert answer.status == 422
    assert error_at(answer, "number")
    assert error_at(answer, "agreed")
    assert house.messenger.sent == []
    sent = virtual(lambda: house.post("escalations/test", other="+86 138 1234 5678", agreed="on"))
    assert "已接收" in sent.text
    [(number, text)] = house.messenger.sent
    assert number == "+8613812345678"
    assert text.startswith("TEST, no emergency")
    assert ("wang", "escalation.test", "…5678") in house.accounts.notes


def test_a_modem_that_fails_is_told_with_its_cure(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.messenger.fault = Fault("sms.no_sim", Text("No SIM card.", "没有 SIM 卡。"), Text("Put one in.", "请插卡。"))

    async def look() -> str:
        await house.post("signal", act="start")
        await asyncio.sleep(1)
        await house.texting.stop()
        return (await house.call("GET", "/commissioning/signal", role="installer")).text

    assert "请插卡" in virtual(look)
    house.messenger.fault = None
    shown = virtual(look)
    assert "-73 dBm" in shown
    assert shown.count('class="on"') == 4
    answer = virtual(lambda: house.post("escalations/test", other="10086", agreed="on"))
    assert answer.status == 200


# What is heard, and residents


def test_what_is_heard_is_offered_with_its_signal(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def look() -> str:
        await house.post("heard", line="ble")
        await asyncio.sleep(1)
        shown = (await house.call("GET", "/commissioning/heard", role="installer")).text
        await house.hearing.stop()
        return shown

    shown = virtual(look)
    assert "-48 dBm" in shown
    assert 'href="/devices/sos-1"' in shown
    link = re.findall(r'href="/commissioning/devices\?([^"]*C0%3AFF%3AEE%3A02[^"]*)"', shown)[0].replace("&amp;", "&")
    form = house.page(f"devices?{link}")
    assert f'name="beacon.normal" value="{IDENTITY}"' in form
    assert f'name="beacon.alarm" value="{IDENTITY[:-1]}2"' in form
    fields = {"id": "sos-2", "profile": "wearable/beacon-button", "line": "ble", "address": "C0:FF:EE:02:00:01"}
    same = {"beacon.normal": IDENTITY, "beacon.alarm": IDENTITY, "beacon.means": "sos"}
    assert error_at(house.save("devices", **fields, **same), "beacon.alarm")
    two = {**same, "beacon.alarm": IDENTITY[:-1] + "2"}
    assert house.save("devices", **fields, **two).status == 303
    assert house.data["devices"][-1]["beacon"] == {"normal": IDENTITY, "alarm": IDENTITY[:-1] + "2"}


def test_a_resident_gets_what_is_heard_as_a_new_device(tmp_path: Path) -> None:
    house = House(tmp_path)
    fields = {"id": "r-017", "add": "new:C0:FF:EE:00:00:09", "device.place": "b03/u02/f06/r601", "heart_above": "120"}

    async def save() -> Answer:
        form = await house.post("residents", "manager", act="listen", id="r-017")
        assert "HRM，-48 dBm" in form.text
        return await house.post("residents", "manager", act="save", mark=house.file.read().mark, **fields)

    assert virtual(save).status == 303
    assert house.data["devices"][-1] == {
        "id": "r-017-band",
        "profile": "wearable/heart-rate-band",
        "line": "ble",
        "address": "C0:FF:EE:00:00:09",
        "place": "b03/u02/f06/r601",
    }
    assert house.data["residents"] == [
        {"id": "r-017", "wearables": ["r-017-band"], "limits": [{"point": "vital.heart_rate", "above": 120}]}
    ]
    assert house.file.path.read_text().startswith("# the house\n")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": "13812345678"}, "id"),
        ({"id": "Li Na"}, "id"),
        ({"id": "r-1", "wearables": "nobody"}, "wearables"),
        ({"id": "r-1", "wearables": "band-1", "not_seen": "1s"}, "not_seen"),
        ({"id": "r-1", "wearables": "band-1", "heart_above": "fast"}, "heart_above"),
        ({"id": "r-1", "wearables": "band-1", "battery_below": "200"}, "battery_below"),
        ({"id": "r-1", "add": "new:C0:FF:EE:00:00:77"}, "add"),
    ],
)
def test_what_is_wrong_with_a_resident_stands_at_its_field(
    tmp_path: Path, fields: Mapping[str, str], field: str
) -> None:
    house = House(tmp_path)
    answer = house.save("residents", "manager", **fields)
    assert answer.status == 422
    if field != "add":  # without anything heard the form has nothing to choose
        assert error_at(answer, field)
    assert house.file.path.read_text() == HOUSE


RESIDENT = '\n[[residents]]\nid = "r-1"\nwearables = ["band-1"]\nbuttons = ["sos-1"]\n'


def test_consent_is_recorded_with_who_when_and_what_for(tmp_path: Path) -> None:
    house = House(tmp_path, HOUSE + RESIDENT)
    wrong = virtual(lambda: house.post("residents/consent", "manager", entry="r-1", act="grant"))
    assert wrong.status == 422
    for field in ("who", "for", "day", "paper"):
        assert error_at(wrong, field), field
    consents = Consents(tmp_path / "data" / FILE)
    consents.refresh()
    assert consents.acts == ()
    given = {"who": "self", "for.vitals": "on", "for.room": "on", "day": DAY, "paper": "folder 3"}
    assert virtual(lambda: house.post("residents/consent", "manager", entry="r-1", act="grant", **given)).status == 303
    consents.refresh()
    assert consents.granted("r-1")
    assert consents.acts[0].note == f"the resident agreed on {DAY} to: vital signs, room; paper: folder 3"
    assert consents.acts[0].by == "operator:li"
    assert "已同意" in house.page("residents?entry=r-1", "manager")
    unsure = virtual(lambda: house.post("residents/consent", "manager", entry="r-1", act="erase", day=DAY))
    assert error_at(unsure, "sure")
    erase = virtual(lambda: house.post("residents/consent", "manager", entry="r-1", act="erase", day=DAY, sure="on"))
    assert erase.status == 303
    consents.refresh()
    assert consents.to_erase() == {"r-1"}
    assert not consents.granted("r-1")
    assert ("li", "resident.erase", "r-1") in house.accounts.notes


def test_many_residents_come_from_a_table(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = "代号,佩戴设备,求助按钮,失联\r\nr-1,band-1,sos-1,45m\r\nr-2,nobody,,\r\nLi Na,,,\r\n"
    headers, body = multipart(rows.encode("gb18030"), csrf_token("session-of-manager"))
    path = "/commissioning/residents/import"
    shown = virtual(lambda: house.call("POST", path, headers, body, role="manager"))
    assert [int(line) for line in re.findall(r'data-row="(\d+)"', shown.text)] == [3, 4]
    token = re.findall(r'name="token" value="([^"]+)"', shown.text)[0]
    assert f'action="{path}"' in shown.text
    assert virtual(lambda: house.post("residents/import", "manager", token=token)).status == 303
    assert house.data["residents"] == [{"id": "r-1", "wearables": ["band-1"], "buttons": ["sos-1"], "not_seen": "45m"}]


def test_the_index_counts_the_steps(tmp_path: Path) -> None:
    house = House(tmp_path, HOUSE + RESIDENT)
    index = virtual(lambda: house.call("GET", "/commissioning", role="installer")).text
    assert 'href="/commissioning/rules"' in index
    assert 'href="/commissioning/residents"' not in index  # a manager's step
