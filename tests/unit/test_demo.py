"""The pure parts of the demo: the judge, the keyboard, the compound."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from courtyard.agent.demo import compound
from courtyard.agent.demo.actions import ACTIONS
from courtyard.agent.demo.audit import compare, missing_fires, totals
from courtyard.agent.demo.keyboard import MAX_LINE, Keyboard


def test_the_judge_accepts_all_in_order_and_what_came_later() -> None:
    assert compare("d", [1.0, 2.0], [1.0, 2.0, 3.0]).complete
    assert compare("d", [1234.5, 1234.5], [None, 1234.5, 1234.5000001]).complete


def test_the_judge_sees_a_loss_at_any_place_a_repeat_and_a_wrong_value() -> None:
    served = [1.0, 2.0, 3.0]
    assert not compare("d", served, [2.0, 3.0]).complete
    assert not compare("d", served, [1.0, 3.0]).complete
    assert not compare("d", served, [1.0, 2.0]).complete
    assert not compare("d", served, [1.0, 1.0, 2.0, 3.0]).complete
    assert not compare("d", served, [1.0, 2.0, 3.1]).complete
    assert not compare("d", [], []).complete


def test_totals_are_taken_in_the_order_of_their_numbers() -> None:
    records = [
        {"seq": 3, "device": "a", "values": {"water.volume.total": 2.0}},
        {"seq": 1, "device": "a", "values": {"water.volume.total": 1.0}},
        {"seq": 2, "device": "b", "values": {"water.volume.total": 9.0}},
        {"seq": 4, "device": "a", "values": {"water.volume.total": None}},
    ]
    assert totals(records, "a") == [1.0, 2.0, None]


def test_the_keyboard_gives_whole_lines() -> None:
    lines: list[str] = []
    keyboard = Keyboard(lines.append)
    for data in (b"stop brx", b"\x7foker\n", b"\x1b[A", b"\n", "水".encode()[:1], "水".encode()[1:], b"\r"):
        keyboard.feed(data)
    assert lines == ["stop broker", "水"]
    assert keyboard.typed == ""


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_the_keyboard_takes_anything_and_stays_bounded(chunks: list[bytes]) -> None:
    keyboard = Keyboard(lambda line: None)
    for chunk in chunks:
        keyboard.feed(chunk)
        assert len(keyboard.typed) <= MAX_LINE


def test_site_and_simulator_describe_the_same_compound() -> None:
    spec = json.loads(compound.simulator_spec())
    lines = [{"name": name, "kind": kind, "path": "/tmp/x", "port": 5020} for name, kind in compound.LINES.items()]
    site = tomllib.loads(
        compound.site_text(
            {"lines": lines}, {"path": "/tmp/p", "baud": 9600}, broker_port=1883, page_port=8080, language="zh-CN"
        )
    )
    simulated = {(device["id"], device["line"], device["address"]) for device in spec["devices"]}
    assert {(device["id"], device["line"], device["address"]) for device in site["devices"]} == simulated
    (panel,) = site["fire_panels"]
    assert (panel["protocol"], panel["names"]) == ("jbf", compound.NAMES_FILE)


def test_a_fire_that_is_missing_or_arrives_twice_is_found() -> None:
    told = [{"kind": "fire", "controller": 1, "loop": 6, "point": point} for point in (1, 2, 3)]
    told.append({"kind": "fault", "controller": 1, "loop": 6, "point": 9})
    records = [{"class": "fire", "action": "raise", "source": source} for source in ("1-6-1", "1-6-2", "1-6-2")]
    records.append({"class": "fire", "action": "return", "source": "1-6-3"})
    assert missing_fires(told, records) == ["1-6-2", "1-6-3"]
    assert missing_fires(told[:1], records) == []


def test_every_action_says_what_is_to_be_seen_in_both_languages() -> None:
    for action in ACTIONS.values():
        assert action.showing.en
        assert action.showing.zh
        assert action.simulator or action.panel or action.stage
