"""A status page over a made-up compound, served on a loopback port by a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from courtyard.agent.accounts import (
    Accounts,
    AuditEntry,
    Permission,
    Principal,
    Role,
    Session,
    Token,
    User,
    csrf_token,
    permissions_of,
)
from courtyard.agent.history import HistoryStatus, Resolution, Series
from courtyard.agent.page.pictures import png
from courtyard.agent.refusal import Refusal
from courtyard.agent.web.app import Doors, WebApp
from courtyard.agent.web.commissioning.model import Desk
from courtyard.agent.web.http import LIMITS, Limits
from courtyard.agent.web.mend import Draft
from courtyard.agent.web.model import (
    Alarm,
    Device,
    DeviceDetail,
    EscalationStep,
    Frame,
    Gateway,
    Journal,
    Lane,
    LogLine,
    Loss,
    Mistake,
    Notice,
    NoticeKind,
    Part,
    PointValue,
    Refused,
    Release,
    Setting,
    SettingsTable,
    Sign,
    System,
    TestRead,
    Trouble,
    Uplink,
    Wear,
    Words,
)
from courtyard.agent.web.past import Found, Wanted
from courtyard.agent.web.server import WebServer
from courtyard.agent.web.watched import (
    Camera,
    Compared,
    Corners,
    Learned,
    Model,
    OwnHead,
    Piece,
    Resident,
    Watching,
    Worn,
)
from courtyard.drivers.base import Scalar, Text
from courtyard.drivers.camera.frames import Frame as Frame_

NOW_MS = 1_795_329_015_000
"""2026-11-22T06:30:15Z."""
PASSWORD = "correct horse battery"
GATEWAY_PLACE = "370213/005/012/0007"
METER = Words("Ultrasonic water meter", "超声波水表")
NAMES = {"viewer": "guest", "manager": "li", "installer": "wang"}
TITLES = {
    "leak": Words("Water leak", "漏水"),
    "fire": Words("Fire", "火警"),
    "unreachable": Words("No answer", "设备无应答"),
}


def water(value: float | None = 1234.567, quality: str | None = None) -> PointValue:
    """A total volume."""
    return PointValue("water.volume.total", Words("Volume, forward", "正向累计水量"), value, "m3", quality)


def meter(number: int, place: str, **more: Any) -> Device:
    """One of the meters."""
    fields = {"state": "ok", "at_ms": NOW_MS - 1000 * number, "every_s": 60.0, "main": water(100.0 + number), **more}
    return Device(f"wm-{number:04}", None, METER, "water/ultrad", f"{GATEWAY_PLACE}/{place}", "rs485-1", **fields)


def compound(buildings: int = 3, floors: int = 6) -> list[Device]:
    """Meters in every room, and a few that are not well."""
    rooms = [
        f"b{building:02}/u{unit:02}/f{floor:02}/r{floor}{room:02}"
        for building in range(1, buildings + 1)
        for unit in (1, 2)
        for floor in range(1, floors + 1)
        for room in (1, 2)
    ]
    devices = [meter(number, place) for number, place in enumerate(rooms)]
    devices += [meter(9001, "b01/x-inlet"), meter(9002, "x-pump-house"), meter(9003, "b02/fb01/x-garage")]
    silent = {
        "fault": Words("Unit 5 does not answer.", "5 号从站无应答。"),
        "cure": Words("Check its wiring.", "请检查接线。"),
    }
    devices[4] = msgspec.structs.replace(
        devices[4], state="fault", since_ms=NOW_MS - 7_200_000, main=water(None, "bad:comm"), **silent
    )
    devices[9] = msgspec.structs.replace(devices[9], state="alarm", name="3号楼2单元601 <b>水表</b>")
    devices[12] = msgspec.structs.replace(devices[12], state="stale")
    devices[15] = msgspec.structs.replace(devices[15], state="waiting", at_ms=None, main=None)
    return devices


def alarm(number: int = 1, **more: Any) -> Alarm:
    """An alarm of a leak."""
    fields = {
        "title": TITLES["leak"],
        "text": Words("Water flows where it should not.", "检测到异常水流。"),
        "cure": Words("Shut the water valve.", "请关闭水阀。"),
        "severity": 2,
        "state": "raised",
        "raised_ms": NOW_MS - 600_000,
        "changed_ms": NOW_MS - 600_000,
        **more,
    }
    return Alarm(
        id=f"wm-0009:leak:{number}", occurrence=17, alarm_class="leak", device="wm-0009",
        place=f"{GATEWAY_PLACE}/b01/u02/f02/r202", **fields,
    )  # fmt: skip


ALARMS = [
    alarm(
        1,
        severity=1,
        title=TITLES["fire"],
        text=Words("Fire, detector 1-1-2.", "火警，1-1-2 号探测器。"),
        steps=(
            EscalationStep(Words("after 30 s siren-b03", "30 秒后 siren-b03"), "done", NOW_MS - 570_000),
            EscalationStep(Words("after 60 s SMS to 2 numbers", "60 秒后 发短信至 2 个号码"), "trying", NOW_MS - 9000),
            EscalationStep(Words("after 15 min centre", "15 分钟后 centre"), "pending", None, NOW_MS + 300_000),
        ),
    ),
    alarm(
        2,
        state="acknowledged",
        acknowledged_ms=NOW_MS - 60_000,
        acknowledged_by="operator:li",
        reason="plumber called",
        received={"community": "x"},
    ),
    alarm(3, state="returned", returned_ms=NOW_MS - 30_000, severity=3, flapping=True),
    alarm(4, state="cleared", severity=3, cleared_by="operator:li"),
]
MISTAKE = Mistake(
    "mistake", "/etc/courtyard/site.toml", 12, "devices[3].every", 'every = "60 s"',
    Words('"60 s" is not a duration.', "“60 s”不是有效的时长。"), Words('Write "60s".', "请写成 “60s”。"),
)  # fmt: skip


SITE_NOTICE = Notice(
    "site",
    Words("The site has 1 mistake.", "站点文件有 1 处错误。"),
    Words("Mend the site file.", "请修复站点文件。"),
    NOW_MS - 60_000,
    False,
)


class FakeViews:
    """A compound that tests may change; calls from the server's thread."""

    def __init__(self, devices: Sequence[Device] | None = None, *, well: bool = False, broken: bool = False) -> None:
        self.all_devices = list(compound() if devices is None else devices)
        if well:
            self.all_devices = [
                msgspec.structs.replace(each, state="ok", fault=None, name=None) for each in self.all_devices
            ]
        self.all_alarms = [] if well else list(ALARMS)
        self.well, self.mistakes = well, (MISTAKE,) if broken else ()
        self.durable = True
        self.notices: tuple[Notice, ...] = (SITE_NOTICE,) if broken else ()
        self.model, self.shadow = Model("shipped", "5e884898da28", NOW_MS - 400_000_000), False

    def now_ms(self) -> int:
        return NOW_MS

    def gateway(self) -> Gateway:
        return Gateway(
            "gw-0007", GATEWAY_PLACE, "Asia/Shanghai", "zh-CN", "0.1.0", "1f0c2b7e", NOW_MS - 86_400_000,
            bool(self.mistakes), self.mistakes, self.notices,
        )  # fmt: skip

    def troubles(self) -> Sequence[Trouble]:
        if self.well:
            return ()
        worst = self.all_alarms[0]
        fault = self.all_devices[4]
        assert fault.fault is not None
        assert fault.cure is not None
        return (
            Trouble(1, worst.device, worst.title, worst.text, worst.cure, worst.raised_ms, worst.id, worst.device),
            Trouble(
                3, fault.id, fault.title, fault.fault, fault.cure, fault.since_ms, device=fault.id, acknowledged=True
            ),
        )

    def alarms(self) -> Sequence[Alarm]:
        return self.all_alarms

    def devices(self) -> Sequence[Device]:
        return self.all_devices

    def device(self, name: str) -> DeviceDetail | None:
        found = next((each for each in self.all_devices if each.id == name), None)
        if found is None:
            return None
        points = (water(), PointValue("water.temperature", Words("Water temperature", "水温"), None, "Cel", "bad:comm"))
        counters = {"polls": 1200, "answered": 1199}
        return DeviceDetail(found, 1, points, counters, tuple(self.all_alarms[:1]), findable=name == "wm-0000")

    def has_history(self) -> bool:
        return True

    def frames(self, name: str) -> Sequence[Frame]:
        return (
            Frame(NOW_MS, "sent", "01 03 00 00 00 0a c5 cd"),
            Frame(NOW_MS + 40, "received", "01 03 14 " + "00 " * 20),
        )

    def uplinks(self) -> Sequence[Uplink]:
        fault = None if self.well else Words("Nobody answers at platform.example:8883.", "平台无应答。")
        cure = None if self.well else Words("Check the network.", "请检查网络。")
        since = NOW_MS - 3_600_000 if self.well else None
        good = Uplink(
            "community", "mqtts://platform.example:8883", since, "MQTT 5", fault, cure, 0 if self.well else 123_456,
            45_000_000, NOW_MS - 7_200_000, 200_000.0, None, 0.0, 10, 1_234_567, 0, 1, 0, 3,
            () if self.well else (Loss("quota", 1200),),
        )  # fmt: skip
        return (
            good,
            msgspec.structs.replace(
                good, name="property", connected_since_ms=NOW_MS - 60_000, drain_left_s=75.0, losses=()
            ),
        )

    def cameras(self) -> Sequence[Camera]:
        floor = ((0.15, 0.3), (0.85, 0.3), (0.95, 1.0), (0.05, 1.0))
        seen = Camera("cam-b03-lift1", "3号楼1号梯", f"{GATEWAY_PLACE}/b03/x-lift1", "ok", NOW_MS - 900, 41, True)
        held = Words("e-bike, the door is held", "发现电动自行车，正在保持开门")
        look = Watching(True, 0.82, 0.5, True, True, held, NOW_MS - 4000, Words("open", "开"), True, False)
        figures = ((0.66, 0.64), (0.108, 0.074), (0.214, 0.107))
        head = OwnHead("0123456789ab", NOW_MS - 86_400_000, 1240, 12, *figures, "wang", NOW_MS - 3_600_000)
        trial = OwnHead("ba9876543210", NOW_MS - 7_200_000, 1300, 0, *figures, "", 0, 41_200, 0.83, 0.41)
        compared = Compared(NOW_MS - 7_200_000, 9, 41_200, 0.998, 7, 2)
        learned = Learned(NOW_MS - 172_800_000, 18.2, 41_200, 0.455, True, 640, head, trial, self.model, compared)
        watched = msgspec.structs.replace(
            look, evidence=EVIDENCE, learned=learned, shadow=self.shadow, blocked_by=("fire", "smoke-b03")
        )
        broken = {
            "fault": Words("The lens is covered.", "镜头被遮挡。"),
            "cure": Words("Clean the lens.", "请清洁镜头。"),
        }
        return (
            msgspec.structs.replace(seen, lift="lift-b03-1", floor=floor, watching=watched),
            msgspec.structs.replace(seen, id="cam-gate", name=None, number=0, picture_ms=None, state="fault", **broken),
        )

    def residents(self) -> Sequence[Resident]:
        band = Worn("band-017", Words("Wristband", "手环"), "ok", NOW_MS - 4000, 12.0, True)
        rate = PointValue("vital.heart_rate.minute_mean", Words("Heart rate, mean", "心率（均值）"), 72.0, "/min")
        spo2 = PointValue("vital.spo2.minute_mean", Words("Oxygen, mean", "血氧（均值）"), 97.0, "%")
        agreed = Resident("r-017", True, NOW_MS, "minutes", (band,), "b03/u02/f06/r601", (rate, spo2), NOW_MS - 30_000)
        return (
            msgspec.structs.replace(agreed, alarm=Words("Call for help", "求助")),
            Resident(
                "r-018", False, None, "minutes", (msgspec.structs.replace(band, device="band-018", battery=None),)
            ),
            Resident("r-019", True, NOW_MS, "alarms", ()),
        )

    def settings(self) -> Sequence[SettingsTable]:
        id_setting = Setting("id", '"gw-0007"', 2, Words("Name of this gateway.", "网关编号。"))
        return (SettingsTable("[gateway]", (id_setting, Setting("timezone", '"Asia/Shanghai"', None))),)

    def system(self) -> System:
        lanes = (Lane("alarm", 12, 12, 4000, NOW_MS - 1000), Lane("reading", 99, 99, 60_000, NOW_MS - 1000))
        journal = Journal("6f3a91c2", self.durable, 1_200_000_000, 2_000_000_000, lanes)
        parts = (Part("pipeline", "running", 0), Part("uplink community", "waiting", 12))
        return System(
            NOW_MS, "synced", 3, 0.078, 52_800_000, 4_000_000_000, 2_000_000_000, (0.1, 0.2, 0.3),
            32_000_000_000, 20_000_000_000, parts, journal, 0, Wear("mmcblk0", 734_000_000.0, 0.2),
            (Release("4f1c22aa", True, NOW_MS - 86_400_000), Release("09be1d77", False, NOW_MS - 20 * 86_400_000)),
            (Words("The journal was damaged: 12 saved, 1 lost.", "数据库曾损坏：挽救 12 条，丢失 1 条。"),),
        )  # fmt: skip

    def log(self) -> Sequence[LogLine]:
        return (
            LogLine(NOW_MS, "info", "agent.daemon", "running"),
            LogLine(NOW_MS, "error", "agent.daemon", "line rs485-1 ended"),
        )


class FakeHistory:
    """A day in minutes: flow that comes and goes, with an hour's gap."""

    async def query(
        self,
        device: str,
        point: str,
        since_ms: int,
        until_ms: int,
        *,
        resolution: Resolution | None = None,
        buckets: int = 1000,
    ) -> Series:
        step_ms = (until_ms - since_ms) // 240
        at = tuple(since_ms + number * step_ms for number in range(240))
        values = tuple(None if 100 < number < 110 else 1.0 + (number % 24) / 12 for number in range(240))
        low = tuple(None if each is None else each - 0.3 for each in values)
        high = tuple(None if each is None else each + 0.4 for each in values)
        full = tuple(None if each is None else 1.0 for each in values)
        return Series(
            device, point, "minute", step_ms // 1000, point == "water.volume.total", at, (1,) * 240, full, low, high,
            values, values, values, values,
        )  # fmt: skip

    async def points(self, device: str) -> Sequence[str]:
        return ("water.volume.total",)

    async def erase(self, devices: Collection[str]) -> int:
        return 0

    async def status(self) -> HistoryStatus:
        return HistoryStatus(0, 1, 1, {"minute": None, "hour": None, "day": None}, 0, 0, 0, None)


class Answer(NamedTuple):
    """What came of a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class FakeHands:
    """Remembers what people did."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    async def acknowledge(self, alarm_id: str, occurrence: int, person: str, reason: str) -> None:
        if occurrence != 17:
            raise Refused(Words("That is over.", "该报警已结束。"))
        self.done.append(("acknowledge", alarm_id, person, reason))

    async def clear(self, alarm_id: str, occurrence: int, person: str, reason: str) -> None:
        self.done.append(("clear", alarm_id, person, reason))

    async def shelve(self, alarm_id: str, person: str, reason: str, until_ms: int) -> None:
        self.done.append(("shelve", alarm_id, person, reason, until_ms))

    async def clear_notice(self, kind: NoticeKind, person: str) -> None:
        self.done.append(("clear_notice", kind, person))

    async def read(self, device: str) -> TestRead:
        return TestRead((water(),), (Frame(NOW_MS, "sent", "01 03"),))

    async def identify(self, device: str) -> Sign:
        self.done.append(("identify", device))
        return Sign(5.0)


class FakeAccounts(Accounts):
    """Three people with one password, and tokens named after what they are good for."""

    def __init__(self) -> None:
        self.sessions: dict[str, Principal] = {}
        self.notes: list[tuple[str, str, str]] = []
        self.scopes: dict[str, Collection[Permission]] = {
            "wall": ("wall",),
            "view": ("view",),
            "metrics": ("metrics",),
            "all": ("view", "acknowledge", "test"),
        }

    async def first_start(self) -> bool:
        return False

    async def login(self, name: str, password: str, *, address: str) -> Session:
        role = next((role for role, person in NAMES.items() if person == name), None)
        if role is None or password != PASSWORD:
            raise Refusal("login.wrong", Text("Name or password is wrong.", "用户名或密码错误。"))
        return self.open(role)  # type: ignore[arg-type]

    def open(self, role: Role) -> Session:
        """A session of somebody with this role."""
        token = f"session-of-{role}"
        principal = Principal(NAMES[role], "session", permissions_of(role), role, csrf_token(token))
        self.sessions[token] = principal
        return Session(token, principal, 3600)

    async def redeem(self, name: str, code: str, password: str, *, address: str) -> Session:
        raise Refusal("login.wrong", Text("Name or code is wrong.", "用户名或代码错误。"))

    async def principal(self, token: str) -> Principal | None:
        return self.sessions.get(token)

    async def logout(self, token: str) -> None:
        self.sessions.pop(token, None)

    async def bearer(self, token: str, *, address: str) -> Principal | None:
        return Principal(token, "token", frozenset(self.scopes[token])) if token in self.scopes else None

    async def change_password(self, name: str, password: str, new: str, *, address: str) -> None: ...
    async def users(self) -> Sequence[User]:
        return (
            User("wang", "installer", True, None, NOW_MS, NOW_MS - 60_000, 1),
            User("li", "manager", True, None, NOW_MS, NOW_MS - 3_600_000, 2),
            User("guest", "viewer", False, NOW_MS + 86_400_000, NOW_MS, None, 0),
        )

    async def add_user(self, name: str, role: Role, *, by: Principal) -> str:
        if name == "li":
            raise Refusal("user.exists", Text("There is an account li already.", "账户 li 已存在。"))
        return "ABCDE-12345"

    async def remove_user(self, name: str, *, by: Principal) -> None: ...
    async def new_code(self, name: str, *, by: Principal) -> str:
        return "FGHIJ-67890"

    async def tokens(self) -> Sequence[Token]:
        return (Token("hall", ("wall",), NOW_MS, "li", None, NOW_MS - 5000),)

    async def add_token(self, name: str, scopes: Sequence[Permission], *, days: int | None, by: Principal) -> str:
        self.notes.append((by.name, "token", " ".join(scopes)))
        return "secret-of-a-token"

    async def remove_token(self, name: str, *, by: Principal) -> None: ...
    async def note(
        self, who: str, action: str, subject: str = "", *, address: str = "", details: Mapping[str, Scalar | None] = {}
    ) -> None:
        self.notes.append((who, action, subject))

    async def audit(self, *, before: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        last = 51 if before is None else before - 1
        return [
            AuditEntry(
                number, NOW_MS - 1000 * (51 - number), "li", "alarm.acknowledge", "wm-9:leak:", "192.0.2.7", {"r": 1}
            )
            for number in range(last, max(0, last - limit), -1)
        ]


class FakePast:
    """The alarms of the fake views, and a leak of last week."""

    def __init__(self) -> None:
        self.asked: list[Wanted] = []

    async def find(self, wanted: Wanted) -> Found:
        self.asked.append(wanted)
        old = alarm(9, state="cleared", raised_ms=NOW_MS - 7 * 86_400_000, returned_ms=NOW_MS - 6 * 86_400_000)
        return Found((*ALARMS, old), (("fire", TITLES["fire"]), ("leak", TITLES["leak"])))


class FakeMender:
    """A site file of one line: good when it says so."""

    def __init__(self) -> None:
        self.text, self.saved = 'every = "60 s"\n', list[str]()

    async def draft(self) -> Draft:
        return await self.check(self.text, "1")

    async def last_good(self) -> Draft:
        return await self.check("# good\n", "1")

    async def check(self, text: str, mark: str) -> Draft:
        mistake = msgspec.structs.replace(MISTAKE, line=1)
        return Draft("/etc/courtyard/site.toml", text, mark, () if "good" in text else (mistake,), True)

    async def save(self, text: str, mark: str) -> Draft:
        if mark != "1":
            raise Refused(Words("Somebody else has changed it.", "文件已被修改。"))
        draft = await self.check(text, mark)
        if not draft.mistakes:
            self.saved.append(text)
        return draft


class FakePictures:
    """One grey picture."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, Corners, Corners]] = []

    async def picture(self, camera: str, *, small: bool) -> bytes | None:
        width, height = (320, 240) if small else (640, 480)
        return png(Frame_(1, 0.0, width, height, 0.0, bytes((90, 110, 130)) * (width * height)), width)

    async def draw(self, camera: str, floor: Corners, door: Corners) -> None:
        self.drawn.append((camera, floor, door))


EVIDENCE = "20261122T063000Z-lift-b03-1"


class FakeLiftModels:
    """Notes what was wished; refuses what is not there."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    async def retrain(self, lift: str) -> Words:
        self.done.append(("retrain", lift))
        return Words("The head 112233445566 is on trial.", "判别头 112233445566 已进入影子运行。")

    async def activate(self, lift: str, head: str, by: str) -> None:
        if head != "ba9876543210":
            raise Refused(Words("Another head by now.", "判别头已更换。"))
        self.done.append(("activate", lift, head, by))

    async def roll_back(self, lift: str, head: str) -> None:
        self.done.append(("rollback", lift, head))

    async def forget(self, lift: str) -> None:
        self.done.append(("forget", lift))

    async def activate_model(self, digest: str) -> None:
        self.done.append(("activate-model", digest))

    async def roll_back_model(self, digest: str) -> None:
        self.done.append(("rollback-model", digest))


class FakeEvidence:
    """A picture and a clip of one alarm."""

    def __init__(self) -> None:
        self.marked: list[str] = []

    async def mark(self, event: str) -> bool:
        self.marked.append(event)
        return event == EVIDENCE

    async def part(self, name: str, first: int, count: int) -> Piece | None:
        if name not in (f"{EVIDENCE}.jpg", f"{EVIDENCE}.avi"):
            return None
        is_clip = name.endswith(".avi")
        content = bytes(range(100)) if is_clip else png(Frame_(1, 0.0, 32, 24, 0.0, bytes(32 * 24 * 3)), 32)
        begin = max(0, len(content) + first) if first < 0 else first
        return Piece(content[begin : begin + count], begin, len(content))


def opened(desk: Desk) -> Callable[[], Awaitable[Desk]]:
    """The door to it."""

    async def open_it() -> Desk:
        return desk

    return open_it


class Stage:
    """A page that is called without a network, and what stands behind it."""

    def __init__(self, views: FakeViews | None = None) -> None:
        self.views, self.hands, self.accounts = views or FakeViews(), FakeHands(), FakeAccounts()
        self.mender, self.pictures, self.past = FakeMender(), FakePictures(), FakePast()
        self.evidence = FakeEvidence()
        self.lift_models = FakeLiftModels()
        doors = Doors(self.past, self.mender, self.pictures, evidence=self.evidence, lift_models=self.lift_models)
        self.app = WebApp(self.views, self.hands, self.accounts, FakeHistory(), secure=False, doors=doors)
        self.asgi = self.app.asgi()

    async def call(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b"", *, role: Role | None = None
    ) -> Answer:
        """One request; with a role it comes from that person's session."""
        given = {"host": "box", **headers}
        if role is not None:
            own = f"courtyard_session={self.accounts.open(role).token}"
            given["cookie"] = "; ".join(filter(None, (headers.get("cookie"), own)))
            given.setdefault("origin", "http://box")
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": unquote(path),
            "raw_path": path.encode(), "query_string": query.encode(), "scheme": "http", "root_path": "",
            "headers": [(name.encode(), text.encode()) for name, text in given.items()],
            "client": ("192.0.2.7", 5), "server": ("box", 80),
        }  # fmt: skip
        sent: list[Any] = []
        arriving = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return arriving.pop() if arriving else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.asgi(scope, receive, send)
        shown = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, shown)


class Served(Stage):
    """A running page: its address, and what stands behind it."""

    def __init__(self, views: FakeViews, limits: Limits) -> None:
        super().__init__(views)
        self.server = WebServer(self.asgi, "127.0.0.1", 0, None, limits)
        self.loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@contextmanager
def served(views: FakeViews | None = None, limits: Limits = LIMITS) -> Iterator[Served]:
    """Serves until the block ends."""
    page = Served(views or FakeViews(), limits)
    ready = threading.Event()

    async def main() -> None:
        running = asyncio.create_task(page.server.run())
        page.server.on_listening = ready.set
        try:
            await asyncio.shield(running)
        finally:
            running.cancel()
            await asyncio.wait([running])

    task: list[asyncio.Task[None]] = []

    def run() -> None:
        asyncio.set_event_loop(page.loop)
        task.append(page.loop.create_task(main()))
        try:
            page.loop.run_until_complete(task[0])
        except asyncio.CancelledError:
            return
        finally:
            page.loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(60)
        yield page
    finally:
        page.loop.call_soon_threadsafe(task[0].cancel)
        thread.join(60)
        assert not thread.is_alive()
