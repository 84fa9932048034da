"""The example site: a small compound that works, with every setting explained where it first appears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from courtyard.config.generate.schema import plain
from courtyard.config.generate.toml_text import value_text
from courtyard.config.shape import Items, Scalar, Setting, Shape, Table, Variants, table_of
from courtyard.config.site import Site

SITE: dict[str, Any] = {
    "gateway": {"id": "gw-0007", "place": "370213/005/012/0007"},
    "web": {},
    "journal": {},
    "history": {},
    "uplinks": [
        {
            "name": "community",
            "url": "mqtts://platform.example:8883",
            "username": "gw-0007",
            "password_file": "secrets/community",
        },
        {
            "name": "fire-centre",
            "url": "tcp://192.168.10.5:5200",
            "format": "gb26875",
            "station": {
                "address": 1144201745,
                "centre": 1,
                "heartbeat": "30s",
                "systems": {"fire-b01": 1},
                "measured_every": "1m",
                "analogues": [
                    {
                        "device": "wm-pump-room",
                        "point": "water.pressure",
                        "system_type": 11,
                        "system": 1,
                        "component_type": 91,
                        "component": 1,
                    },
                ],
            },
            "only_escalated": True,
        },
    ],
    "lines": [
        {"kind": "serial", "name": "rs485-1", "port": "/dev/serial/by-id/usb-FTDI-0", "baud": 9600},
        {"kind": "tcp", "name": "pump-room", "host": "192.168.1.60"},
        {"kind": "rtu-tcp", "name": "block-4", "host": "192.168.1.50", "port": 4001},
        {
            "kind": "ble",
            "name": "ble-b03",
            "adapter": "hci0",
            "further_adapters": ["hci1"],
            "proxies": [{"name": "hall-3", "host": "192.168.1.40", "key_file": "secrets/hall-3", "port": 6053}],
        },
        {"kind": "serial", "name": "fire-1", "port": "/dev/serial/by-id/usb-FTDI-1", "baud": 9600},
        {"kind": "tcp-server", "name": "fire-net", "port": 5200, "peers": ["192.168.1.0/24"]},
        {"kind": "udp", "name": "fire-udp", "port": 5201, "peers": ["192.168.1.0/24"]},
        {"kind": "rtu-tcp", "name": "fire-2", "host": "192.168.1.51", "port": 4001, "baud": 4800},
    ],
    "devices": [
        {
            "id": "wm-b03-u02-601",
            "profile": "water/tuf-2000",
            "line": "rs485-1",
            "address": 17,
            "every": "60s",
            "place": "b03/u02/f06/r601",
            "options": {"multiplier": 1},
        },
        {
            "id": "wm-b03-u02-602",
            "profile": "water/ultrad",
            "line": "rs485-1",
            "address": 18,
            "every": "60s",
            "place": "b03/u02/f06/r602",
        },
        {
            "id": "relay-b03",
            "profile": "io/relay-board",
            "line": "rs485-1",
            "address": 40,
            "every": "10s",
            "place": "b03/x-entrance",
            "points": [{"point": "relay.1", "address": 0, "type": "bool", "function": 1}],
            "writes": [{"name": "siren", "kind": "coil", "address": 0}],
        },
        {
            "id": "lift-io-b03",
            "profile": "io/relay-board",
            "line": "pump-room",
            "address": 2,
            "every": "1s",
            "place": "b03/x-lift1",
            "points": [
                {"point": "input.1", "address": 0, "type": "bool", "function": 2},
                {"point": "input.2", "address": 1, "type": "bool", "function": 2},
                {"point": "input.3", "address": 2, "type": "bool", "function": 2},
                {"point": "input.4", "address": 3, "type": "bool", "function": 2},
                {"point": "lift.floor", "address": 0, "type": "int16", "function": 3, "unit": "1"},
            ],
            "writes": [
                {"name": "door-hold", "kind": "coil", "address": 0},
                {"name": "lamp", "kind": "coil", "address": 1},
            ],
        },
        {
            "id": "wm-pump-room",
            "profile": "water/kaifeng-xintai",
            "line": "pump-room",
            "address": 1,
            "every": "10s",
            "place": "x-pump-room",
        },
        {
            "id": "wm-b04-u01-101",
            "profile": "water/pulse-collector",
            "line": "block-4",
            "address": 5,
            "every": "5m",
            "place": "b04/u01/f01/r101",
            "points": [
                {
                    "point": "water.volume.total",
                    "address": 0,
                    "type": "uint32",
                    "unit": "L",
                    "scale": 10,
                    "offset": 123400,
                    "counter_width": 32,
                }
            ],
        },
        {
            "id": "band-017",
            "profile": "wearable/heart-rate-band",
            "line": "ble-b03",
            "address": "C0:FF:EE:00:00:01",
            "place": "b03/u02/f06/r601",
        },
        {
            "id": "sos-017",
            "profile": "wearable/bthome-button-encrypted",
            "line": "ble-b03",
            "address": "C0:FF:EE:01:00:01",
            "key_file": "secrets/sos-017",
            "place": "b03/u02/f06/r601",
        },
        {
            "id": "sos-018",
            "profile": "wearable/beacon-button",
            "line": "ble-b03",
            "address": "C0:FF:EE:01:00:03",
            "beacon": {
                "normal": "00112233-4455-6677-8899-AABBCCDDEEFF/3/1",
                "alarm": "00112233-4455-6677-8899-AABBCCDDEEFF/3/2",
                "means": "sos",
            },
            "place": "b03/u02/f06/r602",
        },
    ],
    "fire_panels": [
        {"id": "fp-b03", "line": "fire-1", "protocol": "jbf", "place": "b03/x-fire-room"},
        {"id": "fp-gate", "line": "fire-net", "protocol": "gb26875", "place": "x-gatehouse"},
        {"id": "fp-garage", "line": "fire-udp", "protocol": "gb26875", "place": "x-garage"},
    ],
    "fire_modbus_panels": [
        {"id": "fp-b04", "line": "fire-2", "model": "gst200", "address": 1, "place": "b04/x-fire-room"},
    ],
    "lifts": [
        {
            "id": "lift-b03-1",
            "camera": "cam-b03-lift1",
            "place": "b03/x-lift1",
            "floor_region": [[0.15, 0.3], [0.85, 0.3], [0.95, 1.0], [0.05, 1.0]],
            "door_closed": {"device": "lift-io-b03", "point": "input.1"},
            "level": {"device": "lift-io-b03", "point": "lift.floor"},
            "fire": {"device": "lift-io-b03", "point": "input.2"},
            "fire_return": {"device": "lift-io-b03", "point": "input.3"},
            "firefighter": {"device": "lift-io-b03", "point": "input.4"},
            "warn": ["lamp-lift1"],
            "voice": "speech",
            "hold": "door-lift1",
            "commissioned": {"maintainer": "某某电梯维保公司 王工", "date": "2026-11-20"},
        }
    ],
    "vision": {},
    "outputs": [
        {"name": "siren-b03", "device": "relay-b03", "target": "siren", "cap": "60s"},
        {"name": "lamp-lift1", "device": "lift-io-b03", "target": "lamp", "cap": "10m"},
        {"name": "door-lift1", "device": "lift-io-b03", "target": "door-hold", "cap": "60s", "use": "door-hold"},
    ],
    "rules": [
        {
            "name": "pressure-low",
            "kind": "threshold",
            "devices": ["wm-pump-room"],
            "severity": 2,
            "point": "water.pressure",
            "below": 150,
            "hysteresis": 20,
            "for": "5m",
            "outputs": ["siren-b03"],
        },
        {"name": "silent", "kind": "unreachable"},
        {"name": "backwards", "kind": "reverse_flow", "devices": ["wm-*"], "for": "1m"},
        {"name": "never-still", "kind": "night_flow", "devices": ["wm-b03-*"], "severity": 4},
    ],
    "escalations": [
        {
            "name": "life",
            "steps": [
                {"kind": "output", "after": "30s", "output": "siren-b03"},
                {"kind": "sms", "after": "60s", "numbers": ["+8613812345678", "+8613912345678"]},
                {"kind": "uplink", "after": "60s", "uplink": "fire-centre"},
            ],
        }
    ],
    "modem": {"port": "/dev/serial/by-id/usb-SimTech-if02"},
    "cameras": [
        {
            "id": "cam-b03-lift1",
            "address": "192.168.1.64",
            "username": "gateway",
            "password_file": "secrets/cam-b03-lift1",
            "place": "b03/x-lift1",
            "silence": "60s",
        }
    ],
    "residents": [
        {
            "id": "r-017",
            "wearables": ["band-017"],
            "buttons": ["sos-017"],
            "limits": [
                {"point": "vital.heart_rate", "above": 120, "below": 45, "hysteresis": 5, "for": "30s"},
                {"point": "vital.spo2", "below": 90, "hysteresis": 2, "for": "1m", "severity": 1},
            ],
            "report": "minutes",
        },
        {"id": "r-018", "buttons": ["sos-018"], "report": "alarms"},
    ],
    "answer": {},
    "presence": {"receivers": [{"name": "ble-b03", "place": "b03/u02/f06/r601"}]},
}
"""Values only; what they mean comes from the settings types."""


def example_text() -> str:
    """`site.example.toml`."""
    lines = [
        "#:schema ./site.schema.json",
        "# 示例站点。复制为 site.toml 后修改；以 # 开头的设置项为默认值或示例。修改后运行：courtyard check site.toml",
        "# An example site. Copy it to site.toml and change it; settings behind # show a default or an example.",
        "# Then run: courtyard check site.toml",
        "",
    ]
    told: set[tuple[str, str]] = set()
    for setting in table_of(Site).settings.values():
        value = SITE[setting.key]
        if setting.help:
            lines += [f"# ===== {setting.help.zh} {setting.help.en}", ""]
        for entry in value if isinstance(value, list) else [value]:
            header = f"[[{setting.key}]]" if isinstance(setting.shape, Items) else f"[{setting.key}]"
            lines += [header, *_entry(_table_for(setting.shape, entry), entry, told), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table_for(shape: Shape, entry: Mapping[str, Any]) -> Table:
    item = shape.item if isinstance(shape, Items) else shape
    if isinstance(item, Variants):
        return item.tables[str(entry[item.tag_key])]
    assert isinstance(item, Table)
    return item


def _entry(table: Table, entry: Mapping[str, Any], told: set[tuple[str, str]]) -> Iterator[str]:
    if table.tag_key is not None:
        if table.help:
            yield from (f"# {table.help.zh}", f"# {table.help.en}")
        yield f"{table.tag_key} = {value_text(table.tag)}"
    for setting in table.settings.values():
        shown = setting.key in entry
        is_new = (table.cls.__name__, setting.key) not in told
        told.add((table.cls.__name__, setting.key))
        if is_new and (shown or _worth_showing(setting)):
            yield from _explained(setting)
        if shown:
            yield f"{setting.key} = {_wrapped(entry[setting.key])}"
        elif is_new and _worth_showing(setting):
            value = setting.example if setting.default in (None, (), {}) else plain(setting.default, setting.shape)
            yield f"# {setting.key} = {value_text(value)}"


def _worth_showing(setting: Setting) -> bool:
    """Whether a setting that this entry does not have can still be shown with a value."""
    return setting.example is not None or setting.default not in (None, (), {})


def _explained(setting: Setting) -> Iterator[str]:
    if setting.help:
        choices = setting.shape.choices if isinstance(setting.shape, Scalar) else ()
        some = f" ({', '.join(str(choice) for choice in choices)})" if len(choices) > 1 else ""
        yield f"# {setting.help.zh}"
        yield f"# {setting.help.en}{some}"


def _wrapped(value: Any) -> str:
    """Lists of tables one a line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"  {value_text(item)},\n" for item in value) + "]"
    return value_text(value)
