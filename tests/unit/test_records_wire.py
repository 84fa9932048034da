"""The wire contract: what is encoded is what the schemas and the pages say."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry, Resource

from courtyard.agent import schemas
from courtyard.agent.commands.kinds import KINDS
from courtyard.agent.records import (
    LATEST_MS,
    AlarmRecord,
    EventRecord,
    GapRecord,
    Inventory,
    LaneStatus,
    Outcome,
    ReadingRecord,
    Status,
    batch,
    encode,
    instant,
    not_durable,
    parse_instant,
    stamp,
)
from tests.gateway_rig import gateway, settle, virtual

FOLDER = schemas.ROOT / schemas.FOLDER
SCHEMAS = schemas.schemas()
REGISTRY: Registry[Any] = Registry().with_resources(
    [(f"{name}.schema.json", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()]
)
READING = ReadingRecord(
    "wm-1",
    "370213/005/012/0007",
    instant(0),
    1,
    "synced",
    {"water.flow": 0.5, "water.volume.total": None},
    {"water.volume.total": "bad:comm"},
)
PAGES = (FOLDER / "README.md", FOLDER / "README.zh.md")


class Numbered(NamedTuple):
    epoch: str
    boot: str
    lane: str
    first: int
    last: int
    seqs: tuple[int, ...]
    bodies: tuple[bytes, ...]


def mistakes(name: str, message: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    return [error.message for error in validator.iter_errors(message)]


def test_the_generated_files_are_up_to_date(tmp_path: Path) -> None:
    assert schemas.main(["--check"]) == 0
    assert schemas.main(["--check"], tmp_path) == 1
    assert schemas.main([], tmp_path) == 0
    assert schemas.main(["--check"], tmp_path) == 0
    assert {path.name for path in FOLDER.iterdir()} == {
        *(Path(name).name for name in schemas.files()),
        "README.md",
        "README.zh.md",
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = schemas.asyncapi()

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert len(found) > 20
    for reference in found:
        if reference.startswith("#/"):
            node: Any = document
            for part in reference[2:].split("/"):
                node = node[part]
        else:
            assert (FOLDER / reference).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_examples_of_the_page_are_valid_and_every_kind_and_topic_is_named(page: Path) -> None:
    text = page.read_text()
    examples = re.findall(r"^```json (\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in examples} == {"batch", "command", "outcome"}
    for name, example in examples:
        assert mistakes(name, json.loads(example)) == []
    for word in (*KINDS, *(channel.topic for channel in schemas.CHANNELS.values())):
        assert f"`{word}`" in text


def test_what_the_gateway_records_is_what_the_schemas_say() -> None:
    async def main() -> None:
        gw, journal = gateway()
        gw.engine.apply(gw.condition(severity=1))
        gw.acts.acknowledge("wm-1:leak:a", "li", "seen")
        gw.recorder.event("test", {"number": 1, "text": "x", "nothing": None}, device="wm-1")
        await settle()
        journal.committed.append(("reading", 1, encode(READING)))
        for lane in ("alarm", "event", "reading"):
            numbered = [(seq, stamp(seq, body)) for each, seq, body in journal.committed if each == lane]
            seqs, bodies = zip(*numbered, strict=True)
            gap = GapRecord("reading", 1, 5, 5, instant(0), instant(1), "quota")
            message = batch("gw-0007", Numbered("e", "b", lane, 1, len(seqs), seqs, bodies), gaps=[gap])
            decoded = json.loads(message)
            assert mistakes("batch", decoded) == []
            assert [next(iter(record)) for record in decoded["records"]] == ["seq"] * len(seqs)
            assert [mistakes(lane, record) for record in decoded["records"]] == [[]] * len(seqs)
        assert mistakes("status", json.loads(encode(status(gw.book.urgent())))) == []

    virtual(main)


def status(alarms: Any = None) -> Status:
    return Status(
        1, "gw-0007", True, instant(0), "b", "synced", "1.0", lanes={"alarm": LaneStatus("e", 3)}, alarms=alarms
    )


def test_a_wrong_record_is_caught_by_the_batch_schema() -> None:
    body = encode(READING).replace(b'"clock":"synced"', b'"clock":"perhaps"')
    message = batch("gw-0007", Numbered("e", "b", "reading", 1, 1, (1,), (stamp(1, body),)))
    assert mistakes("batch", json.loads(message)) != []
    unnumbered = batch("gw-0007", Numbered("e", "b", "reading", 1, 1, (), ())).replace(b"[]}", b"[{}]}")
    assert mistakes("batch", json.loads(unnumbered)) != []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("status", Status(1, "gw-0007", False)),
        (
            "inventory",
            Inventory(1, "gw-0007", "wm-1", "370213/005/012/0007", "water/tuf-2000", points={"water.flow": "m3/h"}),
        ),
        ("outcome", Outcome(1, "gw-0007", "c-1", "read", "done", instant(0), data={"values": {"water.flow": 1.0}})),
    ],
)
def test_other_messages_are_what_their_schemas_say(name: str, message: Any) -> None:
    assert mistakes(name, json.loads(encode(message))) == []


@pytest.mark.parametrize(
    "arguments",
    [{"kind": "reset", "args": {}}, {"kind": "clear", "args": {}}, {"kind": "sync", "args": {"x": 1}}, {"id": ""}],
)
def test_the_command_schema_knows_the_arguments_of_every_kind(arguments: dict[str, Any]) -> None:
    good = {
        "v": 1,
        "id": "c-1",
        "kind": "sync",
        "issued_at": instant(0),
        "expires_at": instant(1),
        "origin": "x",
        "args": {},
    }
    assert mistakes("command", good) == []
    assert mistakes("command", good | arguments) != []


def test_an_empty_batch_moves_the_range_on() -> None:
    message = json.loads(batch("gw-0007", Numbered("e", "b", "reading", 5, 9, (6,), (encode(READING),)), records=[]))
    assert (message["from"], message["to"], message["records"]) == (5, 9, [])
    assert mistakes("batch", message) == []


def test_a_filter_chooses_among_the_records() -> None:
    bodies = (stamp(5, encode(READING)), stamp(6, encode(READING)))
    message = json.loads(batch("gw-0007", Numbered("e", "b", "reading", 5, 6, (5, 6), bodies), records=bodies[1:]))
    assert [record["seq"] for record in message["records"]] == [6]


def test_a_record_of_memory_says_so_and_is_otherwise_the_same() -> None:
    record = EventRecord("test", instant(0), 1, "synced")
    assert json.loads(not_durable(encode(record))) == {**json.loads(encode(record)), "durable": False}


def test_defaults_are_not_sent() -> None:
    alarm = AlarmRecord("a", 1, 1, "raise", "raised", 1, "fire", "d", "p", instant(0), 1, "synced", instant(0))
    assert {"test", "durable", "shelved_until", "raw", "source"}.isdisjoint(json.loads(encode(alarm)))


@given(st.integers(-(10**20), 10**20))
def test_any_integer_is_an_instant_and_survives_the_way_back(wall_ms: int) -> None:
    assert parse_instant(instant(wall_ms)) == min(max(wall_ms, 0), LATEST_MS)


def test_instants_are_those_of_the_published_vector() -> None:
    assert instant(1795329015000) == "2026-11-22T06:30:15.000Z"  # V-T07
    assert instant(1795329015007) == "2026-11-22T06:30:15.007Z"
    assert parse_instant("2026-11-22T14:30:15.5+08:00") == 1795329015500
    assert instant(LATEST_MS) == "9999-12-31T23:59:59.999Z"
    assert datetime.fromisoformat(instant(0)) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-22", "2026-11-22T06:30:15"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)
