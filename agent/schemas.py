"""`python -m courtyard.agent.schemas` writes docs/wire: a JSON Schema per message and an AsyncAPI 3 document.

The types of the wire contract are the only source; `--check` says which files have drifted from them (exit 1).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import msgspec

from courtyard.agent.commands.kinds import KINDS
from courtyard.agent.records import (
    VERSION,
    AlarmRecord,
    Batch,
    Command,
    EventRecord,
    Inventory,
    Outcome,
    ReadingRecord,
    Status,
)
from courtyard.agent.uplinks.numbering import Heads

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout."""
FOLDER: Final = "docs/wire"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
RECORDS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "alarm": AlarmRecord,
    "event": EventRecord,
    "reading": ReadingRecord,
}
MESSAGES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "batch": Batch,
    "status": Status,
    "heads": Heads,
    "inventory": Inventory,
    "command": Command,
    "outcome": Outcome,
}


class Channel(msgspec.Struct, frozen=True):
    """One topic below courtyard/v1/{gateway}/."""

    topic: str
    message: str
    action: str
    summary: str
    retain: bool = False
    reply: str | None = None


CHANNELS: Final[Mapping[str, Channel]] = {
    "alarm": Channel("alarm", "batch", "send", "Changes of alarms; sent before everything else."),
    "event": Channel("event", "batch", "send", "What happened to the box or to a device."),
    "reading": Channel("reading", "batch", "send", "Values of devices."),
    "status": Channel("status", "status", "send", "How the gateway fares; the Last Will says offline.", retain=True),
    "heads": Channel("heads", "heads", "send", "How far the gateway has counted.", retain=True),
    "inventory": Channel("inventory/{device}", "inventory", "send", "A device as installed; empty: gone.", retain=True),
    "command": Channel("command", "command", "receive", "A wish, executed at most once.", reply="outcome"),
    "outcome": Channel("outcome", "outcome", "send", "The one result of a command."),
}
PARAMETERS: Final = {
    "gateway": "The gateway's id, as in its site file.",
    "device": "The device's id, as in the site file.",
}


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by file stem."""
    found = {name: _numbered(_schema(type_)) for name, type_ in RECORDS.items()}
    found |= {name: _schema(type_) for name, type_ in MESSAGES.items()}
    found["batch"]["properties"]["records"] = {"type": "array", "items": {"type": "object", "required": ["seq"]}}
    found["batch"]["allOf"] = [
        _when("lane", lane, {"records": {"items": {"$ref": f"{lane}.schema.json"}}}) for lane in RECORDS
    ]
    found["command"]["properties"] |= {"kind": {"enum": list(KINDS)}, "args": {"type": "object"}}
    found["command"]["allOf"] = [_when("kind", name, {"args": _schema(kind.args)}) for name, kind in KINDS.items()]
    for name, schema in found.items():
        found[name] = {"$schema": DIALECT, "$id": f"{name}.schema.json", "title": f"Courtyard {name}, v1"} | schema
    return found


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document; from the gateway's point of view, as the specification wants it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Courtyard gateway, native format",
            "version": str(VERSION),
            "description": "MQTT 5 (3.1.1 tolerated), QoS 1. One message of a lane is a batch of numbered records.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(channel) for name, channel in CHANNELS.items()},
        "operations": {name: _operation(name, channel) for name, channel in CHANNELS.items()},
        "components": {
            "messages": {
                name: {
                    "title": name,
                    "contentType": "application/json",
                    "payload": {
                        "schemaFormat": "application/schema+json;version=draft-2020-12",
                        "schema": {"$ref": f"{name}.schema.json"},
                    },
                }
                for name in MESSAGES
            }
        },
    }


def files() -> dict[str, str]:
    """Every generated file: path from the checkout to its content."""
    texts = {f"{FOLDER}/{name}.schema.json": _text(schema) for name, schema in schemas().items()}
    return texts | {f"{FOLDER}/asyncapi.json": _text(asyncapi())}


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Exit code: 0, or with `--check` 1 when a file differs from what would be written."""
    wanted = files()
    drifted = [
        name for name, text in wanted.items() if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]
    if "--check" in arguments:
        for name in drifted:
            print(f"{name} is not up to date: run python -m courtyard.agent.schemas", file=sys.stderr)
        return 1 if drifted else 0
    for name in drifted:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(wanted[name], "utf-8")
        print(name)
    return 0


def _schema(type_: type[msgspec.Struct]) -> dict[str, Any]:
    """The type's schema with its own members on top and what it refers to below `$defs`."""
    (_,), definitions = msgspec.json.schema_components((type_,), ref_template="#/$defs/{name}")
    own: dict[str, Any] = definitions.pop(type_.__name__)
    own.pop("title", None)
    cleaned: dict[str, Any] = _clean(own | ({"$defs": definitions} if definitions else {}))
    return cleaned


def _clean(node: Any) -> Any:
    """Descriptions come from docstrings, with the indentation of the source."""
    if isinstance(node, dict):
        return {key: cleandoc(each) if key == "description" else _clean(each) for key, each in node.items()}
    return [_clean(each) for each in node] if isinstance(node, list) else node


def _numbered(schema: dict[str, Any]) -> dict[str, Any]:
    seq = {"type": "integer", "minimum": 1, "description": "Counts within epoch and lane, without a hole."}
    return schema | {"properties": {"seq": seq, **schema["properties"]}, "required": ["seq", *schema["required"]]}


def _when(member: str, value: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": {member: {"const": value}}}, "then": {"properties": properties}}


def _channel(channel: Channel) -> dict[str, Any]:
    names = ["gateway", "device"] if "{device}" in channel.topic else ["gateway"]
    return {
        "address": f"courtyard/v{VERSION}/{{gateway}}/{channel.topic}",
        "description": channel.summary,
        "parameters": {name: {"description": PARAMETERS[name]} for name in names},
        "messages": {channel.message: {"$ref": f"#/components/messages/{channel.message}"}},
    }


def _operation(name: str, channel: Channel) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": channel.action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": channel.summary,
        "messages": [{"$ref": f"#/channels/{name}/messages/{channel.message}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": channel.retain, "bindingVersion": "0.2.0"}},
    }
    if channel.reply is not None:
        operation["reply"] = {"channel": {"$ref": f"#/channels/{channel.reply}"}}
    return operation


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
