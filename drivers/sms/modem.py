"""One modem on its serial line: looks after SIM card and network, sends messages one at a time.

Invariants
1. The port is open only while something is done; a modem that was unplugged is found again by the next attempt.
2. Every wait has an end; the whole of a message takes at most `MESSAGE_S` for each part, and `READY_S` before.
3. A PIN that the card has refused is never tried again by this process: the third wrong one locks the card.
4. A message that was begun and broke off is aborted with ESC; nothing half is ever sent on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.lines.settings import SerialLine
from courtyard.drivers.lines.wire import OpenWire, Wire, open_wire
from courtyard.drivers.sms import at, pdu
from courtyard.drivers.sms.faults import failure, refusal

COMMAND_S: Final = 5.0
GREET_S: Final = 1.0
GREETINGS: Final = 3
PROMPT_S: Final = 10.0
MESSAGE_S: Final = 60.0
READY_S: Final = 30.0
"""A card that has just got its PIN needs some seconds to be accepted by a network."""
LOOK_S: Final = 2.0


class Reception(NamedTuple):
    """How the modem fares: registered, at home or roaming, and how strong the signal is, where it knows."""

    roaming: bool
    signal_dbm: int | None


class Modem:
    """`pin` reads the PIN when the card asks for it; it may raise DriverError, as every method does."""

    def __init__(
        self, line: SerialLine, *, pin: Callable[[], str | None] = lambda: None, open_port: OpenWire = open_wire
    ) -> None:
        self._line, self._pin, self._open = line, pin, open_port
        self._turn = asyncio.Lock()
        self._refused_pin: str | None = None
        self._reference = 0

    async def check(self) -> Reception:
        """Makes sure that a message could be sent now."""
        async with self._talk() as talk:
            return await self._ready(talk)

    async def send(self, number: str, text: str) -> int:
        """Sends the text, in several messages where it is long; how many were accepted by the network."""
        plain = at.is_plain(text)
        try:
            parts = pdu.submits(number, text, self._reference)
        except ValueError:
            raise failure("sms.number", number=number) from None
        self._reference += 1
        async with self._talk() as talk:
            await self._ready(talk)
            if plain:
                await talk.ask("AT+CMGF=1")
                await talk.ask('AT+CSCS="GSM"')
                await talk.ask(f"AT+CSMP=17,{pdu.VALIDITY},0,0")
                await talk.submit(f'AT+CMGS="{number}"', text.encode("ascii"))
                return 1
            await talk.ask("AT+CMGF=0")
            for part in parts:
                await talk.submit(f"AT+CMGS={part.length}", part.hex.encode("ascii"))
        return len(parts)

    @asynccontextmanager
    async def _talk(self) -> AsyncIterator[_Talk]:
        async with self._turn:
            talk = _Talk()
            talk.wire = await self._open(self._line, talk)
            try:
                yield talk
            finally:
                talk.wire.close()

    async def _ready(self, talk: _Talk) -> Reception:
        await self._greet(talk)
        await talk.ask("ATE0")
        await talk.ask("AT+CMEE=1")
        await self._unlock(talk)
        state = await self._registered(talk)
        strength = at.strength_dbm(await talk.ask("AT+CSQ", "+CSQ"))
        return Reception(state == "5", strength)

    async def _greet(self, talk: _Talk) -> None:
        talk.send(at.ABORT)
        for attempt in range(GREETINGS):
            try:
                await talk.ask("AT", timeout_s=GREET_S)
            except DriverError as error:
                if error.fault.code != "sms.silent" or attempt == GREETINGS - 1:
                    raise
            else:
                return

    async def _unlock(self, talk: _Talk) -> None:
        state = await self._card(talk)
        if state == "READY":
            return
        if state != "SIM PIN":
            raise failure("sms.puk", state=state)
        pin = await asyncio.to_thread(self._pin)
        if pin is None:
            raise failure("sms.pin")
        if pin == self._refused_pin or not pin.isdigit() or not 4 <= len(pin) <= 8:
            raise failure("sms.pin_refused")
        try:
            await talk.ask(f'AT+CPIN="{pin}"', shown="AT+CPIN=…")
        except DriverError as error:
            if error.fault.code == "sms.pin":
                self._refused_pin = pin
                raise failure("sms.pin_refused") from error
            raise

    async def _card(self, talk: _Talk) -> str:
        """The state of the card; one that is busy is asked again for a while."""
        for left in range(4, -1, -1):
            try:
                return (await talk.ask("AT+CPIN?", "+CPIN") or ["?"])[-1]
            except DriverError as error:
                if error.fault.code != "sms.busy" or not left:
                    raise
            await asyncio.sleep(LOOK_S)
        raise AssertionError("unreachable")

    async def _registered(self, talk: _Talk) -> str:
        end = asyncio.get_running_loop().time() + READY_S
        while True:
            for command, prefix in (("AT+CREG?", "+CREG"), ("AT+CEREG?", "+CEREG")):
                try:
                    state = at.registration(await talk.ask(command, prefix))
                except DriverError as error:
                    if error.fault.code != "sms.modem":
                        raise
                    state = None  # modems without LTE do not know the second question, some LTE ones not the first
                if state in at.REGISTERED:
                    return state
            if asyncio.get_running_loop().time() >= end:
                raise failure("sms.not_registered")
            await asyncio.sleep(LOOK_S)


class _Talk:
    """The open port; the Listener of its wire."""

    wire: Wire

    def __init__(self) -> None:
        self._lines = at.Lines()
        self._exchange: at.Exchange | None = None
        self._heard = asyncio.Event()
        self._lost: Fault | None = None

    def received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            if self._exchange is not None:
                self._exchange.take(line)
        self._heard.set()

    def lost(self, fault: Fault) -> None:
        self._lost = fault
        self._heard.set()

    def send(self, data: bytes) -> None:
        self.wire.send(data)

    async def ask(
        self, command: str, prefix: str = "", *, timeout_s: float = COMMAND_S, shown: str | None = None
    ) -> list[str]:
        """The information that answers a command."""
        exchange = self._begin(command, at.Exchange(prefix))
        await self._until(lambda: exchange.over, timeout_s, shown or command)
        return self._result(exchange, shown or command)

    async def submit(self, command: str, data: bytes) -> None:
        """A command that asks for data; returns when the network has taken them."""
        exchange = self._begin(command, at.Exchange("+CMGS", prompts=True))
        shown = command.partition("=")[0]
        try:
            await self._until(lambda: exchange.over or exchange.prompted, PROMPT_S, shown)
            if not exchange.over:
                self.send(data + at.SEND)
                await self._until(lambda: exchange.over, MESSAGE_S, shown)
        except BaseException:
            self.send(at.ABORT)
            raise
        self._result(exchange, shown)

    def _begin(self, command: str, exchange: at.Exchange) -> at.Exchange:
        self._exchange = exchange
        self.send(f"{command}\r".encode("ascii"))
        return exchange

    async def _until(self, done: Callable[[], bool], timeout_s: float, command: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not done():
                    if self._lost is not None:
                        raise DriverError(self._lost)
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            raise failure("sms.silent", command=command) from None

    def _result(self, exchange: at.Exchange, command: str) -> list[str]:
        assert exchange.final is not None
        if not exchange.final.ok:
            raise refusal(exchange.final, command)
        return exchange.information
