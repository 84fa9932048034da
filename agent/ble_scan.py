"""What wearables are around: by the driver that owns the adapter, or by one made for the purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from courtyard.agent.candidates import library
from courtyard.drivers.base import Clock, DriverError, Fault, Reading, Signal
from courtyard.drivers.ble.faults import adapter_fault
from courtyard.drivers.ble.settings import WearableProfile

if TYPE_CHECKING:
    from courtyard.drivers.ble.watching import Sighting, Watching

LOOK_S = 0.5
LONGEST_S = 300.0
START_S = 10.0


class Watches(Protocol):
    """A driver that can tell what is around."""

    watching: Watching


class _NoSink:
    """Takes nothing but the state of the line."""

    def __init__(self) -> None:
        self.said = asyncio.Event()
        self.fault: Fault | None = None

    def reading(self, reading: Reading) -> None:
        return

    async def signal(self, signal: Signal) -> None:
        return

    def health(self, subject: str, fault: Fault | None) -> None:
        self.fault = fault
        self.said.set()


@asynccontextmanager
async def own_driver(adapters: Sequence[str], clock: Clock) -> AsyncIterator[Watches]:
    """A driver without devices.  Raises DriverError when no adapter can be used."""
    from courtyard.drivers.ble.bluez.radio import BluezRadio
    from courtyard.drivers.ble.driver import BleDriver

    if not adapters:
        raise DriverError(adapter_fault("no_adapter", "hci0"), "scan")
    sink, driver = _NoSink(), BleDriver("scan", (), {adapter: BluezRadio(adapter) for adapter in adapters}, clock)
    running = asyncio.ensure_future(driver.run(sink))
    try:
        async with asyncio.timeout(START_S):
            await sink.said.wait()
        if sink.fault is not None and all(station.fault for station in driver.stations):
            raise DriverError(sink.fault, adapters[0])
        yield driver
    finally:
        running.cancel()
        await asyncio.wait((running,))


async def looks(driver: Watches, seconds: float, profiles: Mapping[str, WearableProfile]) -> AsyncIterator[list[Any]]:
    """What was seen so far, as plain data, twice a second for so long."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + min(max(seconds, LOOK_S), LONGEST_S)
    with driver.watching.watch():
        while (left_s := ends_s - loop.time()) > 0:
            await asyncio.sleep(min(LOOK_S, left_s))
            yield [as_data(sighting, profiles) for sighting in driver.watching.sightings()]


def as_data(sighting: Sighting, profiles: Mapping[str, WearableProfile]) -> dict[str, Any]:
    """One sighting with the profiles that it may be."""
    return {
        "address": sighting.address,
        "name": sighting.name,
        "rssi": sighting.rssi,
        "services": list(sighting.services),
        "adverts": list(sighting.families),
        "heard": sighting.adverts,
        "changes": sighting.changes,
        "presses": sighting.presses,
        "identities": list(sighting.identities),
        "guesses": guesses(sighting, profiles),
    }


def guesses(sighting: Sighting, profiles: Mapping[str, WearableProfile]) -> list[str]:
    """Names of profiles that send what was heard, the closest first."""

    def fit(profile: WearableProfile) -> int:
        services = len(set(profile.services) & set(sighting.services))
        return 2 * services + len(set(profile.adverts) & set(sighting.families))

    fits = {name: fit(profile) for name, profile in profiles.items()}
    return sorted((name for name, points in fits.items() if points), key=lambda name: (-fits[name], name))


def wearables(folders: Iterable[Path] = ()) -> dict[str, WearableProfile]:
    """Every profile of a wearable, by name; broken files are left out."""
    profiles = library(folders)
    loaded = {name: profiles.load(name) for name in profiles.names() if name.startswith("wearable/")}
    return {
        name: each.profile
        for name, each in loaded.items()
        if each is not None and isinstance(each.profile, WearableProfile)
    }
