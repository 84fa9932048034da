"""Residents in the page: a short code, what they wear, what is worth an alarm in plain words, and what they agreed to.

No name is asked for: a resident is a pseudonym to the gateway, and who it is stands on paper in the house.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from courtyard.agent.care.care import Care
from courtyard.agent.care.consents import Consents, Damaged, Deed, Full
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.entry_step import EntryStep, Given, Wrong, number_or_text, parts, setting_value
from courtyard.agent.page.commissioning.fields import default_text, value_shown
from courtyard.agent.page.commissioning.lists import DeviceLists
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.web.commissioning.model import Choice, Field, Import, Kind, Saved
from courtyard.agent.web.commissioning.step_model import Consent, Heard, Listed
from courtyard.agent.web.model import Refused, Words
from courtyard.agent.web.words import span
from courtyard.config.care import Resident
from courtyard.config.device_list import RESIDENTS
from courtyard.config.quantities import duration_s
from courtyard.config.shape import table_of
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.ble.settings import WearableProfile

ID: Final = Words("Short code of the resident, no name", "住户代号（不填姓名）")
ID_HELP: Final = Words(
    "Such as r-017. Who it is stands on paper in the house, never in the gateway.",
    "例如 r-017。代号与姓名的对应关系只记录在纸上，不存入网关。",
)
WEARABLES: Final = Words("Wearables", "佩戴设备")
BUTTONS: Final = Words("Call buttons", "求助按钮")
KNOWN_HELP: Final = Words("Ids of devices of the site, with commas between.", "站点中的设备编号，以逗号分隔。")
ADD: Final = Words("Add what is heard now", "添加当前收到的设备")
ADD_HELP: Final = Words(
    "The strongest first. Hold the device close to the box, or press it, to be sure which one it is.",
    "按信号强度排列。可将设备靠近网关或按下按钮，以确认是哪一个。",
)
SILENT: Final = Words("Start “What is heard now” to choose here.", "请先打开“当前收到的设备”，然后可在此选择。")
PROFILE: Final = Words("Its type, when it is new", "新设备的型号")
AS_HEARD: Final = Words("as heard", "按收到的信号判断")
ROOM: Final = Words("Place, when it is new", "新设备的位置")
ROOM_HELP: Final = Words("Where this person lives, such as b03/u02/f06/r601.", "住户的住处，例如 b03/u02/f06/r601。")
URGENT: Final = Words("Fall and call for help", "跌倒和呼救")
ALWAYS: Final = Words("always an alarm, also without consent; nothing to set", "始终报警，不受是否同意影响，无需设置")
POLICY: Final[Mapping[str, tuple[Words, Words]]] = {
    "not_seen": (
        Words("Left or lost: alarm when a wearable is not heard for", "离开或失联：佩戴设备多久收不到信号时报警"),
        Words("Out of reach, switched off or battery empty. 30m is usual.", "超出范围、关机或没电。通常为 30m。"),
    ),
    "not_worn": (
        Words("Taken off: alarm when it touches no skin for", "取下：多久未接触皮肤时报警"),
        Words("5m is usual; devices that cannot tell never raise it.", "通常为 5m；无法检测佩戴的设备不会报警。"),
    ),
    "heartbeat": (
        Words("Inactive button: alarm when it gives no sign of life for", "按钮失效：多久没有心跳时报警"),
        Words("1d is usual: buttons speak seldom.", "通常为 1d，按钮平时很少发送信号。"),
    ),
    "battery_below": (
        Words("Battery: somebody should charge it below (%)", "电量：低于多少（%）时提醒充电或更换"),
        Words("15 is usual.", "通常为 15。"),
    ),
}
LIMITS: Final[Mapping[str, tuple[str, str, Words]]] = {
    "heart_above": (
        "vital.heart_rate",
        "above",
        Words("Heart rate: alarm above (per minute)", "心率：高于多少（次/分）时报警"),
    ),
    "heart_below": (
        "vital.heart_rate",
        "below",
        Words("Heart rate: alarm below (per minute)", "心率：低于多少（次/分）时报警"),
    ),
    "spo2_below": ("vital.spo2", "below", Words("Blood oxygen: alarm below (%)", "血氧：低于多少（%）时报警")),
}
LIMIT_HELP: Final = Words("Empty: no alarm. As the doctor says.", "留空则不报警。请遵医嘱填写。")
REPORT: Final = Words("What is recorded, given consent", "同意后记录哪些数据")
REPORTS: Final[Mapping[str, Words]] = {
    "alarms": Words("nothing but alarms", "仅报警"),
    "changes": Words("values that changed noticeably", "明显变化的数值"),
    "minutes": Words("a summary of each minute", "每分钟摘要"),
}
REVEALS: Final = Wrong(
    Words("This looks like a phone or identity number.", "疑似手机号或身份证号。"),
    Words("Use a code that means nothing outside the house, such as r-017.", "请使用外人无法识别的代号，例如 r-017。"),
)
NOT_HEARD: Final = Wrong(
    Words("It is not heard any more.", "当前已收不到该设备。"),
    Words("Listen again, with the device close to the box.", "请将设备靠近网关后重新接收。"),
)
NO_TYPE: Final = Wrong(
    Words("What was heard does not tell its type.", "根据信号无法判断型号。"),
    Words("Choose the type that stands on the device.", "请按设备铭牌选择型号。"),
)
NEEDS_MORE: Final = Wrong(
    Words("This type needs a key or two identities.", "此型号需要密钥或两种标识。"),
    Words("Add it under Devices first; then it can be chosen here.", "请先在“设备”一步添加，然后在此选择。"),
)
_NUMBER: Final = re.compile(r"[0-9]{11}|[0-9]{15}|[0-9]{17}[0-9xX]")
_DAY: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
WHO: Final = {"self": "the resident", "guardian": "a guardian", "relative": "an authorised relative"}
FOR: Final = {"vitals": "vital signs", "room": "room"}
LONGEST: Final = 120


class ResidentStep(EntryStep):
    """Implements `courtyard.agent.web.commissioning.step_model.Residents`."""

    kind: Kind = "residents"

    def __init__(
        self,
        editor: Editor,
        snapshot: Callable[[], Snapshot],
        care: Care,
        acts: Path,
        heard: Callable[[], tuple[str, tuple[Heard, ...]]],
        profile: Callable[[str], WearableProfile | None],
        now_ms: Callable[[], int],
    ) -> None:
        """`heard` gives the Bluetooth line and what it hears now, `profile` a device type by its name."""
        super().__init__(editor)
        self._snapshot, self._care, self._acts, self._heard = snapshot, care, acts, heard
        self._profile, self._now_ms = profile, now_ms
        self._lists = DeviceLists(editor, RESIDENTS)

    # The entry

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Who, what is worn, what is worth an alarm, what is recorded."""
        raw, settings = place.raw, table_of(Resident).settings

        def shown(key: str) -> str:
            if key in given:
                return given[key]
            stands = raw.get(key)
            if isinstance(stands, list):
                return ", ".join(map(str, stands))
            return value_shown(stands) if key in raw else default_text(settings[key])

        guesses = dict.fromkeys(name for each in self._heard()[1] for name in each.guesses)
        types = (Choice("", AS_HEARD), *(Choice(name, self._title(name)) for name in guesses))
        fields = [
            Field("id", ID, "text", shown("id"), required=True, help=ID_HELP),
            Field(
                "wearables",
                WEARABLES,
                "text",
                shown("wearables") if "wearables" in {*raw, *given} else "",
                help=KNOWN_HELP,
            ),
            Field("buttons", BUTTONS, "text", shown("buttons") if "buttons" in {*raw, *given} else "", help=KNOWN_HELP),
        ]
        offered = self._offered(data)
        help_text = ADD_HELP if len(offered) > 1 else SILENT
        fields.append(Field("add", ADD, "select", given.get("add", ""), help=help_text, choices=offered))
        if len(offered) > 1:
            fields += [
                Field("device.profile", PROFILE, "select", given.get("device.profile", ""), choices=types),
                Field("device.place", ROOM, "text", given.get("device.place", ""), help=ROOM_HELP),
            ]
        fields.append(Field("urgent", URGENT, "fixed", "sos, fall", help=ALWAYS))
        fields += [Field(key, label, "text", shown(key), help=about) for key, (label, about) in POLICY.items()]
        for name, (point, side, label) in LIMITS.items():
            stands = next((each.get(side) for each in raw.get("limits", ()) if each.get("point") == point), None)
            text = given.get(name, value_shown(stands))
            fields.append(Field(name, label, "text", text, help=LIMIT_HELP))
        reports = tuple(Choice(name, words) for name, words in REPORTS.items())
        fields.append(Field("report", REPORT, "select", shown("report"), choices=reports))
        return fields

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """The entry, and the device that comes with it."""
        raw, settings, errors = place.raw, table_of(Resident).settings, dict[str, Wrong]()
        resident = given.get("id", "").strip()
        if _NUMBER.search(resident):
            errors["id"] = REVEALS
        worn = {key: parts(given.get(key, "")) for key in ("wearables", "buttons")}
        devices: list[dict[str, Any]] = []
        kind, _, chosen = given.get("add", "").partition(":")
        if kind == "known":
            worn["buttons" if self._is_button(self._type_of(chosen, data)) else "wearables"].append(chosen)
        elif kind == "new":
            wrong, device = self._device(resident, chosen, given, data)
            if wrong is not None:
                errors |= wrong
            elif device is not None:
                devices.append(device)
                worn["buttons" if self._is_button(str(device["profile"])) else "wearables"].append(device["id"])
        values: dict[str, Any] = {"id": resident}
        values |= {key: list(dict.fromkeys(found)) or None for key, found in worn.items()}
        limits = _limits(raw.get("limits", ()), given)
        values["limits"] = limits or None
        for key in (*POLICY, "report"):
            values[key] = setting_value(settings[key], given.get(key, ""), written=key in raw)
        return Given(values, devices, errors)

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """What is worth an alarm, in short."""
        name = str(raw.get("id", ""))
        worn = tuple(map(str, (*raw.get("wearables", ()), *raw.get("buttons", ()))))
        not_seen_s = duration_s(str(raw.get("not_seen", "30m"))) or 0.0
        words = Words(
            f"Falls and calls at once; not heard for {span(not_seen_s, 'en')}",
            f"跌倒和呼救立即报警；{span(not_seen_s, 'zh-CN')}收不到信号时报警",
        )
        agreed = Words("agreed", "已同意") if self.consent(name).granted else Words("no consent", "未同意")
        return Listed(name, words, worn, (agreed,))

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """A limit stands at the field that it came from."""
        if path.startswith("limits."):
            _, index, *rest = path.split(".")
            limit = values["limits"][int(index)]
            fits = [
                name
                for name, (point, side, _) in LIMITS.items()
                if point == limit.get("point") and side in (rest or [side])
            ]
            return fits[0] if fits else ""
        return path or "id"

    def _offered(self, data: Mapping[str, Any]) -> tuple[Choice, ...]:
        taken = {
            name for each in data.get("residents", ()) for key in ("wearables", "buttons") for name in each.get(key, ())
        }
        choices = [Choice("", Words("nothing", "（不添加）"))]
        for each in self._heard()[1]:
            if each.device is not None and each.device in taken:
                continue
            if each.device is None and not each.guesses:
                continue
            who = each.device or each.name or each.address
            pressed = Words(", pressed", "，已按下") if each.presses else Words("", "")
            label = Words(f"{who}, {each.rssi_dbm} dBm{pressed.en}", f"{who}，{each.rssi_dbm} dBm{pressed.zh}")
            choices.append(Choice(f"known:{each.device}" if each.device else f"new:{each.address}", label))
        return tuple(choices)

    def _device(
        self, resident: str, address: str, given: Mapping[str, str], data: Mapping[str, Any]
    ) -> tuple[dict[str, Wrong] | None, dict[str, Any] | None]:
        line, heard = self._heard()
        found = next((each for each in heard if each.address == address), None)
        if found is None:
            return {"add": NOT_HEARD}, None
        name = given.get("device.profile", "") or next(iter(found.guesses), "")
        profile = self._profile(name)
        if profile is None:
            return {"device.profile": NO_TYPE}, None
        if profile.key or profile.beacon:
            return {"device.profile": NEEDS_MORE}, None
        taken = {str(each.get("id")) for each in data.get("devices", ())}
        stem = f"{resident or 'r'}-{'button' if self._is_button(name) else 'band'}"
        free = next(each for each in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if each not in taken)
        place = given.get("device.place", "").strip()
        return None, {
            "id": free,
            "profile": name,
            "line": line,
            "address": address,
            **({"place": place} if place else {}),
        }

    def _type_of(self, device: str, data: Mapping[str, Any]) -> str:
        return next((str(each.get("profile")) for each in data.get("devices", ()) if each.get("id") == device), "")

    def _is_button(self, profile: str) -> bool:
        found = self._profile(profile)
        return found is not None and not any(point.startswith("vital.") for point in found.measures)

    def _title(self, name: str) -> Words:
        found = self._profile(name)
        return Words(found.title_en, found.title_zh) if found else Words(name, name)

    # Consent

    def consent(self, resident: str) -> Consent:
        """What the last act says."""
        consents = self._care.consents
        act = next((each for each in reversed(consents.acts) if each.resident == resident), None)
        granted, erasing = consents.granted(resident), resident in consents.to_erase()
        if act is None:
            return Consent(resident, granted)
        return Consent(resident, granted, act.at[:10], act.by, act.note, erasing)

    async def record(self, resident: str, by: str, given: Mapping[str, str]) -> Mapping[str, Words]:
        """Notes what a resident agreed to, withdrew, or wants erased.  Raises Refused."""
        if resident not in {each.id for each in self._snapshot().site.residents}:
            raise Refused(Words("There is no such resident.", "没有这位住户。"))
        deed: Deed | None = {"grant": "grant", "withdraw": "withdraw", "erase": "erase"}.get(given.get("act", ""))  # type: ignore[assignment]
        if deed is None:
            raise Refused(Words("Unknown act.", "无法识别的操作。"))
        errors, note = _note_of(deed, given)
        if errors:
            return errors
        try:
            await asyncio.to_thread(Consents(self._acts).add, deed, resident, by=by, note=note, at_ms=self._now_ms())
        except Damaged as damage:
            raise Refused(Words.of(damage.text)) from damage
        except (Full, OSError) as error:
            raise Refused(
                Words(f"It cannot be noted ({error}). Check the disk.", f"无法保存记录（{error}），请检查磁盘。")
            ) from error
        self._care.look()
        return {}

    # Many at once

    async def judge(self, data: bytes) -> Import:
        """A table of residents, against the site.  Raises Refused."""
        return await self._lists.judge(data)

    async def save_table(self, token: str) -> tuple[Saved, int]:
        """Saves its good rows.  Raises Refused."""
        return await self._lists.save(token)


def _limits(raw: Any, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those of the file with the fields that the form has; one that says nothing any more goes."""
    limits = [dict(each) for each in raw]
    for name, (point, side, _) in LIMITS.items():
        text = given.get(name, "").strip()
        limit = next((each for each in limits if each.get("point") == point), None)
        if limit is None and text:
            limit = {"point": point}
            limits.append(limit)
        if limit is None:
            continue
        if text and limit.get(side) != number_or_text(text):
            limit[side] = number_or_text(text)
        elif not text:
            limit.pop(side, None)
    own = {point for point, _, _ in LIMITS.values()}
    return [each for each in limits if each.get("point") not in own or "above" in each or "below" in each]


def _note_of(deed: Deed, given: Mapping[str, str]) -> tuple[dict[str, Words], str]:
    """What is wrong with the fields of an act, and its note."""
    errors: dict[str, Words] = {}
    day, paper = given.get("day", "").strip(), given.get("paper", "").strip()[:LONGEST]
    if not _DAY.fullmatch(day):
        errors["day"] = Words("Say on which day: 2026-11-23.", "请填写日期，例如 2026-11-23。")
    if deed == "grant":
        purposes = [words for name, words in FOR.items() if f"for.{name}" in given]
        if given.get("who") not in WHO:
            errors["who"] = Words("Say who agreed.", "请选择由谁表示同意。")
        if not purposes:
            errors["for"] = Words("Tick at least one use.", "请至少勾选一项用途。")
        if not paper:
            errors["paper"] = Words("Say where the signed paper is.", "请填写签字文件的存放处。")
        note = f"{WHO.get(given.get('who', ''), '')} agreed on {day} to: {', '.join(purposes)}; paper: {paper}"
    else:
        if "sure" not in given:
            errors["sure"] = Words("Tick that this is meant.", "请勾选确认。")
        wish = "erase all" if deed == "erase" else "withdraw"
        note = f"wished on {day} to {wish}{f'; paper: {paper}' if paper else ''}"
    return errors, note
