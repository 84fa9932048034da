"""What a monitoring centre asks of transmission devices: three times 10 s, serial numbers of its own per device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.gb26875 import Message
from courtyard.drivers.fire.gb26875.objects import DeviceQuery
from courtyard.drivers.fire.settings import FirePanel
from hw_sim.panels.gb26875 import HEARTBEAT_TIME, Gb26875
from tests.fire_driver_rig import Watched, elapse, virtually
from tests.fire_referee import harmless

ADDRESS = 0x11223344
STATE = bytes((21, 1, 0x08, 15, 30, 14, 22, 11, 26))
"""Type 21, mains fault."""


class Answering(Gb26875):
    """A transmission device that replies to requests and controls with what it is given; b"" is silence."""

    def __init__(self, reply: Callable[[int], tuple[int, bytes] | None]) -> None:
        super().__init__(ADDRESS)
        self._reply = reply
        self.asked: list[bytes] = []

    def heard(self, data: bytes, now: float) -> list[bytes]:
        if data[26] not in (1, 4):
            return super().heard(data, now)
        self.asked.append(data)
        reply = self._reply(data[26])
        if reply is None:
            return []
        command, unit = reply
        return [self.packet(command, unit, int.from_bytes(data[2:4], "little"), HEARTBEAT_TIME)]


async def asked(
    device: Answering, question: Callable[[Watched], asyncio.Future[Message] | object]
) -> tuple[Message | DriverError, float]:
    """The answer or the refusal, and how long it took."""
    async with Watched(device, FirePanel(id="uitd", protocol="gb26875", address=ADDRESS)) as watched:
        await elapse(1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer: Message | DriverError = await question(watched)  # type: ignore[misc]
        except DriverError as error:
            answer = error
        assert all(harmless("gb26875", said) for _, said in watched.line.said)
        return answer, loop.time() - began


def test_a_request_is_answered_and_what_it_says_is_kept() -> None:
    async def main() -> None:
        device = Answering(lambda command: (5, STATE))
        async with Watched(device, FirePanel(id="uitd", protocol="gb26875", address=ADDRESS)) as watched:
            await elapse(1)
            answer = await watched.driver.questions.ask("uitd", 81, (DeviceQuery(),))
            assert answer.command == 5
            await elapse(1)
            assert watched.sink.began("mains_fault") == ["uitd"]
            await watched.driver.questions.ask("uitd", 81, (DeviceQuery(),))
            assert [packet[2:4] for packet in device.asked] == [b"\0\0", b"\x01\0"]

    virtually(main)


@pytest.mark.parametrize("what", ["clock", "patrol"])
def test_clock_and_patrol_check_are_confirmed(what: str) -> None:
    async def main() -> None:
        device = Answering(lambda command: (3, b""))
        answer, _ = await asked(
            device,
            lambda watched: (
                watched.driver.questions.synchronise_clock("uitd")
                if what == "clock"
                else watched.driver.questions.check_patrol("uitd", 10)
            ),
        )
        assert isinstance(answer, Message)
        assert answer.command == 3
        (packet,) = device.asked
        assert packet[26] == 1
        assert packet[27:29] == (b"\x5a\x01" if what == "clock" else b"\x5b\x01")

    virtually(main)


def test_silence_is_asked_three_times_unchanged_10_s_apart() -> None:
    async def main() -> None:
        device = Answering(lambda command: None)
        answer, took_s = await asked(device, lambda watched: watched.driver.questions.check_patrol("uitd", 5))
        assert isinstance(answer, DriverError)
        assert answer.fault.code == "panel.ask.silent"
        assert took_s == pytest.approx(30, abs=0.1)
        assert len(device.asked) == 3
        assert len(set(device.asked)) == 1

    virtually(main)


def test_a_denial_brings_the_next_transmission_forward() -> None:
    async def main() -> None:
        device = Answering(lambda command: (6, b""))
        answer, took_s = await asked(device, lambda watched: watched.driver.questions.check_patrol("uitd", 5))
        assert isinstance(answer, DriverError)
        assert answer.fault.code == "panel.ask.denied"
        assert took_s < 1
        assert len(device.asked) == 3

    virtually(main)


def test_two_questions_to_one_device_wait_for_each_other() -> None:
    async def main() -> None:
        device = Answering(lambda command: (3, b""))
        async with Watched(device, FirePanel(id="uitd", protocol="gb26875", address=ADDRESS)) as watched:
            await elapse(1)
            questions = watched.driver.questions
            answers = await asyncio.gather(questions.check_patrol("uitd", 1), questions.synchronise_clock("uitd"))
            assert [answer.serial for answer in answers] == [0, 1]

    virtually(main)


def test_who_is_unknown_or_absent_or_asked_to_initialise_is_refused() -> None:
    async def main() -> None:
        listed = FirePanel(id="uitd", protocol="gb26875", address=ADDRESS)
        absent = FirePanel(id="absent", protocol="gb26875", address=7)
        async with Watched(Answering(lambda command: (3, b"")), listed, absent) as watched:
            await elapse(1)
            for device, code in (("nobody", "panel.ask.unknown"), ("absent", "panel.ask.absent")):
                with pytest.raises(DriverError) as refused:
                    await watched.driver.questions.check_patrol(device, 1)
                assert refused.value.fault.code == code
            with pytest.raises(ValueError, match="must not be sent"):
                await watched.driver.questions.ask("uitd", 89, (DeviceQuery(),))

    virtually(main)
