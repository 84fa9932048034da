"""Any bytes can be taken apart; what is valid says what pymodbus says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadHoldingRegistersResponse

from courtyard.drivers.modbus.dissect import Framing, dissect
from tests.modbus_rig import examples

CLIENT = FramerRTU(DecodePDU(False))


@given(st.binary(max_size=300), st.sampled_from(["auto", "rtu", "tcp"]))
@settings(max_examples=examples(150), deadline=None)
def test_any_bytes_give_parts_within_them(frame: bytes, framing: Framing) -> None:
    dissection = dissect(frame, framing=framing)
    assert dissection.valid == (dissection.error is None) == (dissection.error_at is None)
    assert all(0 <= part.start <= part.end <= len(frame) for part in dissection.parts)
    if dissection.error_at is not None:
        assert 0 <= dissection.error_at <= len(frame)


@given(st.integers(1, 247), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125), st.data())
@settings(max_examples=examples(100), deadline=None)
def test_answers_of_pymodbus_and_their_damage(unit: int, registers: list[int], data: st.DataObject) -> None:
    frame = CLIENT.buildFrame(ReadHoldingRegistersResponse(registers=registers, dev_id=unit))
    fields = dissect(frame, framing="rtu").data()["fields"]
    assert (fields["unit"], fields["registers"], fields["direction"]) == (unit, registers, "response")
    at = data.draw(st.integers(0, len(frame) - 1))
    damaged = frame[:at] + bytes([frame[at] ^ data.draw(st.integers(1, 255))]) + frame[at + 1 :]
    dissection = dissect(damaged, framing="rtu")
    assert not dissection.valid
    assert dissection.error is not None
    assert dissection.error.en.startswith("Wrong CRC")
    assert dissection.error_at == len(frame) - 2


@given(st.integers(1, 247), st.integers(0, 0xFFFF), st.integers(1, 125))
@settings(max_examples=examples(100), deadline=None)
def test_requests_of_pymodbus(unit: int, address: int, quantity: int) -> None:
    frame = CLIENT.buildFrame(ReadHoldingRegistersRequest(address=address, count=quantity, dev_id=unit))
    fields = dissect(frame).data()["fields"]
    assert (fields["direction"], fields["address"], fields["quantity"]) == ("request", address, quantity)
