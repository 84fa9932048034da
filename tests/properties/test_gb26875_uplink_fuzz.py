"""Whatever a centre says: the uplink neither falls over nor believes it, and goes on reporting."""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.answers import Answers, Own
from courtyard.agent.uplinks.gb26875.inventory import Inventory, Listed
from courtyard.agent.uplinks.gb26875.mapping import reports, tag
from courtyard.agent.uplinks.gb26875.operations import Operations
from courtyard.agent.uplinks.gb26875.present import Present
from courtyard.drivers.fire.framing import FrameError
from courtyard.drivers.fire.gb26875 import parse
from courtyard.drivers.fire.gb26875.frame import CONTROL, DENY, REQUEST, Link, unit
from courtyard.drivers.fire.gb26875.objects import TYPES
from hw_sim import centre as simulated
from tests.gateway_rig import elapse, examples, virtual
from tests.gb26875_uplink_rig import OWN, PANEL, Box, Cable

AT = "2026-11-22T06:30:15.000Z"
LISTED = Inventory(systems={(1, 1): Listed(PANEL, "JBF")}, parts={(1, 1, 1): Listed(PANEL, "6层")})
NOW = tag(AT, datetime.UTC)
RECORD = AlarmRecord("a", 1, 1, "raise", "raised", 1, "fire", PANEL, "here", AT, 0, "synced", AT)


@given(st.lists(st.binary(max_size=120), max_size=12))
@settings(max_examples=examples(25), deadline=None)
def test_any_bytes_of_a_centre_change_nothing(tmp_path_factory: pytest.TempPathFactory, noise: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("box")

    async def main() -> None:
        box, centre = Box(folder, threads=False), simulated.Centre()
        cable = Cable(centre)
        box.uplink(connect=cable.open)
        await elapse(0.5)
        for data in noise:
            cable._back(data)
            await elapse(0.3)
        await elapse(5)
        await box.alarm("1-1-1")
        await elapse(45)
        assert [report.words[3] for report in centre.reports if report.kind == 2] == [1 << 16 | 1]
        assert centre.errors == []
        await box.stop()

    virtual(main)


@given(st.sampled_from([CONTROL, REQUEST, 0, 7, 128, 255]), st.binary(max_size=60))
@settings(max_examples=examples(200))
def test_every_question_gets_one_answer_or_a_denial_and_none_sets_anything(command: int, data: bytes) -> None:
    own = Own("1.2.3", lambda: "gw", Operations(), lambda: (), lambda analogue: None)
    answers = Answers(lambda: Present((), LISTED), own)
    raw = simulated.packet(command, data, 9, 1, OWN, NOW.raw)
    try:
        message = parse(raw)
    except FrameError:
        return
    reply = answers.reply(message, NOW)
    assert reply is not None
    (packet,) = simulated.read_packets(bytearray(reply))
    assert (packet.serial, packet.source, packet.destination) == (9, OWN, 1)
    if command not in (CONTROL, REQUEST):
        assert packet.command == DENY


sources = st.one_of(st.from_regex(r"(t?\d{1,3}-)?\d{1,5}-\d{1,5}", fullmatch=True), st.text(max_size=40))


@given(
    sources,
    st.sampled_from(["fire", "fault", "mains_fault", "link_lost", "leak", "gas", "patrol_check", "sos"]),
    st.dictionaries(
        st.sampled_from(["system_type", "component_type", "detector"]),
        st.one_of(st.integers(-5, 1 << 40), st.text(max_size=9), st.booleans(), st.none()),
    ),
    st.text(max_size=200),
)
@settings(max_examples=examples(100))
def test_whatever_is_made_of_an_alarm_fits_its_packet(
    source: str, kind: str, details: dict[str, object], text: str
) -> None:
    record = msgspec.structs.replace(RECORD, source=source, alarm_class=kind, details=details, text_zh=text)
    for report in reports(record, Present((record,), LISTED), datetime.UTC):
        packet = Link(OWN, 1).packet(2, unit(report.kind, report.item), 1, NOW)
        (read,) = simulated.read_packets(bytearray(packet))
        assert len(simulated.read_reports(read)) == 1
        assert TYPES[report.kind].direction == "up"
