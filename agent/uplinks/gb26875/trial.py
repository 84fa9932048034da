"""One connection to a fire-control centre, to see whether it answers: a heartbeat goes there, and nothing else.

A heartbeat says nothing of the site, so that no centre takes it for an alarm, a fault or a restart of this device.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from courtyard.agent.uplinks.faults import Words
from courtyard.agent.uplinks.gb26875.answers import local_now
from courtyard.agent.uplinks.gb26875.link import CentreLink, opener
from courtyard.config.station import Station
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import DriverError, Fault, Text
from courtyard.drivers.fire.gb26875 import device
from courtyard.drivers.fire.gb26875.frame import Link
from courtyard.drivers.lines.wire import Wire

PROTOCOL = "GB/T 26875.3"
SILENT = Words(
    "uplink.gb26875.trial.silent",
    "{url} can be reached, but confirmed no heartbeat in {seconds:g} s.",
    "可连接 {url}，但 {seconds:g} 秒内未收到对心跳的确认。",
    "Compare both addresses with what the centre has registered; centres keep silent towards devices that they do not "
    "know. Check that the port speaks GB/T 26875.3.",
    "请核对两个地址与中心登记的是否一致；中心对未登记的设备不作应答。并确认该端口使用 GB/T 26875.3 协议。",
)
SILENT_UDP = Words(
    "uplink.gb26875.trial.silent",
    "{url} confirmed no heartbeat in {seconds:g} s.",
    "{url} 在 {seconds:g} 秒内未确认心跳。",
    "Check host and port and that a firewall lets UDP through; compare both addresses with what the centre has "
    "registered: centres keep silent towards devices that they do not know.",
    "请检查主机和端口，并确认防火墙放行 UDP；核对两个地址与中心登记的是否一致：中心对未登记的设备不作应答。",
)
DENIED = Words(
    "uplink.gb26875.trial.denied",
    "The centre at {url} answers, but refuses this gateway.",
    "中心 {url} 有应答，但拒绝了本网关。",
    "Have the centre register the address of this gateway, and compare both addresses with the registration.",
    "请让中心登记本网关的源地址，并核对两个地址与登记一致。",
)

CURE = Text(
    "Check host and port of the address; ask the centre's operator whether it listens there, and whether a firewall "
    "lets this gateway through.",
    "请检查地址中的主机和端口，并向中心运维人员确认该端口已开放、防火墙已放行本网关。",
)


async def try_centre(settings: Uplink, zone: ZoneInfo, wall_ms: int, *, timeout_s: float = 15.0) -> int:
    """Milliseconds until a heartbeat was confirmed.  Raises DriverError with what is wrong."""
    station = settings.station or Station(1)
    addresses, began = Link(station.address, station.centre), time.monotonic()

    def beat(serial: int) -> bytes:
        return device.heartbeat(addresses, serial, local_now(zone, wall_ms))

    link = CentreLink(lambda message: None, lambda damage: None)
    try:
        async with asyncio.timeout(timeout_s):
            link.wire = await _opened(settings, link)
            try:
                answered = await _confirmed(link, beat)
            finally:
                link.wire.close()
    except TimeoutError as error:
        silent = SILENT_UDP if settings.url.startswith("udp:") else SILENT
        raise DriverError(silent.fault(url=settings.url, seconds=timeout_s)) from error
    if not answered:
        raise DriverError(DENIED.fault(url=settings.url))
    return round((time.monotonic() - began) * 1000)


async def _opened(settings: Uplink, link: CentreLink) -> Wire:
    """What is wrong with the way is told as the line tells it; what to do is another matter at a centre."""
    try:
        return await opener(settings.name, settings.url)(link)
    except DriverError as error:
        raise DriverError(Fault(error.fault.code, error.fault.what, CURE)) from error


async def _confirmed(link: CentreLink, beat: Callable[[int], bytes]) -> bool:
    """Whether the centre confirmed rather than refused.  Raises LinkLost."""
    runs, asks = asyncio.create_task(link.run()), asyncio.create_task(link.exchange("heartbeat", beat))
    try:
        await asyncio.wait((runs, asks), return_when=asyncio.FIRST_COMPLETED)
        if not asks.done():
            runs.result()
        return asks.result().reply is not None
    finally:
        runs.cancel()
        asks.cancel()
        await asyncio.wait((runs, asks))
