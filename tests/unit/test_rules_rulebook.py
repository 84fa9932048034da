"""Rules meet devices by pattern, survive changes of the site, and answer for their alarms."""

from __future__ import annotations

from courtyard.agent.rules.rulebook import RuleBook
from courtyard.drivers.base import Fault, Reading, Text
from tests.gateway_rig import elapse, gateway, meter, settle, site, virtual

LOW = {"name": "low", "kind": "threshold", "devices": ["wm-*"], "point": "water.pressure", "below": 150.0}
SILENT = {"name": "silent", "kind": "unreachable", "severity": 2}
FAULT = Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "请检查接线。"))


def pressure(device: str, value: float, mono_ms: int = 0) -> Reading:
    return Reading(device, mono_ms, mono_ms, {"water.pressure": value})


def test_rules_watch_the_devices_that_their_patterns_name() -> None:
    book = RuleBook(site(devices=[meter("wm-1"), meter("relay-1")], rules=[LOW, SILENT]))
    assert [condition.source for condition in book.observe(pressure("wm-1", 100))] == ["low", "silent"]
    assert [condition.source for condition in book.observe(pressure("relay-1", 100))] == ["silent"]
    assert book.observe(pressure("unknown", 100)) == []
    assert book.watches("wm-1", "threshold", "low")
    assert not book.watches("relay-1", "threshold", "low")
    assert not book.watches("wm-1", "threshold", "former")
    assert book.watches("panel", "fire", "1-1-2")


def test_unchanged_rules_keep_their_state_when_the_site_changes() -> None:
    first = site(devices=[meter("wm-1"), meter("wm-2")], rules=[LOW, SILENT])
    book = RuleBook(first)
    for device in ("wm-1", "wm-2"):
        book.observe(pressure(device, 100))
    changed = RuleBook(site(devices=[meter("wm-1"), meter("wm-2", install=2)], rules=[LOW, SILENT]), book)
    assert changed.observe(pressure("wm-1", 100)) == []
    assert [condition.source for condition in changed.observe(pressure("wm-2", 100))] == ["low", "silent"]
    stricter = RuleBook(site(devices=[meter("wm-1")], rules=[{**LOW, "below": 90.0}]), changed)
    assert [condition.active for condition in stricter.observe(pressure("wm-1", 100))] == [False]


def test_a_restart_neither_repeats_an_alarm_nor_misses_its_end() -> None:
    async def main() -> None:
        gw, journal = gateway(rules=[LOW])
        gw.pipeline.reading(pressure("wm-1", 100))
        await settle()
        gw, journal = gateway(journal.crash(), rules=[LOW])
        gw.pipeline.reading(pressure("wm-1", 100))
        await settle()
        assert len(journal.records("alarm")) == 1
        gw, journal = gateway(journal.crash(), rules=[LOW])
        gw.pipeline.reading(pressure("wm-1", 200))
        await settle()
        assert [record["state"] for record in journal.records("alarm")] == ["raised", "returned"]

    virtual(main)


def test_silence_becomes_an_alarm_with_the_drivers_words_and_an_answer_ends_it() -> None:
    async def main() -> None:
        gw, journal = gateway(rules=[SILENT])
        gw.pipeline.tick()
        gw.pipeline.health("wm-1", FAULT)
        await elapse(180)
        gw.pipeline.tick()
        gw.pipeline.reading(Reading("wm-1", gw.clock.wall_ms(), gw.clock.mono_ms(), {"water.flow": 0.0}))
        await settle()
        raised, returned = journal.records("alarm")
        assert raised["alarm_id"] == "wm-1:unreachable:silent"
        assert "请检查接线。" in raised["text_zh"]
        assert (raised["state"], returned["state"]) == ("raised", "returned")

    virtual(main)


def test_a_rule_that_is_gone_ends_its_alarm() -> None:
    async def main() -> None:
        gw, journal = gateway(rules=[LOW])
        gw.pipeline.reading(pressure("wm-1", 100))
        await settle()
        without = site(lines=[{"kind": "tcp", "name": "rs485-1", "host": "127.0.0.1"}], devices=[meter()])
        gw.pipeline.adjust(without, RuleBook(without, gw.rules))
        await settle()
        assert [record["state"] for record in journal.records("alarm")] == ["raised", "returned"]

    virtual(main)
