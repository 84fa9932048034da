"""Relay boards on Modbus: how many relays and inputs, and their addresses, as a device of the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from courtyard.agent.page.commissioning.entry_step import Given, Wrong, number_or_text
from courtyard.agent.page.commissioning.equipment_step import EquipmentStep, chosen, same
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.web.commissioning.model import Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed
from courtyard.agent.web.model import Words

PROFILE: Final = "io/relay-board"
MOST: Final = 8
LINES: Final = ("serial", "rtu-tcp", "tcp")
UNIT: Final = Words("Unit address that is set on the board, 1 to 247.", "板卡上设置的从站地址，1～247。")
FROM_ZERO: Final = Words("As the board's manual has them, counted from 0.", "见板卡说明书，地址从 0 开始。")
TOO_MANY: Final = Wrong(
    Words(f"That is no number from 0 to {MOST}.", f"请填写 0～{MOST} 的数。"),
    Words("Count the relays and inputs on the board.", "请按板上的继电器和输入数量填写。"),
)


class BoardStep(EquipmentStep):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk`; new boards only."""

    kind: Kind = "devices"

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Where it is, and what it has."""
        lines = {
            str(line.get("name")): same(str(line.get("name")))
            for line in data.get("lines", ())
            if line.get("kind") in LINES
        }
        return [
            self._setting("id", Words("Id", "编号"), place, given),
            chosen("line", Words("Line", "线路"), given.get("line", ""), lines, required=True),
            self._setting("address", Words("Address", "地址"), place, given, kind="number", help=UNIT),
            self._setting("place", Words("Place", "位置"), place, given),
            Field("every", Words("Read every", "读取周期"), "text", given.get("every", "1s")),
            Field("relays", Words("Relays", "继电器数量"), "number", given.get("relays", "4"), True),
            Field("relay_at", Words("Coil of the first", "首个线圈地址"), "number", given.get("relay_at", "0")),
            Field("inputs", Words("Inputs", "输入数量"), "number", given.get("inputs", "4"), True),
            Field(
                "input_at",
                Words("Discrete input of the first", "首个离散输入地址"),
                "number",
                given.get("input_at", "0"),
                help=FROM_ZERO,
            ),
        ]

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """The device with a point and a target for every relay, a point for every input."""
        counts = {name: _count(given.get(name, "")) for name in ("relays", "inputs", "relay_at", "input_at")}
        wrong = {
            name: TOO_MANY
            for name, count in counts.items()
            if count is None or (name in ("relays", "inputs") and count > MOST)
        }
        if wrong or not (counts["relays"] or counts["inputs"]):
            return Given({}, errors=wrong or {"relays": TOO_MANY})
        relays = range(1, (counts["relays"] or 0) + 1)
        inputs = range(1, (counts["inputs"] or 0) + 1)
        coil, first = (counts["relay_at"] or 0) - 1, (counts["input_at"] or 0) - 1
        points = [{"point": f"relay.{n}", "address": coil + n, "type": "bool", "function": 1} for n in relays]
        points += [{"point": f"input.{n}", "address": first + n, "type": "bool", "function": 2} for n in inputs]
        every, address = given.get("every", "").strip() or "1s", given.get("address", "").strip()
        values: dict[str, Any] = {
            "id": given.get("id", "").strip() or None,
            "profile": PROFILE,
            "line": given.get("line", "") or None,
            "address": number_or_text(address) if address else None,
            "every": f"{every}s" if every.isdecimal() else every,
            "place": given.get("place", "").strip() or None,
            "points": points,
        }
        if relays:
            values["writes"] = [{"name": f"relay-{n}", "kind": "coil", "address": coil + n} for n in relays]
        return Given(values)

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """Points and targets come from two numbers."""
        head = path.partition(".")[0]
        return {"points": "inputs", "writes": "relays", "": "id"}.get(head, path)

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """A board in words; other devices have no name here."""
        counts = [len(raw.get(key, ())) for key in ("writes", "points")]
        words = Words(f"{counts[0]} relays to switch, {counts[1]} points", f"{counts[0]} 路可控，{counts[1]} 个测点")
        about = tuple(str(raw[key]) for key in ("line", "address") if key in raw)
        return Listed(str(raw.get("id", "")) if raw.get("profile") == PROFILE else "", words, about)


def _count(text: str) -> int | None:
    text = text.strip() or "0"
    return int(text) if text.isdecimal() and len(text) < 6 else None
