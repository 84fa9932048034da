"""Outputs of the site: which relay of which device, what it is for, how long it may be held at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from courtyard.agent.candidates import library
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.entry_step import Given, Wrong
from courtyard.agent.page.commissioning.equipment_step import EquipmentStep, chosen, same
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.web.commissioning.model import Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed
from courtyard.agent.web.model import Words
from courtyard.config.edit import with_values
from courtyard.config.library import Library
from courtyard.config.lifts import DOOR_HOLD
from courtyard.drivers.modbus.settings import ModbusProfile

RELAY: Final = Words("Relay", "继电器")
RELAY_HELP: Final = Words(
    "Only relays that are chosen here can ever be switched: this is the allow-list.",
    "只有在此选定的继电器才允许动作，即允许列表。",
)
OTHER: Final = Words("Token of the camera's relay", "摄像机继电器标识")
OTHER_HELP: Final = Words(
    "Only for a relay of a camera that is not in the list yet; its page or manual names it, such as relay_0.",
    "仅当所选摄像机的继电器尚未列出时填写，见摄像机页面或说明书，例如 relay_0。",
)
USES: Final[Mapping[str, Words]] = {
    "general": Words("siren, lamp, light: rules and platforms may hold it", "警号、灯、照明：规则和平台可使其保持"),
    DOOR_HOLD: Words(
        "door-hold input of a lift: only that lift's watch may hold it", "电梯开门保持：仅该电梯的监视可使其保持"
    ),
}
SAFE: Final[Mapping[str, Words]] = {
    "on": Words("contact open, coil 0", "断开（线圈 0）"),
    "": Words("contact closed, coil 1", "闭合（线圈 1）"),
}
SAFE_HELP: Final = Words(
    "The state in which nobody is in danger: taken at every start, when the agent stops, whenever a lease ends.",
    "不会造成危险的状态：每次启动、程序停止以及占用结束时都恢复到此状态。",
)
CAP: Final = "1m"
"""The default, as it is written."""
CAP_HELP: Final = Words(
    "Longest hold without a break; then it releases by itself, whoever still wants it.",
    "最长连续保持时间，到时无条件自动释放。",
)
NO_TOKEN: Final = Wrong(
    Words("The relay of the camera has no token.", "未填写摄像机继电器的 token。"),
    Words("Type the token that the camera gives to it, such as relay_0.", "请填写摄像机给出的 token，例如 relay_0。"),
)
NEW: Final = "?"


class OutputStep(EquipmentStep):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk`."""

    kind: Kind = "outputs"

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self._profiles: Library | None = None

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Which relay, what for, and the bounds of holding it."""
        raw = place.raw
        relay = given.get("relay", f"{raw.get('device', '')} {raw.get('target', '')}".strip())
        safe = given.get("active", "on" if raw.get("active", True) else "")
        if "active" not in given and place.is_new:
            safe = "on"
        use = given.get("use", str(raw.get("use", "general")))
        relays = self._relays(data)
        if relay and relay not in relays and not place.is_new:
            relays[relay] = same(relay)
        token = Field("token", OTHER, "text", given.get("token", ""), help=OTHER_HELP)
        return [
            self._setting("name", Words("Name", "名称"), place, given),
            chosen("relay", RELAY, relay, relays, required=True, help=RELAY_HELP),
            *((token,) if data.get("cameras") else ()),
            chosen("use", Words("What it is for", "用途"), use, USES),
            chosen("active", Words("Safe state", "安全状态"), safe, SAFE, help=SAFE_HELP),
            self._setting("cap", Words("Longest hold", "最长保持时间"), place, given, help=CAP_HELP),
        ]

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """What was typed, as the file has it."""
        device, target = _relay(given)
        cap = given.get("cap", "").strip()
        cap = f"{cap}s" if cap.isdecimal() else cap
        values: dict[str, Any] = {
            "name": given.get("name", "").strip() or None,
            "device": device or None,
            "target": target or None,
            "active": _unless(given.get("active", "on") == "on", True, place.raw, "active"),
            "cap": _unless(CAP if cap == "60s" else cap, CAP, place.raw, "cap") or None,
            "use": _unless(given.get("use") or "general", "general", place.raw, "use"),
        }
        return Given(values, errors={"token": NO_TOKEN} if target == NEW else {})

    def prepared(self, text: str, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> str:
        """With a relay of a camera that the camera does not list yet."""
        device, target = _relay(given)
        for index, camera in enumerate(data.get("cameras", ())):
            if camera.get("id") == device and target and target not in camera.get("relays", ()):
                return with_values(text, "cameras", {"relays": [*camera.get("relays", ()), target]}, index)
        return text

    def brought(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Mapping[str, str]:
        """What is wrong with the camera's relays stands at the token."""
        return {f"cameras[{index}].relays": "token" for index, _ in enumerate(data.get("cameras", ()))}

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """Device and target are one field."""
        return {"device": "relay", "target": "relay", "": "name"}.get(path, path)

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """An output in words."""
        about = tuple(str(raw[key]) for key in ("device", "target", "cap") if key in raw)
        return Listed(str(raw.get("name", "")), USES.get(str(raw.get("use", "general")), USES["general"]), about)

    def _relays(self, data: Mapping[str, Any]) -> dict[str, Words]:
        """Everything that may be switched, by device and target."""
        found: dict[str, Words] = {}
        for device in data.get("devices", ()):
            name = str(device.get("id"))
            own = [write for write in device.get("writes", ()) if isinstance(write, dict)]
            profile = self._profile(str(device.get("profile", "")))
            targets = [str(write.get("name")) for write in own]
            targets += [write.name for write in profile.writes] if profile is not None else []
            found |= {f"{name} {target}": same(f"{name} · {target}") for target in targets}
        for camera in data.get("cameras", ()):
            name = str(camera.get("id"))
            found |= {f"{name} {token}": same(f"{name} · {token}") for token in camera.get("relays", ())}
            found[f"{name} {NEW}"] = Words(f"{name} · another relay of this camera", f"{name} · 该摄像机的其他继电器")
        return found

    def _profile(self, name: str) -> ModbusProfile | None:
        if self._profiles is None:
            self._profiles = library((self._editor.file.path.parent / "profiles",))
        loaded = self._profiles.load(name)
        profile = loaded.profile if loaded is not None else None
        return profile if isinstance(profile, ModbusProfile) else None


def _relay(given: Mapping[str, str]) -> tuple[str, str]:
    device, _, target = given.get("relay", "").partition(" ")
    return device, (given.get("token", "").strip() or NEW) if target == NEW else target


def _unless(value: Any, default: Any, raw: Mapping[str, Any], key: str) -> Any:
    """A setting that stays at its default is not written down."""
    return None if value == default and key not in raw else value
