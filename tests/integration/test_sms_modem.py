"""The modem driver against a simulated modem on a real pty, and against a virtual one for everything that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from courtyard.drivers.base import DriverError
from courtyard.drivers.lines.settings import LineSettings, SerialLine
from courtyard.drivers.lines.wire import Listener, Wire
from courtyard.drivers.sms.modem import Modem, Reception
from hw_sim import modem as simulated
from tests.gateway_rig import virtual

NUMBER = "+8613812345678"
NOWHERE = Path("/nowhere")
LINE = SerialLine("modem", str(NOWHERE), 115_200)


@asynccontextmanager
async def on_a_pty(folder: Path, pin: str | None = None) -> AsyncIterator[tuple[Modem, simulated.Modem]]:
    async with asyncio.timeout(100):
        there = await simulated.Modem(folder / "modem", pin=pin).open()
        try:
            yield Modem(SerialLine("modem", str(folder / "modem"), 115_200), pin=lambda: "1234"), there
        finally:
            await there.close()


class Cable:
    """A wire to a simulated modem without a port; what it says comes at once."""

    def __init__(self, pin: str | None) -> None:
        self.there, self.is_open = simulated.Modem(NOWHERE, pin=pin, port=self), False
        self._listener: Listener | None = None

    async def open(self, settings: LineSettings, listener: Listener) -> Wire:
        self._listener, self.is_open = listener, True
        return self

    def send(self, data: bytes) -> None:
        self.there.heard(data)

    def write(self, data: bytes) -> int:
        if self._listener is not None and self.is_open:
            asyncio.get_running_loop().call_soon(self._listener.received, data)
        return len(data)

    def close(self) -> None:
        self.is_open = False

    def plug(self) -> None: ...
    def unplug(self) -> None: ...


def joined(pin: str | None = None, known: Callable[[], str | None] = lambda: None) -> tuple[Modem, simulated.Modem]:
    cable = Cable(pin)
    return Modem(LINE, pin=known, open_port=cable.open), cable.there


async def failure(modem: Modem) -> str:
    with pytest.raises(DriverError) as caught:
        await modem.send(NUMBER, "火警")
    return caught.value.fault.code


def test_a_chinese_text_of_several_parts_arrives_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_a_pty(tmp_path) as (modem, there):
            text = "火警：" + "3号楼2单元6层走廊感烟探测器，" * 9
            assert await modem.send(NUMBER, text) == 3
            assert there.sent == [simulated.Message(NUMBER, text, 3)]

    asyncio.run(main())


def test_a_plain_text_goes_in_text_mode(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_a_pty(tmp_path) as (modem, there):
            assert await modem.send(NUMBER, "FIRE b03 u02 f06") == 1
            assert there.sent == [simulated.Message(NUMBER, "FIRE b03 u02 f06", 1)]
            assert "AT+CMGF=1" in there.commands

    asyncio.run(main())


def test_a_card_with_a_pin_is_unlocked_from_its_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_a_pty(tmp_path, pin="1234") as (modem, there):
            assert await modem.check() == Reception(False, -73)
            assert there.pin_tries == 1
            await modem.check()
            assert there.pin_tries == 1

    asyncio.run(main())


def test_an_unplugged_modem_is_found_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_a_pty(tmp_path) as (modem, there):
            await modem.check()
            there.unplug()
            assert await failure(modem) == "line.open.missing"
            there.replug()
            assert await modem.send(NUMBER, "火警") == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("no-sim", "", "sms.no_sim"),
        ("puk", "", "sms.puk"),
        ("sim-busy", "", "sms.busy"),
        ("no-network", "", "sms.not_registered"),
        ("cms", "38", "sms.network"),
        ("cms", "330", "sms.centre"),
        ("cms", "500", "sms.refused"),
        ("cms", "777", "sms.refused"),
        ("silence", "", "sms.silent"),
        ("no-prompt", "", "sms.silent"),
        ("hang", "", "sms.silent"),
    ],
)
def test_every_fault_has_its_name_and_an_end(fault: str, value: str, code: str) -> None:
    async def main() -> None:
        modem, there = joined()
        there.fault([fault, value])
        assert await failure(modem) == code
        assert asyncio.get_running_loop().time() < 120
        assert there.sent == []
        there.heal()
        assert await modem.send(NUMBER, "火警") == 1
        assert [message.text for message in there.sent] == ["火警"]

    virtual(main)


@pytest.mark.parametrize("fault", ["garbage", "unsolicited"])
def test_noise_between_the_answers_changes_nothing(fault: str) -> None:
    async def main() -> None:
        modem, there = joined()
        there.fault([fault])
        assert await modem.send(NUMBER, "火警" * 60) == 2
        assert [message.text for message in there.sent] == ["火警" * 60]

    virtual(main)


def test_a_wrong_pin_is_tried_once() -> None:
    async def main() -> None:
        modem, there = joined("9999", lambda: "1234")
        assert [await failure(modem) for _ in range(4)] == ["sms.pin_refused"] * 4
        assert there.pin_tries == 1

    virtual(main)


def test_no_pin_is_a_fault_of_its_own() -> None:
    async def main() -> None:
        modem, there = joined("9999")
        assert await failure(modem) == "sms.pin"
        assert there.pin_tries == 0

    virtual(main)


def test_messages_go_one_after_the_other() -> None:
    async def main() -> None:
        modem, there = joined()
        await asyncio.gather(*(modem.send(NUMBER, f"火警{number}") for number in range(4)))
        assert [message.text for message in there.sent] == [f"火警{number}" for number in range(4)]

    virtual(main)


def test_a_send_that_is_cancelled_leaves_nothing_half() -> None:
    async def main() -> None:
        modem, there = joined()
        there.fault(["hang"])
        sending = asyncio.create_task(modem.send(NUMBER, "火警"))
        asyncio.get_running_loop().call_later(5, sending.cancel)
        with pytest.raises(asyncio.CancelledError):
            await sending
        there.heal()
        await modem.send(NUMBER, "恢复")
        assert [message.text for message in there.sent] == ["恢复"]

    virtual(main)
