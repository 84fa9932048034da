"""Fire panels that speak by themselves: on a port of this box or a line of the site, in their own protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.entry_step import Given, number_or_text
from courtyard.agent.page.commissioning.equipment_step import EquipmentStep, chosen, same
from courtyard.agent.page.commissioning.fields import value_shown
from courtyard.agent.page.commissioning.proposal import Place
from courtyard.agent.serial_ports import SerialPort
from courtyard.agent.web.commissioning.model import Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed
from courtyard.agent.web.model import Words
from courtyard.config.edit import with_entries
from courtyard.config.fire import FirePanel
from courtyard.config.shape import Scalar, table_of
from courtyard.drivers.fire.ports import PORTS, TITLES, Port

LINE_KINDS: Final = ("serial", "rtu-tcp", "tcp", "tcp-server", "udp")
"""Kinds of lines on which a panel may hang; the check of the file knows which of them a protocol needs."""
WITH_ADDRESS: Final = ("gb26875", "fs5101", "espa")
ANY_PORT: Final = Port((9600, 1200, 2400, 4800, 19200, 38400, 57600, 115200), ("8N1", "8E1", "8O1", "8N2", "7E1"))
LINE_NAME: Final = "fire-{}"
WHERE: Final = Words("Where it is connected", "接在哪里")
WHERE_HELP: Final = Words(
    "A free serial port of this box, or a line of the site that carries no meters.",
    "本机空闲的串口，或站点中没有接仪表的线路。",
)
PROTOCOL: Final = Words("Protocol", "通信协议")
SPEAK: Final[Mapping[str, Words]] = {
    "": Words("as the protocol needs it", "按协议默认"),
    "no": Words("only listen", "只监听"),
    "yes": Words("confirm and answer polls", "应答并确认"),
}
STYLES: Final[Mapping[str, Words]] = {
    "loop-point": Words("loop, then point", "回路-点位"),
    "point-loop": Words("point, then loop", "点位-回路"),
    "bytes": Words("four bytes", "四个字节"),
    "number": Words("one number", "一个数"),
}
NO_PORT: Final = Words("no free port found", "未找到空闲串口")


class PanelStep(EquipmentStep):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk`."""

    kind: Kind = "fire_panels"

    def __init__(self, editor: Editor, ports: Callable[[], Sequence[SerialPort]]) -> None:
        """`ports` are the serial ports of this box that no line uses."""
        super().__init__(editor)
        self._ports = ports

    def wanted(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Where the panel is and what it speaks decide about all else."""
        where, protocol = _way(place, given)
        if where and protocol in _protocols():
            return []
        names = {name: Words(title.en, title.zh) for name, title in TITLES.items() if name in _protocols()}
        return [
            chosen("where", WHERE, where, self._places(data), required=True, help=WHERE_HELP),
            chosen("protocol", PROTOCOL, protocol, names, required=True),
        ]

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Name and place; of a new port how it is set, of some protocols an address."""
        where, protocol = _way(place, given)
        title = TITLES[protocol]
        fields = [
            Field("where", WHERE, "fixed", where, help=Words("", "")),
            Field("protocol", PROTOCOL, "fixed", protocol, help=Words(title.en, title.zh)),
        ]
        if where.startswith("port:"):
            fields += _port_fields(protocol, given, data)
        fields.append(self._setting("id", Words("Id", "编号"), place, given))
        fields.append(self._setting("place", Words("Place", "位置"), place, given))
        fields.append(self._setting("name", Words("Name", "名称"), place, given))
        if protocol in WITH_ADDRESS:
            fields.append(self._setting("address", Words("Address", "地址"), place, given))
        if protocol == "gb26875":
            label = Words("Addresses of parts", "部件地址格式")
            text = given.get("addresses", str(place.raw.get("addresses", "loop-point")))
            setting = table_of(FirePanel).settings["addresses"]
            assert setting.help is not None
            fields.append(chosen("addresses", label, text, STYLES, help=Words.of(setting.help)))
        if protocol == "espa":
            fields.append(
                self._setting("select_alone", Words("Selects without a poll", "不轮询直接选择"), place, given)
            )
        raw = place.raw.get("speak")
        speak = given.get("speak", "" if raw is None else "yes" if raw else "no")
        help_text = Words(
            "Whatever is chosen, nothing that resets, silences or starts anything is ever sent to a panel.",
            "无论如何选择，网关都不会向控制器发送复位、消音或启动命令。",
        )
        fields.append(chosen("speak", Words("On the line", "在线路上"), speak, SPEAK, help=help_text))
        fields.append(self._setting("silence", Words("Longest silence", "最长静默时间"), place, given))
        return fields

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """What was typed, as the file has it."""
        where, protocol = _way(place, given)
        values: dict[str, Any] = {"id": given.get("id", "").strip() or None}
        if place.is_new:
            values |= {"line": _line_of(where, given), "protocol": protocol}
        values |= {key: given.get(key, "").strip() or None for key in ("place", "name", "silence")}
        if values["silence"] is not None and values["silence"].isdecimal():
            values["silence"] += "s"
        if protocol in WITH_ADDRESS:
            address = given.get("address", "").strip()
            values["address"] = number_or_text(address) if address else None
        if protocol == "gb26875":
            style = given.get("addresses", "")
            values["addresses"] = None if style in ("", "loop-point") and "addresses" not in place.raw else style
        if protocol == "espa":
            values["select_alone"] = True if given.get("select_alone") == "on" else None
        values["speak"] = {"no": False, "yes": True}.get(given.get("speak", ""))
        return Given(values)

    def prepared(self, text: str, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> str:
        """With the line of a port that no line uses yet."""
        where = given.get("where", "")
        if not place.is_new or not where.startswith("port:"):
            return text
        character = given.get("character", "") or "8N1"
        line: dict[str, Any] = {
            "name": _line_of(where, given) or "",
            "kind": "serial",
            "port": where.removeprefix("port:"),
        }
        line["baud"] = number_or_text(given.get("baud", "").strip() or "9600")
        bits = {"data_bits": character[:1], "stop_bits": character[2:]}
        line |= {key: number_or_text(bit) for key, bit in bits.items() if bit != {"data_bits": "8"}.get(key, "1")}
        line |= {} if character[1:2] == "N" else {"parity": character[1:2]}
        return with_entries(text, "lines", [line])

    def brought(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Mapping[str, str]:
        """Mistakes of the new line stand at its fields."""
        is_port = given.get("where", "").startswith("port:")
        return {f"lines[{len(data.get('lines', ()))}]": "line_name"} if is_port and place.is_new else {}

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """A line that does not do stands where it was chosen."""
        return {"name": "name", "line": "where", "": "id"}.get(path, path)

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """A panel in words."""
        title = TITLES.get(str(raw.get("protocol")))
        words = Words(title.en, title.zh) if title else same(str(raw.get("protocol", "")))
        about = tuple(value_shown(raw[key]) for key in ("line", "place", "name", "names") if key in raw)
        return Listed(str(raw.get("id", "")), words, about)

    def _places(self, data: Mapping[str, Any]) -> dict[str, Words]:
        """Free ports first, then lines that carry no meters."""
        found = {f"port:{each.port}": same(each.port) for each in self._ports()}
        taken = {str(each.get("line")) for each in data.get("devices", ()) if isinstance(each, dict)}
        for line in data.get("lines", ()):
            name, kind = str(line.get("name")), line.get("kind")
            if kind in LINE_KINDS and name not in taken:
                detail = line.get("port") if kind == "serial" else kind
                found[f"line:{name}"] = Words(f"line {name} ({detail})", f"线路 {name}（{detail}）")
        return found


def _way(place: Place, given: Mapping[str, str]) -> tuple[str, str]:
    """Where the panel is, and its protocol."""
    if not place.is_new:
        return f"line:{place.raw.get('line', '')}", str(place.raw.get("protocol", ""))
    where = given.get("where", "")
    return where if where.startswith(("port:", "line:")) else "", given.get("protocol", "")


def _line_of(where: str, given: Mapping[str, str]) -> str | None:
    if where.startswith("line:"):
        return where.removeprefix("line:")
    return given.get("line_name", "").strip() or None


def _port_fields(protocol: str, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
    port = PORTS.get(protocol, ANY_PORT)
    taken = {str(line.get("name")) for line in data.get("lines", ())}
    free = next(name for number in range(1, len(taken) + 2) if (name := LINE_NAME.format(number)) not in taken)
    bauds = {str(each): same(str(each)) for each in (*port.bauds, *ANY_PORT.bauds)}
    characters = {each: same(each) for each in (*port.characters, *ANY_PORT.characters)}
    usual = ", ".join(map(str, port.bauds)), ", ".join(port.characters)
    help_text = Words(f"Usual for this panel: {usual[0]}.", f"此类控制器通常为 {usual[0]}。")
    help_character = Words(
        f"Data bits, parity, stop bits; usual: {usual[1]}.", f"数据位、校验位、停止位；通常为 {usual[1]}。"
    )
    if protocol not in PORTS:
        help_text = help_character = Words("As it is set in the panel.", "按控制器的设置填写。")
    return [
        Field("line_name", Words("Name of the new line", "新线路名称"), "text", given.get("line_name", free), True),
        chosen("baud", Words("Speed", "波特率"), given.get("baud", str(port.bauds[0])), bauds, help=help_text),
        chosen(
            "character",
            Words("Character", "字符格式"),
            given.get("character", port.characters[0]),
            characters,
            help=help_character,
        ),
    ]


def _protocols() -> tuple[str, ...]:
    shape = table_of(FirePanel).settings["protocol"].shape
    assert isinstance(shape, Scalar)
    return tuple(map(str, shape.choices))
