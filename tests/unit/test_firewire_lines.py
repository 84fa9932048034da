"""The drivers of a site's lines: chosen by what hangs on them, restarted only where they cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.families import Surroundings
from courtyard.agent.lines import Lines, line_part
from courtyard.agent.scannable import scannable
from courtyard.agent.supervisor import Supervisor
from courtyard.config.read import load
from courtyard.config.snapshot import Line, Snapshot
from courtyard.drivers.base import DriverError, Fault, Reading, Signal, Sink, Write
from tests.config_rig import GATEWAY, LINE, METER
from tests.gateway_rig import VirtualClock, settle, virtual

OTHER = '[[lines]]\nname = "hall"\nkind = "tcp"\nhost = "127.0.0.1"\n'
SECOND = METER.replace('"meter"', '"second"').replace("address = 1", "address = 2")


class Listener:
    """A driver that only runs."""

    def __init__(self, line: Line) -> None:
        self.devices = [device.id for device in line.devices]
        self.running = 0

    async def run(self, sink: Sink) -> None:
        self.running += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.running -= 1


class Able(Listener):
    """A driver that can do everything; takes at most two devices while it runs."""

    async def read(self, device: str) -> Reading:
        return Reading(device, 0, 0, {})

    async def write(self, write: Write) -> None:
        self.devices.append(f"{write.device}.{write.target}")

    def adjust(self, devices: Sequence[Any]) -> None:
        if len(devices) > 2:
            raise ValueError("three are too many")
        self.devices = [device.id for device in devices]

    def counters(self) -> dict[str, dict[str, int]]:
        return {device: {"polls": 1} for device in self.devices}

    def frames(self, device: str) -> list[str]:
        return ["01 02"]


class Nowhere:
    """A sink that nobody looks at."""

    def reading(self, reading: Reading) -> None: ...
    async def signal(self, signal: Signal) -> None: ...
    def health(self, subject: str, fault: Fault | None) -> None: ...


class Rig:
    def __init__(self, folder: Path, kind: type[Listener], *parts: str) -> None:
        self.folder, self.made, self.kinds = folder, list[Listener](), dict[str, type[Listener]]()

        def make(line: Line, surroundings: Surroundings) -> Listener:
            self.made.append(self.kinds.get(line.settings.name, kind)(line))
            return self.made[-1]

        clock = VirtualClock()
        self.supervisor = Supervisor(clock, lambda part, error, restart_in_s: None)
        self.lines = Lines(self.site(*parts), clock, Nowhere(), self.supervisor, drivers={"modbus": make})

    def site(self, *parts: str) -> Snapshot:
        file = self.folder / "site.toml"
        file.write_text("\n".join((GATEWAY, *parts)))
        return load(file)


def test_a_driver_that_cannot_adjust_is_made_anew_and_only_it(tmp_path: Path) -> None:
    async def main() -> None:
        moved = SECOND.replace('"bus"', '"hall"')
        rig = Rig(tmp_path, Listener, LINE, METER, OTHER, moved)
        rig.lines.start()
        await settle()
        await rig.lines.take(rig.site(LINE, METER, SECOND.replace("second", "third"), OTHER, moved))
        await settle()
        assert [(driver.devices, driver.running) for driver in rig.made] == [
            (["meter"], 0), (["second"], 1), (["meter", "third"], 1)
        ]  # fmt: skip
        await rig.supervisor.stop_all()

    virtual(main)


def test_a_driver_that_can_adjust_runs_on_until_it_refuses(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, Able, LINE, METER)
        rig.lines.start()
        await settle()
        await rig.lines.take(rig.site(LINE, METER, SECOND))
        assert [driver.devices for driver in rig.made] == [["meter", "second"]]
        third = SECOND.replace("second", "third").replace("address = 2", "address = 3")
        await rig.lines.take(rig.site(LINE, METER, SECOND, third))
        await settle()
        assert [(driver.devices, driver.running) for driver in rig.made] == [
            (["meter", "second"], 0), (["meter", "second", "third"], 1)
        ]  # fmt: skip
        await rig.lines.take(rig.site(LINE))
        assert rig.supervisor.names() == []
        await rig.lines.take(rig.site(LINE, METER))
        assert rig.supervisor.names() == [line_part("bus")]
        await rig.supervisor.stop_all()

    virtual(main)


def test_what_a_driver_cannot_do_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, Listener, LINE, METER)
        rig.lines.start()
        with pytest.raises(DriverError) as refused:
            await rig.lines.read("meter")
        assert refused.value.fault.code == "device.speaks_by_itself"
        with pytest.raises(DriverError) as refused:
            await rig.lines.write(Write("meter", "coil", True))
        assert refused.value.fault.code == "device.only_listened_to"
        with pytest.raises(DriverError) as refused:
            await rig.lines.read("nobody")
        assert refused.value.fault.code == "device.unknown"
        assert (rig.lines.frames("meter"), rig.lines.counters()) == ((), {})
        await rig.supervisor.stop_all()

    virtual(main)


def test_what_a_driver_can_do_it_does(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, Able, LINE, METER)
        rig.lines.start()
        await settle()
        assert (await rig.lines.read("meter")).device == "meter"
        await rig.lines.write(Write("meter", "coil", True))
        assert rig.made[0].devices == ["meter", "meter.coil"]
        assert rig.lines.frames("meter") == ["01 02"]
        assert rig.lines.counters()["bus"]["meter"] == {"polls": 1}
        async with rig.lines.at_rest("bus") as settings:
            assert (settings.name, rig.made[0].running) == ("bus", 0)
        await settle()
        assert rig.made[0].running == 1
        await rig.supervisor.stop_all()

    virtual(main)


def test_a_line_without_devices_has_no_driver_and_may_be_searched(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, Listener, LINE)
        rig.lines.start()
        assert rig.supervisor.names() == []
        assert scannable(rig.site(LINE), "bus").name == "bus"

    virtual(main)


class Tired(Listener):
    """A driver that does not get on."""

    def on_time(self) -> bool:
        return False


def test_a_driver_that_no_longer_gets_on_is_made_anew_and_only_it(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, Listener, LINE, METER, OTHER, SECOND.replace('"bus"', '"hall"'))
        rig.kinds["bus"] = Tired
        rig.lines.start()
        await settle()
        del rig.kinds["bus"]
        await asyncio.sleep(30)
        assert [(type(driver), driver.devices, driver.running) for driver in rig.made] == [
            (Tired, ["meter"], 0), (Listener, ["second"], 1), (Listener, ["meter"], 1)
        ]  # fmt: skip
        assert rig.lines.driver_of("meter") is rig.made[2]
        await rig.supervisor.stop_all()

    virtual(main)
