"""What the panel driver does with what a panel says: polls are answered at once, events acknowledged when on disk."""

from __future__ import annotations

import asyncio

import pytest

from courtyard.drivers.fire.panel import PanelDriver
from courtyard.drivers.fire.settings import FirePanel, Protocol
from hw_sim.panels.event import Event
from hw_sim.panels.fs5101 import Fs5101
from hw_sim.panels.gb26875 import Gb26875
from hw_sim.panels.incidents import BEGIN, fault_storm, single_smoke, spreading_fire
from hw_sim.panels.jb3208 import Jb3208
from hw_sim.panels.jbf import Jbf
from hw_sim.panels.models import PANELS
from hw_sim.panels.panel import Panel
from tests.fire_driver_rig import SERIAL, LoopClock, Watched, elapse, virtually

PROTOCOLS: tuple[Protocol, ...] = (
    "gb26875", "jbf", "gst24", "gst232", "gst-printer", "ld128", "jb3208", "fs5101", "espa",
)  # fmt: skip
ACKNOWLEDGED: tuple[Protocol, ...] = ("gb26875", "espa")
FIRE = single_smoke()[0].event


def panel_of(protocol: Protocol, **more: object) -> tuple[Panel, FirePanel]:
    return PANELS[protocol](), FirePanel(id="panel-1", protocol=protocol, speak=True, **more)  # type: ignore[arg-type]


def confirmed(panel: Panel) -> list[bool]:
    return [told.confirmed for told in panel.told]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_spreading_fire_arrives_whole_and_in_order(protocol: Protocol) -> None:
    async def main() -> None:
        panel, settings = panel_of(protocol)
        async with Watched(panel, settings) as watched:
            await elapse(6)
            watched.play(spreading_fire())
            await elapse(180)
            fires = [told.event.loop for told in panel.told if told.event.kind == "fire"]
            assert fires == [6, 6, 7, 8, 9, 10, 11]
            sources = watched.sink.began("fire")
            assert len(sources) == len(set(sources)) == 7
            in_order = [f"{loop}" in source for loop, source in zip(fires, sources, strict=True)]
            assert all(in_order), sources
            assert all(signal.raw_hex for signal in watched.sink.signals if signal.kind == "fire")
            assert getattr(panel, "unanswered", 0) == 0
            assert protocol not in ACKNOWLEDGED or all(confirmed(panel))
            assert watched.sink.faults["panel-1"] == [None]
            assert watched.sink.faults["fire-1"] == [None]

    virtually(main)


@pytest.mark.parametrize("protocol", ACKNOWLEDGED)
def test_nothing_is_acknowledged_before_the_disk_has_it(protocol: Protocol) -> None:
    async def main() -> None:
        panel, settings = panel_of(protocol)
        async with Watched(panel, settings) as watched:
            await elapse(3)
            watched.sink.disk.clear()
            watched.play(single_smoke())
            await elapse(2.5)
            assert watched.sink.began("fire")
            assert not any(confirmed(panel))
            watched.sink.disk.set()
            await elapse(3)
            assert any(confirmed(panel))

    virtually(main)


@pytest.mark.parametrize("protocol", ACKNOWLEDGED)
def test_what_is_not_kept_is_not_acknowledged_and_comes_again(protocol: Protocol) -> None:
    async def main() -> None:
        panel, settings = panel_of(protocol)
        async with Watched(panel, settings) as watched:
            await elapse(3)
            watched.sink.keeps = False
            watched.play(single_smoke())
            await elapse(9)
            assert not any(confirmed(panel))
            assert watched.driver.counters()["panel-1"]["not_kept"] >= 1
            watched.sink.keeps = True
            await elapse(15)
            assert any(confirmed(panel))
            assert len(watched.sink.began("fire")) >= 2

    virtually(main)


@pytest.mark.parametrize("panel", [Jb3208, Fs5101])
def test_polls_are_answered_while_the_disk_hangs(panel: type[Jb3208] | type[Fs5101]) -> None:
    async def main() -> None:
        simulated = panel()
        settings = FirePanel(id="panel-1", protocol="jb3208" if panel is Jb3208 else "fs5101")
        async with Watched(simulated, settings) as watched:
            await elapse(3)
            watched.sink.disk.clear()
            watched.play(single_smoke())
            await elapse(60)
            assert watched.sink.began("fire")
            assert simulated.unanswered == 0

    virtually(main)


def test_heartbeats_are_confirmed_while_the_disk_hangs() -> None:
    async def main() -> None:
        panel, settings = panel_of("gb26875")
        async with Watched(panel, settings) as watched:
            watched.sink.disk.clear()
            watched.play(single_smoke())
            await elapse(60)
            beats = [data for _, data in watched.line.said if data[2:4] == b"\xff\xff" and data[26] == 3]
            assert len(beats) == 3

    virtually(main)


def test_at_most_so_many_statements_wait_for_the_disk() -> None:
    async def main() -> None:
        panel, settings = panel_of("gst232")
        async with Watched(panel, settings) as watched:
            watched.sink.disk.clear()
            watched.play(fault_storm(count=5000, seconds=5))
            await elapse(6)
            assert len(watched.sink.began("fault")) == 4096
            counts = watched.driver.counters()["panel-1"]
            assert counts["overflow"] == 5000 - 4096
            watched.sink.disk.set()
            await elapse(2)
            assert watched.driver.counters()["panel-1"]["kept"] == 4096
            assert watched.sink.faults["panel-1"][-1] is None

    virtually(main)


def test_a_frame_that_is_said_three_times_is_one_statement() -> None:
    async def main() -> None:
        panel, settings = panel_of("gst24")
        async with Watched(panel, settings) as watched:
            watched.play(single_smoke())
            await elapse(1)
            assert watched.sink.began("fire") == ["006012"]
            assert watched.driver.counters()["panel-1"]["repeats"] == 2
            watched.play(single_smoke())
            await elapse(5)
            watched.play(single_smoke())
            await elapse(5)
            assert len(watched.sink.began("fire")) == 2

    virtually(main)


def test_a_reset_is_a_record_each_time_and_ends_nothing() -> None:
    async def main() -> None:
        panel, settings = panel_of("jbf")
        async with Watched(panel, settings) as watched:
            await elapse(6)
            for event in (FIRE, FIRE._replace(kind="reset"), FIRE._replace(kind="reset")):
                watched.line.attached.happen(event)  # type: ignore[union-attr]
            await elapse(5)
            said = [signal for signal in watched.sink.signals if signal.kind in ("fire", "reset")]
            assert [(each.kind, each.active, each.severity) for each in said] == [
                ("fire", True, 1), ("reset", True, 4), ("reset", True, 4),
            ]  # fmt: skip

    virtually(main)


def test_an_unknown_code_is_an_alarm_and_a_record() -> None:
    async def main() -> None:
        panel, settings = panel_of("ld128")
        async with Watched(panel, settings) as watched:
            watched.line.bring(b"\x66\x01\x02")
            await elapse(1)
            said = [(each.kind, each.severity, each.raw_hex) for each in watched.sink.signals[:2]]
            assert said == [("unknown", 4, "660102"), ("unknown", 2, "660102")]

    virtually(main)


@pytest.mark.parametrize("protocol", ["jbf", "jb3208", "fs5101", "gst24", "gb26875"])
def test_a_good_frame_behind_a_truncated_one_is_said_within_150_ms_of_silence(protocol: Protocol) -> None:
    async def main() -> None:
        panel, settings = panel_of(protocol)
        async with Watched(panel, settings) as watched:
            await elapse(1)
            begun = len(watched.sink.times)
            at = asyncio.get_running_loop().time()
            frame = panel.encode(FIRE)
            watched.line.bring(frame[:-4])
            watched.line.bring(frame)
            await elapse(0.2)
            fires = [
                time - at
                for time, signal in list(zip(watched.sink.times, watched.sink.signals, strict=True))[begun:]
                if signal.kind == "fire" and signal.active
            ]
            assert len(fires) == 1
            assert fires[0] <= 0.1501

    virtually(main)


def test_names_of_the_site_replace_the_panels_words() -> None:
    async def main() -> None:
        panel, settings = panel_of("gb26875", names={"1-6-12": "3号楼6层走廊"})
        async with Watched(panel, settings) as watched:
            watched.play(single_smoke())
            await elapse(1)
            assert [each.text for each in watched.sink.signals if each.kind == "fire" and each.active] == [
                "3号楼6层走廊"
            ]

    virtually(main)


def test_transmission_devices_are_told_apart_and_strangers_kept_under_the_line() -> None:
    async def main() -> None:
        stranger = Gb26875(device=0x99)
        listed = FirePanel(id="uitd-a", protocol="gb26875", address=0x11223344)
        other = FirePanel(id="uitd-b", protocol="gb26875", address=0x11223345, addresses="bytes")
        async with Watched(Gb26875(), listed, other) as watched:
            watched.play(single_smoke())
            await elapse(1)
            watched.line.bring(Gb26875(device=0x11223345).encode(FIRE))
            watched.line.bring(stranger.encode(FIRE))
            await elapse(3)
            fires = [(each.device, each.source) for each in watched.sink.signals if each.kind == "fire" and each.active]
            assert fires == [("uitd-a", "1-6-12"), ("uitd-b", "1-0-6-0-12"), ("fire-1", "000000000099/1-6-12")]
            unknown = [each for each in watched.sink.signals if each.kind == "unknown_device"]
            assert [(each.device, each.source) for each in unknown] == [("fire-1", "000000000099")]

    virtually(main)


def test_panels_that_cannot_share_a_line_are_refused() -> None:
    async def main() -> None:
        jbf, ld128 = (FirePanel(id=name, protocol=name) for name in ("jbf", "ld128"))
        for panels in ((), (jbf, ld128), (jbf, FirePanel(id="b", protocol="jbf"))):
            with pytest.raises(ValueError, match=r"line carries|share a line"):
                PanelDriver(SERIAL, panels, LoopClock())

    virtually(main)


def test_panels_that_did_not_change_keep_their_state_when_the_list_changes() -> None:
    async def main() -> None:
        first = FirePanel(id="uitd-a", protocol="gb26875", address=0x11223344)
        second = FirePanel(id="uitd-b", protocol="gb26875", address=2)
        async with Watched(Gb26875(), first) as watched:
            watched.play(single_smoke())
            await elapse(1)
            watched.driver.adjust((first, second))
            counters = watched.driver.counters()
            assert counters["uitd-a"]["kept"] == 1
            assert counters["uitd-b"] == {}
            assert watched.driver.frames("uitd-a")
            with pytest.raises(ValueError, match="protocol"):
                watched.driver.adjust((FirePanel(id="x", protocol="jbf"),))

    virtually(main)


def test_a_listener_says_nothing() -> None:
    async def main() -> None:
        panel = Jbf()
        async with Watched(panel, FirePanel(id="panel-1", protocol="jbf")) as watched:
            watched.play(single_smoke())
            await elapse(30)
            assert watched.sink.began("fire") == ["1-6-12"]
            assert watched.line.said == []
        for protocol in ("gb26875", "espa", "jb3208", "fs5101"):
            quiet = FirePanel(id="panel-1", protocol=protocol, speak=False)
            async with Watched(PANELS[protocol](), quiet) as watched:
                watched.play([*single_smoke(BEGIN)])
                await elapse(20)
                assert watched.line.said == []

    virtually(main)


def test_an_event_has_the_time_of_both_clocks() -> None:
    async def main() -> None:
        from zoneinfo import ZoneInfo

        panel = Jbf()
        watched = Watched(panel, FirePanel(id="panel-1", protocol="jbf"))
        watched.driver = PanelDriver(
            SERIAL,
            (FirePanel(id="panel-1", protocol="jbf"),),
            LoopClock(),
            ZoneInfo("Asia/Shanghai"),
            open_line=watched.line.open,
        )
        async with watched:
            watched.play([single_smoke()[0]._replace(event=Event("fire", BEGIN.replace(year=2014), loop=1, point=2))])
            await elapse(5)
            (fire,) = [each for each in watched.sink.signals if each.kind == "fire"]
            assert fire.device_at_ms is not None
            assert fire.at_ms - fire.device_at_ms > 10 * 365 * 86_400_000
            assert fire.details["panel_time"] == "2014-11-22T14:30:15"

    virtually(main)


def test_an_adapter_that_echoes_starts_no_endless_answering() -> None:
    async def main() -> None:
        simulated = Jb3208()
        async with Watched(simulated, FirePanel(id="panel-1", protocol="jb3208")) as watched:
            heard = watched.line.attached.heard  # type: ignore[union-attr]

            def echoing(data: bytes, start: float = 0.0, end: float = 0.0) -> None:
                asyncio.get_running_loop().call_later(0.005, watched.line.bring, data)
                heard(data)

            watched.line.attached.heard = echoing  # type: ignore[method-assign,union-attr]
            await elapse(20)
            assert 9 <= len(watched.line.said) <= 11
            assert simulated.unanswered == 0

    virtually(main)


def test_a_clock_that_was_never_set_keeps_nobody_from_being_answered() -> None:
    async def main() -> None:
        class Unset(LoopClock):
            def wall_ms(self) -> int:
                return self.mono_ms()

        watched = Watched(Gb26875(), FirePanel(id="uitd", protocol="gb26875"))
        panels = (FirePanel(id="uitd", protocol="gb26875"),)
        watched.driver = PanelDriver(SERIAL, panels, Unset(), open_line=watched.line.open)
        async with watched:
            watched.play(single_smoke())
            await elapse(1)
            assert confirmed(watched.panel) == [True]
            sent = [bytes.fromhex(frame.hex) for frame in watched.driver.frames("uitd") if frame.direction == "sent"]
            assert all(frame[6:12][-1] == 0 for frame in sent)

    virtually(main)


@pytest.mark.parametrize("kind", ["half", "wrong-checksum", "garbage", "lost"])
def test_a_spoilt_report_is_denied_or_missed_and_comes_again(kind: str) -> None:
    async def main() -> None:
        panel = Gb26875()
        async with Watched(panel, FirePanel(id="uitd", protocol="gb26875")) as watched:
            await elapse(1)
            panel.mischief.plan(kind)  # type: ignore[arg-type]
            watched.play(single_smoke())
            await elapse(25)
            assert watched.sink.began("fire") == ["1-6-12"]
            assert confirmed(panel) == [True]
            assert panel.denied == (kind == "wrong-checksum")

    virtually(main)
