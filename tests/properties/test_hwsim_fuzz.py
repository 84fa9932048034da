"""Whatever arrives, the simulator neither raises nor answers what was not asked, and works again afterwards."""

from __future__ import annotations

import asyncio
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from hw_sim import rtu
from hw_sim.boards import Bank, LoadMeter, PulseCollector, RelayBoard
from hw_sim.clock import ManualClock
from hw_sim.meters import Bove, KaifengXintai, Tuf2000, UltraD
from hw_sim.served import Served
from hw_sim.slave import Bus, TcpServer, Unit
from tests.wire_rig import Rig

NOW = 1_795_305_600.0
MODELS = (Tuf2000, KaifengXintai, Bove, UltraD, PulseCollector, RelayBoard, LoadMeter, Bank)
MUTANTS = st.lists(st.one_of(st.binary(max_size=40), st.just(rtu.frame(1, bytes([3, 0, 0, 0, 4])))), max_size=8)


@given(st.binary(min_size=1, max_size=253))
@settings(deadline=None)
def test_every_request_is_answered_with_its_function_or_an_exception(pdu: bytes) -> None:
    for model in MODELS:
        answer = model(NOW).answer(pdu, NOW)
        assert answer[0] in (pdu[0], pdu[0] | 0x80)
        assert len(answer) == 2 if answer[0] & 0x80 else 2 <= len(answer) <= 253


@given(MUTANTS, st.floats(0, 0.02))
@settings(deadline=None)
def test_a_line_full_of_rubbish_still_carries_the_next_request(pieces: list[bytes], pause: float) -> None:
    rig = Rig(1)
    for piece in pieces:
        rig.say(piece or b"\x00")
        rig.time.advance(pause)
    rig.time.advance(2.0)
    rig.a.data.clear()
    rig.ask(1)
    rig.time.advance(0.1)
    assert rtu.intact(rig.a.data)


class Pipe(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.out = bytearray()
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.out += data

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted


@given(st.sampled_from(["tcp", "rtu-tcp"]), st.lists(st.binary(max_size=60), max_size=6))
@settings(deadline=None)
def test_streams_survive_any_bytes(framing: str, pieces: list[bytes]) -> None:
    server = TcpServer(Bus([Unit(1, "m", LoadMeter(NOW))], Served(), ManualClock(NOW)), framing=framing)
    stream, pipe = server.stream(), Pipe()
    stream.connection_made(pipe)
    for piece in pieces:
        if not pipe.aborted:
            stream.data_received(piece)
    stream.connection_lost(None)
    assert not server.streams


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
@settings(deadline=None)
def test_requests_may_be_cut_anywhere(cuts: list[int]) -> None:
    asked = struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 0, 4) * 5
    server = TcpServer(Bus([Unit(1, "m", LoadMeter(NOW))], Served(), ManualClock(NOW)))
    stream, pipe = server.stream(), Pipe()
    stream.connection_made(pipe)
    for cut in cuts:
        stream.data_received(asked[:cut])
        asked = asked[cut:]
    stream.data_received(asked)
    assert len(pipe.out) == 5 * 17
