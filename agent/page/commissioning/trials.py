"""What is tried before it is saved: a platform, a device, a camera."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from courtyard.agent.families import DRIVERS, Surroundings
from courtyard.agent.lines import SPEAKS_BY_ITSELF, Lines
from courtyard.agent.page.commissioning.camera_look import Asked
from courtyard.agent.page.commissioning.cameras import CameraTrials
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.scans import RUNNING, LineScans
from courtyard.agent.page.commissioning.site_desk import GatewaySite, authority
from courtyard.agent.recorder import GatewayClock
from courtyard.agent.serial_ports import serial_ports
from courtyard.agent.uplinks.trial import try_uplink
from courtyard.agent.web.commissioning.model import CameraLook, Form, Probe, SerialPort, Trial
from courtyard.agent.web.model import Frame, PointValue, Refused, TestRead, Words
from courtyard.config.snapshot import Line, Snapshot
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import DriverError, Fault, Reading, Text, Traces

READ_S = 30.0
SAVE_LINE_FIRST = Words("Save the line first; then its devices can be read.", "请先保存线路，然后才能试读其设备。")
LATE = Fault("device.late", Text("It took too long.", "等待超时。"), Text("Check its wiring.", "请检查接线。"))


class Trials:
    """Implements `courtyard.agent.web.commissioning.model.Trials`."""

    def __init__(
        self,
        site: GatewaySite,
        kept: KeptSecrets,
        scans: LineScans,
        lines: Lines,
        snapshot: Callable[[], Snapshot],
        clock: GatewayClock,
        data: Path,
        values: Callable[[Reading], tuple[PointValue, ...]],
    ) -> None:
        self._site, self._kept, self._scans, self._lines, self._snapshot = site, kept, scans, lines, snapshot
        self._clock, self._data, self._values, self._cameras = clock, data, values, CameraTrials()

    def ports(self) -> Sequence[SerialPort]:
        """Serial ports of this machine, and the lines that use them."""
        used = {
            os.path.realpath(port): name
            for name, line in self._snapshot().lines.items()
            if isinstance(port := getattr(line.settings, "port", None), str)
        }
        return tuple(SerialPort(each.port, each.device, used.get(each.device)) for each in serial_ports())

    async def try_uplink(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, Trial | None]:
        """Connects to a platform as the form says, and leaves."""
        form, snapshot, name = await self._proposed("uplinks", entry, given)
        if snapshot is None:
            return form, None
        settings = next(each for each in snapshot.site.uplinks if each.name == name)
        token = next((field.value for field in form.fields if field.name == "password_kept"), "")
        return form, await self.connect(settings, self._kept.take("", token)[0], authority(given))

    async def connect(self, settings: Uplink, password: str = "", certificates: str = "") -> Trial:
        """One connection; a secret that is not saved yet lies in a folder of its own for as long."""
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        try:
            if settings.format == "gb26875":
                from courtyard.agent.uplinks.gb26875.trial import PROTOCOL, try_centre

                zone = ZoneInfo(self._snapshot().site.gateway.timezone)
                took_ms = await try_centre(settings, zone, self._clock.wall_ms())
                return Trial(settings.name, settings.url, took_ms, PROTOCOL)
            with tempfile.TemporaryDirectory(dir=self._data.absolute(), prefix=".trial.") as folder:
                for setting, content in (("password_file", password), ("ca_file", certificates)):
                    if content:
                        file = Path(folder, setting)
                        await asyncio.to_thread(file.write_text, content)
                        settings = msgspec.structs.replace(settings, **{setting: str(file)})
                snapshot, gateway = self._snapshot(), self._snapshot().site.gateway.id
                reached = await try_uplink(
                    settings, gateway, snapshot.directory, Path(credentials) if credentials else None
                )
        except DriverError as error:
            fault = error.fault
            return Trial(settings.name, settings.url, fault=Words.of(fault.what), cure=Words.of(fault.cure))
        return Trial(settings.name, settings.url, reached.ms, reached.protocol)

    async def try_device(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, TestRead | None]:
        """Reads a device as the form says, while what polls its line rests.  Raises Refused."""
        form, snapshot, name = await self._proposed("devices", entry, given)
        if snapshot is None:
            return form, None
        installed = snapshot.devices[name]
        line = snapshot.lines[installed.line]
        running = self._snapshot().lines.get(installed.line)
        if installed.family != "modbus":
            return form, _failed(SPEAKS_BY_ITSELF)
        if running is None or running.settings != line.settings:
            raise Refused(SAVE_LINE_FIRST)
        if self._scans.running_on(installed.line):
            raise Refused(RUNNING)
        zone = ZoneInfo(snapshot.site.gateway.timezone)
        try:
            async with self._lines.at_rest(installed.line), asyncio.timeout(READ_S):
                driver: Any = DRIVERS["modbus"](
                    Line(line.settings, "modbus", (installed.driver,)), Surroundings(self._clock, zone)
                )
                try:
                    reading = await driver.read(name)
                except DriverError as error:
                    return form, _failed(error.fault, _frames(driver, name))
                finally:
                    driver.close()
                return form, TestRead(self._values(reading), _frames(driver, name))
        except TimeoutError:
            return form, _failed(LATE)
        except DriverError as error:
            return form, _failed(error.fault)

    async def try_camera(self, entry: str | None, given: Mapping[str, str]) -> tuple[Form, CameraLook | None]:
        """Asks a camera for a picture."""
        form, snapshot, name = await self._proposed("cameras", entry, given)
        if snapshot is None:
            return form, None
        camera = next(each for each in snapshot.site.cameras if each.id == name)
        token = next(field.value for field in form.fields if field.name == "password_kept")
        password = self._kept.take("", token)[0]
        if not password:
            try:
                password = (await asyncio.to_thread(snapshot.devices[name].driver.login)).password
            except DriverError as error:
                return form, CameraLook(fault=Words.of(error.fault.what), cure=Words.of(error.fault.cure))
        asked = Asked(camera.address, camera.username, password, camera.certificate)
        return form, await self._cameras.look(asked)

    async def probe(self) -> Probe:
        """Cameras of the local network."""
        return await self._cameras.probe(str(self._site.path))

    def picture(self, token: str) -> bytes | None:
        """A JPEG that `try_camera` brought."""
        return self._cameras.picture(token)

    async def _proposed(
        self, kind: Any, entry: str | None, given: Mapping[str, str]
    ) -> tuple[Form, Snapshot | None, str]:
        form, proposal = await self._site.proposed(kind, entry, given, await self._site.read())
        return form, proposal.verdict.snapshot if proposal else None, proposal.name if proposal else ""


def _frames(driver: Any, device: str) -> tuple[Frame, ...]:
    frames = driver.frames(device) if isinstance(driver, Traces) else ()
    return tuple(Frame(each.at_ms, each.direction, each.hex) for each in frames)


def _failed(fault: Fault, frames: tuple[Frame, ...] = ()) -> TestRead:
    return TestRead((), frames, Words.of(fault.what), Words.of(fault.cure))
