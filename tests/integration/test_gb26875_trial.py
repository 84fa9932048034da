"""A fire-control centre that is tried: a heartbeat and nothing else, and what is wrong in words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from courtyard.agent.uplinks.gb26875.trial import try_centre
from courtyard.config.station import Station
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import DriverError
from hw_sim.centre import Centre
from hw_sim.ports import free_port
from tests.gateway_rig import START_MS
from tests.uplink_rig import realtime

ZONE = ZoneInfo("Asia/Shanghai")


def centre_at(port: int, scheme: str = "tcp") -> Uplink:
    return Uplink("centre", f"{scheme}://127.0.0.1:{port}", format="gb26875", station=Station(1144201745))


@realtime
@pytest.mark.parametrize("udp", [False, True])
async def test_a_centre_confirms_a_heartbeat_and_gets_no_report(udp: bool) -> None:
    centre = await Centre().open(udp=udp)
    assert await try_centre(centre_at(centre.port, "udp" if udp else "tcp"), ZONE, START_MS) >= 0
    assert centre.reports == []
    assert centre.errors == []
    await centre.close()


@realtime
async def test_a_silent_centre_is_told_from_one_that_refuses_and_one_that_is_not_there() -> None:
    centre = await Centre().open()
    centre.set_mood(["silent"])
    with pytest.raises(DriverError) as silent:
        await try_centre(centre_at(centre.port), ZONE, START_MS, timeout_s=0.3)
    assert silent.value.fault.code == "uplink.gb26875.trial.silent"
    centre.set_mood(["deny"])
    with pytest.raises(DriverError) as denied:
        await try_centre(centre_at(centre.port), ZONE, START_MS)
    assert denied.value.fault.code == "uplink.gb26875.trial.denied"
    await centre.close()
    with pytest.raises(DriverError) as absent:
        await try_centre(centre_at(free_port()), ZONE, START_MS)
    assert absent.value.fault.code == "line.tcp.refused"
    assert "centre's operator" in absent.value.fault.cure.en
