"""Fire panels that are read over Modbus: their model, their unit address, and which registers are used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from courtyard.agent.page.commissioning.entry_step import Given, Wrong, number_or_text
from courtyard.agent.page.commissioning.equipment_step import EquipmentStep, chosen, same
from courtyard.agent.page.commissioning.fields import value_shown
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.web.commissioning.model import Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed
from courtyard.agent.web.model import Words
from courtyard.config.fire import FireModbusPanel
from courtyard.config.shape import Scalar, table_of
from courtyard.drivers.fire.ports import TITLES

LINE_KINDS: Final = ("serial", "rtu-tcp", "tcp")
_SPAN: Final = re.compile(r"([0-9]{1,5})\s*[-–~～]\s*([0-9]{1,5})")
SPANS_HELP: Final = Words(
    "First and last PDU address (40001 is 0), several with commas: 0-199, 1000-1099. A GST panel needs none.",
    "首、末 PDU 地址（40001 为 0），多段用逗号分隔：0-199, 1000-1099。海湾控制器不需填写。",
)
NO_SPANS: Final = Wrong(
    Words("These are no spans of registers.", "寄存器区段填写有误。"),
    Words("Write them as 0-199, 1000-1099.", "请按 0-199, 1000-1099 的格式填写。"),
)


class RegisterPanelStep(EquipmentStep):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk`."""

    kind: Kind = "fire_modbus_panels"

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Line, model and address; where it is."""
        raw = place.raw
        taken = {str(each.get("line")) for each in data.get("devices", ())}
        lines = {str(each.get("name")): each.get("kind") for each in data.get("lines", ())}
        free = {name: same(name) for name, kind in lines.items() if kind in LINE_KINDS and name not in taken}
        line, model = given.get("line", str(raw.get("line", ""))), given.get("model", str(raw.get("model", "")))
        names = {each: Words(TITLES[each].en, TITLES[each].zh) for each in _models()}
        spans = given.get("spans", ", ".join(map(_span_text, raw.get("spans", ()))))
        return [
            self._setting("id", Words("Id", "编号"), place, given),
            chosen("line", Words("Line", "线路"), line, {**free, line: same(line)} if line else free, required=True),
            chosen("model", Words("Model", "型号"), model, names, required=True),
            self._setting("address", Words("Unit address", "从站地址"), place, given),
            self._setting("place", Words("Place", "位置"), place, given),
            self._setting("name", Words("Name", "名称"), place, given),
            Field("spans", Words("Registers in use", "使用的寄存器"), "text", spans, help=SPANS_HELP),
            self._setting("every", Words("Read every", "读取周期"), place, given),
            self._setting("silence", Words("Longest silence", "最长静默时间"), place, given),
        ]

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """What was typed, as the file has it."""
        values: dict[str, Any] = {
            key: given.get(key, "").strip() or None for key in ("id", "line", "model", "place", "name")
        }
        address, typed = given.get("address", "").strip(), given.get("spans", "").strip()
        values["address"] = number_or_text(address) if address else None
        spans = [_span(each) for each in re.split(r"[,，;；]", typed)] if typed else []
        values["spans"] = spans or None
        for key, default in (("every", "1s"), ("silence", "10s")):
            text = given.get(key, "").strip()
            text = f"{text}s" if text.isdecimal() else text
            values[key] = None if text in ("", default) and key not in place.raw else text or None
        return Given(values, errors={"spans": NO_SPANS} if None in spans else {})

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """All spans are one field."""
        return "spans" if path.startswith("spans") else path or "id"

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """A panel in words."""
        title = TITLES.get(str(raw.get("model")))
        words = Words(title.en, title.zh) if title else same(str(raw.get("model", "")))
        about = tuple(value_shown(raw[key]) for key in ("line", "address", "place", "name", "names") if key in raw)
        return Listed(str(raw.get("id", "")), words, about)


def _span(text: str) -> dict[str, int] | None:
    found = _SPAN.fullmatch(text.strip())
    if found is None or int(found[1]) > int(found[2]):
        return None
    return {"first": int(found[1]), "count": int(found[2]) - int(found[1]) + 1}


def _span_text(span: Any) -> str:
    first, count = (span.get(key, 0) if isinstance(span, dict) else 0 for key in ("first", "count"))
    return f"{first}-{first + count - 1}" if isinstance(first, int) and isinstance(count, int) else ""


def _models() -> tuple[str, ...]:
    shape = table_of(FireModbusPanel).settings["model"].shape
    assert isinstance(shape, Scalar)
    return tuple(map(str, shape.choices))
