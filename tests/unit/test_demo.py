"""The pure parts of the demo: the judge, the keyboard, the compound."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.agent.care.consents import FILE, Consents
from courtyard.agent.demo import car, compound, house
from courtyard.agent.demo.actions import ACTIONS, Unknown, action_of
from courtyard.agent.demo.audit import compare, missing_fires, totals
from courtyard.agent.demo.keyboard import MAX_LINE, Keyboard
from courtyard.config.read import check_site
from hw_sim.bluez.residents import residents
from hw_sim.lift.live import LiveLift


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


BLUETOOTH = {"wearables": {each.name: each.address for each in residents(len(house.RESIDENTS))}}


def demo_site(language: str = "zh-CN") -> str:
    lines = [
        {"name": name, "kind": kind, "path": f"/tmp/{name}", "port": port}
        for port, (name, kind) in enumerate(compound.LINES.items(), 5020)
    ]
    panel = {"path": "/tmp/p", "baud": 9600}
    lift = {"device": "http://127.0.0.1:8000/onvif/device_service"}
    return compound.site_text(
        {"lines": lines}, panel, BLUETOOTH, lift, broker_port=1883, page_port=8080, language=language
    )


def test_site_and_simulator_describe_the_same_compound() -> None:
    spec = json.loads(compound.simulator_spec())
    site = tomllib.loads(demo_site())
    simulated = {(device["id"], device["line"], device["address"]) for device in spec["devices"]}
    devices = [device for device in site["devices"] if device["line"] not in house.ADAPTERS]
    assert {(device["id"], device["line"], device["address"]) for device in devices} == simulated
    (panel,) = site["fire_panels"]
    assert (panel["protocol"], panel["names"]) == ("jbf", compound.NAMES_FILE)
    worn = {device["id"]: device["address"] for device in site["devices"] if device["line"] in house.ADAPTERS}
    assert set(worn) == set(house.WORN)
    assert set(worn.values()) <= set(BLUETOOTH["wearables"].values())


def test_the_site_of_the_demo_has_no_mistake_and_no_warning(tmp_path: Path) -> None:
    house.move_in(tmp_path, tmp_path / "data")
    car.wire(tmp_path)
    (tmp_path / "names").mkdir()
    (tmp_path / compound.NAMES_FILE).write_text(compound.names_text(), "utf-8")
    (tmp_path / "site.toml").write_text(demo_site(), "utf-8")
    verdict = check_site(tmp_path / "site.toml")
    assert (verdict.mistakes, verdict.warnings) == ((), ())
    consents = Consents(tmp_path / "data" / FILE)
    consents.refresh()
    assert [each.id for each in house.RESIDENTS if consents.granted(each.id)] == ["r-1", "r-2"]


def test_a_resident_can_be_made_to_do_everything_that_is_listed() -> None:
    for verb in house.DEEDS:
        for resident in house.RESIDENTS:
            action = action_of(f"{verb} {resident.id}")
            assert action.bluetooth
            assert resident.id in action.showing.en
            assert all(resident.button in each or resident.band in each for each in action.bluetooth)
    for line in ("sos", "sos r-9", "nap r-1", ""):
        with pytest.raises(Unknown):
            action_of(line)


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
        assert action.simulator or action.panel or action.bluetooth or action.lift or action.stage


def test_what_is_done_in_the_lift_is_known_to_the_simulated_one() -> None:
    lift = LiveLift(car.SEED, geometry="test", rate_hz=car.PICTURES_S)
    for number, name in enumerate(car.DEEDS):
        command = action_of(name).lift
        assert command is not None
        verb, *words = command.split()
        lift.picture(number * 20.0)
        assert lift.table[verb].run(words)


def test_between_its_pictures_a_lift_shows_the_last_one_again() -> None:
    lift = LiveLift(car.SEED, geometry="test", width=64, height=36, rate_hz=5)
    first, again, second = (lift.frame(at_s) for at_s in (0.0, 0.12, 0.2))
    assert first is again
    assert second is not first
