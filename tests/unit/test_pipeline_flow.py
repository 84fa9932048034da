"""Readings, signals and health on their way from a driver to the journal."""

from __future__ import annotations

import asyncio

import pytest

from courtyard.agent.health import CALM_MS
from courtyard.agent.installs import SAVE_EVERY_MS
from courtyard.agent.rules.rulebook import RuleBook
from courtyard.drivers.base import Fault, NotKept, Reading, Signal, Sink, Text
from tests.contracts.fake_journal import FakeJournal
from tests.gateway_rig import START_MS, Gateway, elapse, gateway, meter, settle, site, virtual

LINE = {"kind": "tcp", "name": "rs485-1", "host": "127.0.0.1"}


def fault(code: str = "line.open.permission") -> Fault:
    return Fault(code, Text("May not open it.", "无权打开。"), Text("Join the group dialout.", "请加入 dialout 组。"))


def reading(gw: Gateway, device: str = "wm-1", **values: float | None) -> Reading:
    return Reading(
        device, gw.clock.wall_ms(), gw.clock.mono_ms(), {f"water.{name}": value for name, value in values.items()}
    )


def total(gw: Gateway, cubic_metres: float | None) -> Reading:
    return Reading("wm-1", gw.clock.wall_ms(), gw.clock.mono_ms(), {"water.volume.total": cubic_metres})


def fire(active: bool = True, **more: object) -> Signal:
    settings: dict[str, object] = {"severity": 1, "source": "1-1-2", "raw_hex": "8238"}
    return Signal("panel-1", "fire", START_MS, 120_000, active, **(settings | more))  # type: ignore[arg-type]


def test_a_pipeline_is_a_sink() -> None:
    async def main() -> None:
        sink: Sink = gateway()[0].pipeline
        assert sink

    virtual(main)


class TestReadings:
    def test_a_reading_gets_its_place_clock_and_install(self) -> None:
        async def main() -> None:
            gw, journal = gateway(devices=[meter(install=3)])
            gw.clock.quality = "rtc"
            gw.pipeline.reading(Reading("wm-1", START_MS, 5, {"water.flow": 0.5}, {}, START_MS - 1000))
            await settle()
            assert journal.records("reading") == [
                {
                    "device": "wm-1",
                    "place": "370213/005/012/0007/b03/u02",
                    "at": "2026-11-22T06:30:15.000Z",
                    "mono_ms": 5,
                    "clock": "rtc",
                    "values": {"water.flow": 0.5},
                    "device_at": "2026-11-22T06:30:14.000Z",
                    "install": 3,
                }
            ]

        virtual(main)

    def test_what_the_site_does_not_list_stands_at_the_gateways_place(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            gw.pipeline.reading(reading(gw, "stranger", flow=1.0))
            await settle()
            assert journal.records("reading")[0]["place"] == "370213/005/012/0007"

        virtual(main)

    def test_while_the_journal_is_busy_the_newest_wins_and_drops_are_told(self) -> None:
        async def main() -> None:
            gw, journal = gateway(FakeJournal(max_pending_bytes=100))
            journal.hold()
            gw.pipeline.reading(reading(gw, "wm-0", flow=0.0))
            await settle()
            for number in range(1, 6):
                gw.pipeline.reading(reading(gw, "wm-1", flow=float(number)))
                gw.pipeline.reading(reading(gw, "wm-2", flow=float(number)))
                await elapse(1)
            gw.pipeline.reading(reading(gw, "wm-2", flow=6.0))
            journal.release()
            await elapse(1)
            gw.pipeline.reading(reading(gw, "wm-1", flow=7.0))
            await settle()
            values = [(record["device"], record["values"]["water.flow"]) for record in journal.records("reading")]
            assert values == [("wm-0", 0.0), ("wm-1", 5.0), ("wm-2", 6.0), ("wm-1", 7.0)]
            told = [record for record in journal.records("event") if record["event"] == "readings.dropped"]
            assert [(record["device"], record["details"]["count"]) for record in told] == [("wm-1", 4), ("wm-2", 5)]
            assert gw.pipeline.dropped() == {"wm-1": 4, "wm-2": 5}

        virtual(main)

    def test_all_readings_of_one_turn_of_the_loop_are_kept(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            for number in range(100):
                gw.pipeline.reading(reading(gw, flow=float(number)))
            await settle()
            assert [record["values"]["water.flow"] for record in journal.records("reading")] == list(range(100))

        virtual(main)


class TestSignals:
    def test_a_signal_returns_when_it_is_on_disk(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            journal.hold()
            signalling = asyncio.create_task(gw.pipeline.signal(fire(device_at_ms=START_MS - 17_000)))
            await elapse(10)
            assert not signalling.done()
            journal.release()
            await signalling
            (record,) = journal.records("alarm")
            assert record["alarm_id"] == "panel-1:fire:1-1-2"
            assert (record["raw"], record["device_at"]) == ("8238", "2026-11-22T06:29:58.000Z")
            assert (record["text_en"], record["text_zh"]) == ("Fire (1-1-2).", "火警 (1-1-2)。")

        virtual(main)

    def test_what_only_memory_has_must_not_be_acknowledged_until_the_disk_has_it(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            journal.durable = False
            for _ in range(2):
                with pytest.raises(NotKept):
                    await gw.pipeline.signal(fire())
            assert [record["durable"] for record in journal.records("alarm")] == [False]
            journal.durable = True
            await gw.pipeline.signal(fire())
            await gw.pipeline.signal(fire())
            assert len(journal.records("alarm")) == 2

        virtual(main)

    def test_a_repeat_waits_for_the_record_that_proves_it_and_cancelling_one_does_not_harm_it(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            journal.hold()
            first, second = (asyncio.create_task(gw.pipeline.signal(fire())) for _ in range(2))
            await settle()
            first.cancel()
            await settle()
            assert not second.done()
            journal.release()
            await second
            assert len(journal.records("alarm")) == 1

        virtual(main)

    def test_a_signal_for_the_record_is_an_event(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            await gw.pipeline.signal(fire(severity=4, text="reset pressed", details={"operator": 3}))
            assert journal.records("alarm") == []
            (record,) = journal.records("event")
            assert record["event"] == "signal"
            assert record["raw"] == "8238"
            assert record["details"] == {
                "operator": 3,
                "kind": "fire",
                "source": "1-1-2",
                "active": True,
                "text": "reset pressed",
            }

        virtual(main)

    def test_a_storm_arrives_whole_and_in_order(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            await asyncio.gather(*(gw.pipeline.signal(fire(source=f"1-1-{number}")) for number in range(500)))
            assert [record["source"] for record in journal.records("alarm")] == [
                f"1-1-{number}" for number in range(500)
            ]

        virtual(main)


class TestHealth:
    def test_a_change_is_told_once_with_words_and_cure(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            for _ in range(3):
                gw.pipeline.health("wm-1", fault())
            await elapse(CALM_MS / 1000)
            for _ in range(3):
                gw.pipeline.health("wm-1", None)
            await settle()
            told, healthy = journal.records("event")
            assert told["event"] == "health.fault"
            assert told["details"] == {
                "subject": "wm-1",
                "code": "line.open.permission",
                "what_en": "May not open it.",
                "what_zh": "无权打开。",
                "cure_en": "Join the group dialout.",
                "cure_zh": "请加入 dialout 组。",
            }
            assert (healthy["event"], healthy["details"]) == ("health.healthy", {"subject": "wm-1"})
            gw.pipeline.health("wm-2", None)
            await settle()
            assert len(journal.records("event")) == 2

        virtual(main)

    def test_what_changes_too_often_is_told_as_it_stands_now_and_then(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            for number in range(600):
                gw.pipeline.health("wm-1", fault(f"code.{number}") if number % 2 else None)
                await elapse(0.1)
                if number % 10 == 0:
                    gw.pipeline.tick()
            assert len(journal.records("event")) <= 60_000 / CALM_MS + 1
            gw.pipeline.health("wm-1", fault("last"))
            await elapse(CALM_MS / 1000)
            gw.pipeline.tick()
            await settle()
            assert journal.records("event")[-1]["details"]["code"] == "last"
            assert dict(gw.pipeline.faults) == {"wm-1": fault("last")}

        virtual(main)

    def test_a_line_that_fails_is_an_alarm(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            gw.pipeline.health("rs485-1", fault())
            gw.pipeline.health("rs485-1", None)
            await settle()
            raised, returned = journal.records("alarm")
            assert raised["alarm_id"] == "rs485-1:line_fault:"
            assert raised["text_zh"] == "无权打开。请加入 dialout 组。"
            assert (raised["state"], returned["state"]) == ("raised", "returned")

        virtual(main)

    def test_what_leaves_the_site_has_no_fault_any_more_and_other_subjects_keep_theirs(self) -> None:
        async def main() -> None:
            gw, _ = gateway()
            gw.pipeline.health("wm-1", fault())
            gw.pipeline.health("uplink community", fault())
            without = site(lines=[LINE])
            gw.pipeline.adjust(without, RuleBook(without, gw.rules))
            assert set(gw.pipeline.faults) == {"uplink community"}

        virtual(main)


class TestInstalls:
    def swapped(self, journal: FakeJournal) -> dict[str, object]:
        (details,) = journal.events("device.replaced")
        return details

    def test_a_swap_while_running_records_last_and_first_reading(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            gw.pipeline.reading(total(gw, 1234.5))
            await elapse(60)
            after = site(lines=[LINE], devices=[meter(install=2)])
            gw.pipeline.adjust(after, RuleBook(after, gw.rules))
            gw.pipeline.reading(total(gw, None))
            await elapse(60)
            gw.pipeline.reading(total(gw, 0.0))
            gw.pipeline.reading(total(gw, 0.1))
            await settle()
            assert self.swapped(journal) == {
                "install": 2,
                "previous_install": 1,
                "last.at": "2026-11-22T06:30:15.000Z",
                "last.water.volume.total": 1234.5,
                "first.at": "2026-11-22T06:32:15.000Z",
                "first.water.volume.total": 0.0,
            }
            assert [record.get("install", 1) for record in journal.records("reading")] == [1, 2, 2, 2]

        virtual(main)

    @pytest.mark.parametrize("clean", [True, False])
    def test_a_swap_while_stopped_knows_the_last_reading_that_was_saved(self, clean: bool) -> None:
        async def main() -> None:
            gw, journal = gateway()
            gw.pipeline.reading(total(gw, 1.0))
            await elapse(SAVE_EVERY_MS / 1000)
            gw.pipeline.tick()
            gw.pipeline.reading(total(gw, 2.0))
            if clean:
                await gw.pipeline.close()
            await settle()
            gw, journal = gateway(journal.crash(), devices=[meter(install=2)])
            gw.pipeline.reading(total(gw, 0.5))
            await settle()
            assert self.swapped(journal)["last.water.volume.total"] == (2.0 if clean else 1.0)

        virtual(main)

    def test_the_same_meter_after_a_restart_is_no_swap(self) -> None:
        async def main() -> None:
            gw, journal = gateway()
            gw.pipeline.reading(reading(gw, flow=1.0))
            await gw.pipeline.close()
            await settle()
            gw, journal = gateway(journal.crash())
            gw.pipeline.reading(reading(gw, flow=1.0))
            await settle()
            assert journal.events("device.replaced") == []

        virtual(main)

    def test_damaged_memory_is_named(self) -> None:
        async def main() -> None:
            journal = FakeJournal()
            await journal.append((), {"last/wm-1": b"?"})
            _, journal = gateway(journal.crash())
            await settle()
            assert [record["event"] for record in journal.records("event")] == ["device.last.unreadable"]

        virtual(main)
