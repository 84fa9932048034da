"""Lifts: which camera, where in its picture, what warns, what holds the door and what forbids it, who signed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from courtyard.agent.candidates import library
from courtyard.agent.lift_words import WHY
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.entry_step import Given, Wrong, parts
from courtyard.agent.page.commissioning.equipment_step import EquipmentStep, chosen, same
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.page.commissioning.pulses import MEANINGS
from courtyard.agent.web.commissioning.equipment_model import LiftProgress
from courtyard.agent.web.commissioning.model import Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed
from courtyard.agent.web.model import Words
from courtyard.config.library import Library
from courtyard.config.lifts import DOOR_HOLD, OWN_SOUNDS
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.modbus.settings import ModbusProfile

if TYPE_CHECKING:
    from courtyard.agent.lift_post import LiftState

NEEDED_H, NEEDED_LOOKS = 21.6, 1000
"""As `courtyard.agent.vision.scores` counts a day of negatives."""
CONTACTS: Final[Mapping[str, Words]] = {"door_closed": Words("Door closed", "门已关闭"), **MEANINGS}
REGIONS: Final = ("floor_region", "door_region")
MOST_CORNERS: Final = 32
MOST_OUTPUTS: Final = 60
"""Outputs that are offered for the warning."""
NONE: Final = Words("not connected", "未接")
CAMERA: Final = Words("Camera in the car", "轿厢内的摄像机")
INVERTED: Final = Words("inverted: normally closed", "常闭触点（取反）")
FORBIDS: Final = Words("Releases the door and forbids holding it.", "成立时释放并禁止保持开门。")
DOOR_HELP: Final = Words("While the door is closed, fewer pictures are looked at.", "关门期间减少识别次数。")
VOICES: Final[Mapping[str, Words]] = {
    "": Words("none", "不播放"),
    "speech": Words("a chime and Chinese words", "提示音加中文语音"),
    "chime": Words("a chime", "提示音"),
}
VOICE_FILE: Final = Words("or a WAV file beside the site file", "或站点文件旁的 WAV 文件")
VOICE_FILE_HELP: Final = Words(
    "Your own words, such as sounds/ebike.wav; takes the place of the choice above.",
    "自行录制的提示，例如 sounds/ebike.wav；填写后替代上面的选择。",
)
HOLD: Final = Words("Holds the door with", "保持开门使用的输出")
HOLD_HELP: Final = Words(
    "Only outputs of which the use is the door-hold input of a lift.", "仅列出用途为电梯开门保持的输出。"
)
MAINTAINER: Final = Words("Maintainer: company and person", "维保单位和人员")
MAINTAINER_HELP: Final = Words(
    "Who wired the door-hold input and tested it in the lift. Empty: the lift warns and never holds its door.",
    "完成接线并在电梯内测试的维保人员。留空则只报警，绝不保持开门。",
)
DATE: Final = Words("Day of the test", "测试日期")
TESTED: Final = Words(
    "In this lift, the maintainer has tested: the hold keeps the door open; fire return releases it; so does a gateway "
    "without power",
    "维保人员已在本梯测试：保持有效、消防迫降时释放、网关断电时释放",
)
NOT_TESTED: Final = Wrong(
    Words("A signature without the tests permits nothing.", "未完成测试的签认无效。"),
    Words(
        "Tick it when the maintainer has done all three, or leave the maintainer empty.",
        "三项测试完成后再勾选，或将维保人员留空。",
    ),
)
FUTURE: Final = Wrong(
    Words("This day has not come yet.", "该日期尚未到来。"),
    Words("Write the day on which it was tested.", "请填写实际测试日期。"),
)
NO_DATE: Final = Wrong(
    Words("The signature has no day.", "签认缺少日期。"),
    Words("Write it as 2026-11-20.", "请按 2026-11-20 的格式填写。"),
)
NO_NAME: Final = Wrong(
    Words("The signature has no name.", "签认缺少维保人员。"),
    Words("Write company and person, or leave the day empty too.", "请填写单位和人员，或将日期也留空。"),
)
NO_SOUND: Final = Wrong(
    Words("There is no such WAV file beside the site file.", "站点文件旁没有这个 WAV 文件。"),
    Words(
        "Copy it there, such as /etc/courtyard/sounds/ebike.wav.",
        "请将文件复制到该处，例如 /etc/courtyard/sounds/ebike.wav。",
    ),
)
NO_REGION: Final = Wrong(
    Words("The drawing cannot be read, or has fewer than three corners.", "绘制的区域无法读取，或不足三个顶点。"),
    Words("Draw three corners or more, or begin anew and leave it empty.", "请至少绘制三个顶点，或清空后重新绘制。"),
)


class LiftStep(EquipmentStep):
    """Implements `courtyard.agent.web.commissioning.equipment_model.LiftDesk`."""

    kind: Kind = "lifts"

    def __init__(
        self,
        editor: Editor,
        snapshot: Callable[[], Snapshot],
        states: Callable[[], Sequence[LiftState]],
        today: Callable[[], datetime.date],
    ) -> None:
        """`states` are those of the running lifts; `today` is the site's day."""
        super().__init__(editor)
        self._snapshot, self._states, self._today = snapshot, states, today
        self._profiles: Library | None = None

    def wanted(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """The camera first: its picture is drawn on."""
        cameras = [str(each.get("id")) for each in data.get("cameras", ()) if isinstance(each, dict)]
        if not place.is_new or given.get("camera") in cameras:
            return []
        return [chosen("camera", CAMERA, "", {each: same(each) for each in cameras}, required=True)]

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Everything of one lift."""
        raw = place.raw
        camera = str(raw.get("camera") or given.get("camera", ""))
        fields = [
            Field("camera", CAMERA, "fixed", camera),
            self._setting("id", Words("Id", "编号"), place, given),
            self._setting("place", Words("Place", "位置"), place, given),
            self._setting("name", Words("Name", "名称"), place, given),
        ]
        for key in REGIONS:
            drawn = msgspec.json.encode(raw.get(key, ())).decode()
            fields.append(Field(key, Words("", ""), "hidden", given.get(key, drawn)))
        contacts = {"": NONE, **self._contacts(data)}
        for key, label in CONTACTS.items():
            wired = raw.get(key) if isinstance(raw.get(key), dict) else {}
            assert isinstance(wired, dict)
            value = given.get(key, f"{wired.get('device', '')} {wired.get('point', '')}".strip())
            offered = contacts if value in contacts else {**contacts, value: same(value)}
            fields.append(chosen(key, label, value, offered, help=DOOR_HELP if key == "door_closed" else FORBIDS))
            kept = "on" if wired.get("active") is False else ""
            is_on = given.get(f"{key}.inverted", "") if "mark" in given else kept
            fields.append(Field(f"{key}.inverted", INVERTED, "checkbox", is_on))
        alarms = given.get("fire_alarms", ", ".join(map(str, raw.get("fire_alarms", ("*",)))))
        fields.append(
            self._setting("fire_alarms", Words("Fire alarms of", "联动火警的设备"), place, {"fire_alarms": alarms})
        )
        warns = raw.get("warn", ())
        for output in self._outputs(data, "general"):
            is_on = given.get(f"warn.{output}", "") if "mark" in given else ("on" if output in warns else "")
            fields.append(Field(f"warn.{output}", same(output), "checkbox", is_on))
        voice = str(raw.get("voice", ""))
        is_own = bool(voice) and voice not in OWN_SOUNDS
        fields.append(chosen("voice", Words("Voice", "语音"), given.get("voice", "" if is_own else voice), VOICES))
        file = given.get("voice_file", voice if is_own else "")
        fields.append(Field("voice_file", VOICE_FILE, "text", file, help=VOICE_FILE_HELP))
        holds = {"": NONE} | {each: same(each) for each in self._outputs(data, DOOR_HOLD)}
        hold = given.get("hold", str(raw.get("hold", "")))
        fields.append(chosen("hold", HOLD, hold, holds, help=HOLD_HELP))
        fields.append(self._setting("cap", Words("Longest hold of the door", "最长保持开门时间"), place, given))
        signed = raw.get("commissioned") if isinstance(raw.get("commissioned"), dict) else {}
        assert isinstance(signed, dict)
        maintainer = given.get("commissioned.maintainer", str(signed.get("maintainer", "")))
        date = given.get("commissioned.date", str(signed.get("date", "")))
        is_tested = given.get("tested", "") if "mark" in given else ("on" if signed else "")
        fields.append(Field("commissioned.maintainer", MAINTAINER, "text", maintainer, help=MAINTAINER_HELP))
        fields.append(Field("commissioned.date", DATE, "text", date, help=same("2026-11-20")))
        fields.append(Field("tested", TESTED, "checkbox", is_tested))
        return fields

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """What was typed, as the file has it."""
        raw, errors = place.raw, dict[str, Wrong]()
        values: dict[str, Any] = {key: given.get(key, "").strip() or None for key in ("id", "place", "name")}
        values["camera"] = str(raw.get("camera") or given.get("camera", "")) or None
        for key in REGIONS:
            try:
                corners = msgspec.json.decode(given.get(key) or "[]", type=list[tuple[float, float]])
            except msgspec.MsgspecError:
                corners = [(0.0, 0.0)]
            if 0 < len(corners) < 3 or len(corners) > MOST_CORNERS:
                errors[key] = NO_REGION
            values[key] = [list(corner) for corner in corners] or None
        for key in CONTACTS:
            device, _, point = given.get(key, "").partition(" ")
            wired: dict[str, Any] = {"device": device, "point": point}
            if given.get(f"{key}.inverted") == "on":
                wired["active"] = False
            values[key] = wired if device else None
        alarms = parts(given.get("fire_alarms", ""))
        values["fire_alarms"] = None if alarms in ([], ["*"]) and "fire_alarms" not in raw else alarms
        values["warn"] = [each for each in self._outputs(data, "general") if given.get(f"warn.{each}") == "on"] or None
        values["voice"] = given.get("voice_file", "").strip() or given.get("voice", "") or None
        file = given.get("voice_file", "").strip()
        if file and file != raw.get("voice") and not self._is_sound(file):
            errors["voice_file"] = NO_SOUND
        values["hold"] = given.get("hold", "") or None
        cap = given.get("cap", "").strip()
        cap = f"{cap}s" if cap.isdecimal() else cap
        values["cap"] = None if cap in ("", "1m", "60s") and "cap" not in raw else cap or None
        maintainer, date = (given.get(f"commissioned.{key}", "").strip() for key in ("maintainer", "date"))
        signed = {"maintainer": maintainer, "date": date}
        if maintainer or date:
            errors |= self._judge(maintainer, date, is_tested=given.get("tested") == "on")
        values["commissioned"] = signed if maintainer or date else None
        return Given(values, errors=errors)

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """Outputs that warn have a field each; an own sound stands in the field of the file."""
        if path.startswith("warn."):
            index = int(path.partition(".")[2].partition(".")[0])
            return f"warn.{values['warn'][index]}"
        if path == "voice" and values.get("voice") not in OWN_SOUNDS:
            return "voice_file"
        return path or "id"

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """A lift in words."""
        signed = raw.get("commissioned")
        words = Words("counts and warns only", "仅识别并报警")
        if raw.get("hold") and isinstance(signed, dict):
            words = Words(
                f"may hold its door; signed by {signed.get('maintainer')} on {signed.get('date')}",
                f"允许保持开门；{signed.get('maintainer')} 于 {signed.get('date')} 签认",
            )
        about = tuple(str(raw[key]) for key in ("camera", "place", "name") if key in raw)
        return Listed(str(raw.get("id", "")), words, about)

    def progress(self) -> tuple[LiftProgress, ...]:
        """How far every lift of the running site is."""
        states = {state.id: state for state in self._states()}
        found = []
        for lift in self._snapshot().site.lifts:
            state, signed = states.get(lift.id), lift.commissioned
            learning = state.learning if state is not None else None
            fault = state.fault if state is not None else None
            found.append(
                LiftProgress(
                    lift.id,
                    lift.camera,
                    lift.hold,
                    f"{signed.maintainer}, {signed.date}" if signed is not None else "",
                    state is not None and state.live,
                    Words.of(WHY[state.why]) if state is not None else None,
                    round(learning.watched_s / 3600, 1) if learning is not None else 0.0,
                    NEEDED_H,
                    learning.looks if learning is not None else 0,
                    NEEDED_LOOKS,
                    learning.calibrated_ms if learning is not None else None,
                    Words.of(fault.what) if fault is not None else None,
                    Words.of(fault.cure) if fault is not None else None,
                )
            )
        return tuple(found)

    def _judge(self, maintainer: str, date: str, *, is_tested: bool) -> dict[str, Wrong]:
        """What is wrong with a signature before the file is checked."""
        errors = {} if is_tested else {"tested": NOT_TESTED}
        if not maintainer:
            errors["commissioned.maintainer"] = NO_NAME
        if not date:
            errors["commissioned.date"] = NO_DATE
        try:
            if date and datetime.date.fromisoformat(date) > self._today():
                errors["commissioned.date"] = FUTURE
        except ValueError:
            errors["commissioned.date"] = NO_DATE
        return errors

    def _is_sound(self, file: str) -> bool:
        folder = self._editor.file.path.parent
        return file.lower().endswith(".wav") and "\0" not in file and (folder / file).is_file()

    def _outputs(self, data: Mapping[str, Any], use: str) -> tuple[str, ...]:
        outputs = [each for each in data.get("outputs", ()) if isinstance(each, dict)]
        return tuple(str(each.get("name")) for each in outputs if each.get("use", "general") == use)[:MOST_OUTPUTS]

    def _contacts(self, data: Mapping[str, Any]) -> dict[str, Words]:
        """Points of the site that are true or false, by device."""
        found: dict[str, Words] = {}
        for device in data.get("devices", ()):
            name = str(device.get("id"))
            points = [str(each.get("point")) for each in device.get("points", ()) if each.get("type") == "bool"]
            points += self._contacts_of(str(device.get("profile", "")))
            found |= {f"{name} {point}": same(f"{name} · {point}") for point in points if point.startswith("input.")}
        return found

    def _contacts_of(self, profile: str) -> list[str]:
        if self._profiles is None:
            self._profiles = library((self._editor.file.path.parent / "profiles",))
        loaded = self._profiles.load(profile)
        known = loaded.profile if loaded is not None else None
        registers = known.points if isinstance(known, ModbusProfile) else ()
        return [register.point for register in registers if register.type == "bool"]
