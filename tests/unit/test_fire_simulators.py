"""Simulated panels and parsers, written apart, understand each other: incidents arrive whole and in order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from courtyard.drivers.fire import fs5101, gst_modbus, jb3208, jbf, ld128, notifier_modbus
from courtyard.drivers.fire.espa_receiver import Call, Receiver, Reply
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.framing import Damage, Frame, Splitter
from courtyard.drivers.fire.gb26875 import centre, parse
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.repeats import Repeats
from hw_sim.panels.event import Event
from hw_sim.panels.incidents import BEGIN, INCIDENTS, fault_storm, power_cut, single_smoke, spreading_fire
from hw_sim.panels.models import PANELS as SIMULATED
from hw_sim.panels.panel import Panel
from hw_sim.panels.registers import Gst200, Notifier

NOW = TimeTag(b"\0\0\0\x01\x01\x1a")
STEP_MS = 50
POLLS: dict[str, tuple[Callable[[], bytes], int]] = {"jbf": (jbf.poll, 1000), "ld128": (ld128.poll, 200)}
SOURCES: dict[str, Callable[[Event], str]] = {
    "gst24": lambda event: f"{event.loop:03d}{event.point:03d}",
    "gst232": lambda event: f"{event.loop:03d}{event.point:03d}",
    "gst-printer": lambda event: f"{event.loop:03d}-{event.point:03d}",
    "ld128": lambda event: f"{event.loop}-{event.point}",
    "espa": lambda event: f"{event.loop}{event.point:03d}",
    "fs5101": lambda event: f"{0x80 + event.controller}-{event.loop}-{event.point}",
}
ENDS = {"fault_end": "fault", "mains_end": "mains_fault", "battery_end": "battery_fault", "release": "isolate"}


class Listener:
    """The gateway's half of a line, as far as the parsers carry it."""

    def __init__(self, protocol: str, panel: Panel, *, polls: bool = True) -> None:
        self.protocol, self.panel, self.polls = protocol, panel, polls
        self.now_ms = 0
        self.events: list[PanelEvent] = []
        self.damage: list[Damage] = []
        self.mute = False
        self._splitter = Splitter(PANELS[protocol].shape)
        self._receiver = Receiver()
        self._repeats = Repeats(PANELS[protocol].repeats_ms)

    def run(self, script: list[tuple[float, Event]], until_s: float) -> None:
        waiting = list(script)
        while self.now_ms < until_s * 1000:
            now_s = self.now_ms / 1000
            while waiting and waiting[0][0] <= now_s:
                self.panel.happen(waiting.pop(0)[1])
            if self.polls and self.protocol in POLLS:
                poll, every_ms = POLLS[self.protocol]
                if self.now_ms % every_ms == 0:
                    self._say(poll())
            for said in self.panel.due(now_s):
                self._hear(said)
            self._take(self._splitter.idle(self.now_ms))
            self.now_ms += STEP_MS

    def _say(self, data: bytes | None) -> None:
        if data is not None and not self.mute:
            for said in self.panel.heard(data, self.now_ms / 1000):
                self._hear(said)

    def _hear(self, data: bytes) -> None:
        if self.protocol == "espa":
            for step in self._receiver.feed(data, self.now_ms):
                if isinstance(step, Call):
                    self.events += PANELS["espa"].read(step.message.raw)
                self._say(step.data if isinstance(step, Reply) else getattr(step, "reply", None))
            return
        self._take(self._splitter.feed(data, self.now_ms))

    def _take(self, found: list[Frame | Damage]) -> None:
        for item in found:
            if isinstance(item, Damage):
                self.damage.append(item)
                if self.protocol == "gb26875":
                    self._say(centre.deny(item, NOW))
                continue
            if self._repeats.fresh(item.data, self.now_ms):
                self.events += PANELS[self.protocol].read(item.data)
            match self.protocol:
                case "gb26875":
                    self._say(centre.reply(parse(item.data), NOW))
                case "jb3208":
                    self._say(jb3208.answer(jb3208.parse(item.data)))
                case "fs5101" if fs5101.parse(item.data).command == fs5101.POLL:
                    self._say(fs5101.answer(1))


def heard(listener: Listener) -> list[tuple[str, bool, str]]:
    """Condition, begin or end, source; without the ends that a status word states for all that it does not hold."""
    status_words = listener.protocol == "gb26875"
    power = ("mains_fault", "battery_fault")
    return [
        (event.condition, event.begins, "" if event.condition in power else event.source)
        for event in listener.events
        if event.begins or not status_words
    ]


def expected(protocol: str, panel: Panel) -> list[tuple[str, bool, str]]:
    source = SOURCES.get(protocol, lambda event: f"{event.controller}-{event.loop}-{event.point}")
    found = []
    for told in panel.told:
        kind = told.event.kind
        condition, begins = ENDS.get(kind, "start" if kind == "stop" else kind), kind not in (*ENDS, "stop")
        if protocol in ("jb3208", "espa") and condition in ("mains_fault", "battery_fault"):
            condition = "fault"  # these panels have one word for all faults
        if protocol == "gst24" and condition == "start":
            condition = "feedback"
        if begins or protocol != "gb26875":
            found.append(
                (condition, begins, "" if condition in ("mains_fault", "battery_fault") else source(told.event))
            )
    return found


@pytest.mark.parametrize("protocol", sorted(SIMULATED))
@pytest.mark.parametrize("incident", sorted(INCIDENTS))
def test_an_incident_arrives_whole_and_in_order(protocol: str, incident: str) -> None:
    panel = SIMULATED[protocol]()
    script = INCIDENTS[incident](BEGIN)
    listener = Listener(protocol, panel)
    last_s = script[-1][0]
    listener.run(script, last_s + (600 if incident == "fault-storm" and protocol == "jbf" else 140))
    assert not panel.waiting
    assert heard(listener) == expected(protocol, panel)
    assert panel.told or incident == "power-cut"
    assert listener.damage == []
    assert all(told.confirmed for told in panel.told) or protocol not in ("gb26875", "espa")
    assert getattr(panel, "unanswered", 0) == 0


def test_a_jbf_panel_that_nobody_polls_pushes() -> None:
    panel = SIMULATED["jbf"]()
    listener = Listener("jbf", panel, polls=False)
    listener.run(spreading_fire(), 120)
    assert heard(listener) == expected("jbf", panel)
    assert len(panel.told) == len(spreading_fire())


def test_500_faults_in_10_s_all_arrive_confirmed() -> None:
    panel = SIMULATED["gb26875"]()
    listener = Listener("gb26875", panel)
    listener.run(fault_storm(), 11)
    faults = [event.source for event in listener.events if event.begins]
    assert faults == [f"1-{1 + number // 200}-{1 + number % 200}" for number in range(500)]
    assert all(told.confirmed for told in panel.told)


def test_a_device_whose_reports_nobody_confirms_repeats_them_twice_unchanged() -> None:
    panel = SIMULATED["gb26875"]()
    listener = Listener("gb26875", panel)
    listener.mute = True
    listener.run(single_smoke(), 35)
    fires = [event.raw_hex for event in listener.events if event.kind == "fire"]
    assert fires == [panel.told[0].frame.hex()] * 3
    assert panel.failed == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["half", "wrong-checksum", "garbage", "lost"])
def test_a_spoilt_report_is_denied_or_missed_and_comes_again(kind: str) -> None:
    panel = SIMULATED["gb26875"]()
    panel.mischief.plan(kind)  # type: ignore[arg-type]
    listener = Listener("gb26875", panel)
    listener.run(single_smoke(), 30)
    assert [event.source for event in listener.events if event.kind == "fire" and event.begins] == ["1-6-12"]
    assert panel.told[0].confirmed
    assert panel.denied == (kind == "wrong-checksum")  # type: ignore[attr-defined]


def test_a_spoilt_espa_block_is_refused_and_comes_again() -> None:
    panel = SIMULATED["espa"]()
    panel.mischief.plan("wrong-checksum")
    listener = Listener("espa", panel)
    listener.run(single_smoke(), 10)
    assert [event.kind for event in listener.events] == ["fire"]
    assert panel.refused == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", ["jbf", "gst24", "gst232", "jb3208", "fs5101"])
@pytest.mark.parametrize("kind", ["half", "wrong-checksum", "garbage"])
def test_a_spoilt_frame_costs_no_other(protocol: str, kind: str) -> None:
    panel = SIMULATED[protocol]()
    panel.mischief.plan(kind, after=1)  # type: ignore[arg-type]
    listener = Listener(protocol, panel)
    fire = single_smoke()[0].event
    listener.run([(2.0 * number, fire._replace(point=number)) for number in range(1, 5)], 12)
    arrived = [event.source for event in listener.events]
    whole = {event.source for event in listener.events}
    assert len(whole) == (4 if kind == "garbage" or protocol == "gst24" else 3), arrived
    assert listener.damage


def test_a_printer_that_prints_garbage_before_a_ticket_still_prints_the_fire() -> None:
    panel = SIMULATED["gst-printer"]()
    panel.mischief.plan("garbage", frames=3)
    listener = Listener("gst-printer", panel)
    listener.run([*spreading_fire()[:2], *power_cut()[:1]], 10)
    assert [event.kind for event in listener.events] == ["fire", "fire", "mains_fault"]


def test_registers_of_a_gst200_and_a_notifier_gateway_say_the_same_incident() -> None:
    gst, notifier = Gst200(), Notifier()
    fire = single_smoke()[0].event
    before_gst, before_notifier = list(gst.values), list(notifier.values)
    for simulated in (gst, notifier):
        simulated.happen(fire)
        simulated.happen(fire._replace(kind="fault", point=13))
    said_gst = gst_modbus.events(gst_modbus.GST200, 0, gst.values, before_gst)
    said_notifier = notifier_modbus.events(0, notifier.values, before_notifier)
    assert [(event.condition, event.begins) for event in said_gst] == [("fire", True), ("fault", True)]
    assert [(event.condition, event.begins) for event in said_notifier] == [("fire", True), ("fault", True)]
    before_notifier = list(notifier.values)
    notifier.happen(fire._replace(kind="reset"))
    ended = notifier_modbus.events(0, notifier.values, before_notifier)
    assert [(event.condition, event.begins) for event in ended] == [("fire", False), ("fault", False)]
