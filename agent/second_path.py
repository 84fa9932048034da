"""The second path of life-safety alarms as a part of the gateway: escalations, and the modem that they may need.

The modem is looked at now and then, so that a missing card or network is an alarm before the fire and not at it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.condition import Condition
from courtyard.agent.escalation.escalations import Escalations, Ports
from courtyard.agent.escalation.handed import Handed
from courtyard.agent.outputs.demands import Demands
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.recorder import Recorder
from courtyard.config.second_path import Modem as ModemSettings
from courtyard.config.secret_files import CREDENTIAL
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Text
from courtyard.drivers.lines.settings import SerialLine

if TYPE_CHECKING:
    from courtyard.drivers.sms.modem import Modem, Reception

MODEM: Final = "modem"
FAILED_EVERY_S: Final = 120.0
MAX_PIN: Final = 16
WORKS: Final = Text("The modem works again.", "短信模块已恢复正常。")
NO_MODEM: Final = Fault(
    "sms.no_modem",
    Text("The site has no modem.", "站点没有配置短信模块。"),
    Text("Add [modem] to the site file.", "请在站点文件中添加 [modem]。"),
)


class SecondPath:
    """Used from the event loop only."""

    def __init__(
        self,
        recorder: Recorder,
        book: AlarmBook,
        outputs: Outputs,
        snapshot: Callable[[], Snapshot],
        *,
        say: Callable[[Condition], None],
        health: Callable[[str, Fault | None], None],
        credentials: Path | None,
        learn_secrets: Callable[[Iterable[str]], None],
    ) -> None:
        """`say` takes the condition that the modem fails, `health` its present fault."""
        self._recorder, self._snapshot, self._say, self._health = recorder, snapshot, say, health
        self._credentials, self._learn = credentials, learn_secrets
        self._settings: ModemSettings | None = None
        self._modem: Modem | None = None
        self._changed = asyncio.Event()
        self.handed = Handed(recorder)
        ports = Ports(lambda told: Demands(outputs, told), self.send, self.handed)
        self.escalations = Escalations(recorder, book, ports, lambda: snapshot().site)
        self._take_modem()

    def adjust(self) -> None:
        """The site has changed."""
        self.escalations.adjust()
        self._take_modem()

    async def watch_modem(self) -> None:
        """Looks at the modem now and then, until cancelled."""
        faulty = False
        while True:
            self._changed.clear()
            modem, settings = self._modem, self._settings
            fault: Fault | None = None
            if modem is not None:
                try:
                    await modem.check()
                except DriverError as error:
                    fault = error.fault
            if modem is self._modem and (fault is not None or faulty):
                faulty = fault is not None
                self._tell(fault)
            every_s = settings.check_every_s if settings else None
            await self._pause(FAILED_EVERY_S if fault else every_s)

    async def send(self, number: str, text: str) -> None:
        """Sends a text message.  Raises DriverError."""
        if self._modem is None:
            raise DriverError(NO_MODEM)
        await self._modem.send(number, text)

    async def reception(self) -> Reception:
        """How the modem fares now.  Raises DriverError."""
        if self._modem is None:
            raise DriverError(NO_MODEM)
        return await self._modem.check()

    def look(self) -> None:
        """Looks at the modem soon."""
        self._changed.set()

    def _take_modem(self) -> None:
        settings = self._snapshot().site.modem
        if settings == self._settings:
            return
        self._settings = settings
        line = SerialLine(MODEM, settings.port, settings.baud) if settings else None
        self._modem = None
        if line:
            from courtyard.drivers.sms.modem import Modem

            self._modem = Modem(line, pin=self._pin)
        self._changed.set()

    async def _pause(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _tell(self, fault: Fault | None) -> None:
        self._health(MODEM, fault)
        text = Text(f"{fault.what.en} {fault.cure.en}", f"{fault.what.zh}{fault.cure.zh}") if fault else WORKS
        gateway, now = self._snapshot().site.gateway.id, self._recorder.now()
        self._say(Condition(gateway, "modem_fault", "", 2, fault is not None, *now, text=text))

    def _pin(self) -> str | None:
        """Reads the PIN; called in a thread."""
        name = self._settings.pin_file if self._settings else None
        if name is None:
            return None
        path = self._snapshot().directory / name
        if self._credentials is not None:
            given = self._credentials / name.removeprefix(CREDENTIAL).rpartition("/")[2]
            path = given if name.startswith(CREDENTIAL) or given.exists() else path
        try:
            pin = path.read_text("ascii")[:MAX_PIN].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DriverError(
                Fault(
                    "sms.pin_file",
                    Text(f"The PIN cannot be read from {path}.", f"无法从 {path} 读取 PIN 码。"),
                    Text(
                        f"Put the PIN there; let the group courtyard read it: chgrp courtyard {path}.",
                        f"请将 PIN 码存入该文件，并允许 courtyard 组读取：chgrp courtyard {path}。",
                    ),
                )
            ) from error
        self._learn([pin])
        return pin
