"""What executes each kind, bound to the parts of the gateway through plain callables."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Final, NamedTuple

from courtyard.agent.alarms.acts import Acts
from courtyard.agent.commands.dispatcher import Data, Handler, Order
from courtyard.agent.commands.kinds import (
    Acknowledge,
    Clear,
    HoldOutput,
    ReadDevice,
    Received,
    Resend,
    Shelve,
    Silence,
    Sync,
    Unshelve,
    WriteTarget,
)
from courtyard.agent.normalise import fit
from courtyard.agent.records import instant
from courtyard.agent.refusal import Refusal
from courtyard.buffer import Appended
from courtyard.drivers.base import Reading, Scalar, Text

HOLDER: Final = "command"
"""Holder of every lease taken by a command, so that any operator may end what another began."""


class Ports(NamedTuple):
    """What handlers reach; each raises Refusal or DriverError in its own words."""

    acts: Acts
    wall_ms: Callable[[], int]
    sync: Callable[[], Awaitable[int]]
    """Sends all open alarms again; returns how many."""
    resend: Callable[[str, str, str, int, int], int]
    """Uplink, epoch, lane, first, last; returns how many records will come."""
    hold: Callable[[str, str, float], Awaitable[None]]
    """Output, holder, seconds; returns when the device has confirmed."""
    drop: Callable[[str, str], int]
    """Output, holder; returns how many leases ended."""
    silence: Callable[[str], int]
    """Alarm; returns how many outputs of escalations end."""
    read: Callable[[str], Awaitable[Reading]]
    write: Callable[[str, str, Scalar], Awaitable[None]]
    """Device, target, value; returns when the device has confirmed."""
    writable: Callable[[], Container[tuple[str, str]]]
    """Device and target of everything that the site lets commands write; outputs are never among it."""


def handlers(ports: Ports) -> Mapping[str, Handler]:
    """Handlers by kind."""
    acts = ports.acts

    async def acknowledge(args: Acknowledge, order: Order) -> asyncio.Future[Appended]:
        also = order.done({})
        return acts.acknowledge(args.alarm_id, order.person, args.reason, occurrence=args.occurrence, also=also)

    async def clear(args: Clear, order: Order) -> asyncio.Future[Appended]:
        return acts.clear(args.alarm_id, order.person, args.reason, occurrence=args.occurrence, also=order.done({}))

    async def shelve(args: Shelve, order: Order) -> asyncio.Future[Appended]:
        until_ms = ports.wall_ms() + round(args.for_s * 1000)
        also = order.done({"until": instant(until_ms)})
        return acts.shelve(args.alarm_id, order.person, args.reason, until_ms, also=also)

    async def unshelve(args: Unshelve, order: Order) -> asyncio.Future[Appended]:
        return acts.unshelve(args.alarm_id, f"{order.person}: {args.reason}", also=order.done({}))

    async def received(args: Received, order: Order) -> asyncio.Future[Appended]:
        return acts.received(order.arrival.via, args.alarm_id, args.occurrence, also=order.done({}))

    async def silence(args: Silence, order: Order) -> Data:
        return {"silenced": ports.silence(args.alarm_id)}

    async def sync(args: Sync, order: Order) -> Data:
        return {"count": await ports.sync()}

    async def resend(args: Resend, order: Order) -> Data:
        if order.arrival.local:
            raise Refusal("resend.local", Text("Only an uplink can ask for records.", "只有上行平台可以请求重发。"))
        count = ports.resend(order.arrival.via, args.epoch, args.lane, args.first, args.last)
        return {"count": count}

    async def output(args: HoldOutput, order: Order) -> Data:
        if args.action == "release":
            return {"released": ports.drop(args.output, HOLDER)}
        if args.ttl_s is None:
            raise Refusal("output.ttl", Text("A hold needs ttl_s.", "保持输出必须给出 ttl_s。"))
        await ports.hold(args.output, HOLDER, args.ttl_s)
        return {"for_s": args.ttl_s}

    async def read(args: ReadDevice, order: Order) -> Data:
        reading = await ports.read(args.device)
        values, quality = fit(reading.values, reading.quality)
        return {"at": instant(reading.at_ms), "values": values, "quality": {**quality}}

    async def write(args: WriteTarget, order: Order) -> Data:
        if (args.device, args.target) not in ports.writable():
            raise Refusal(
                "write.not_allowed",
                Text(
                    f"The site does not allow writing {args.target} of {args.device}.",
                    f"现场配置不允许写入 {args.device} 的 {args.target}。",
                ),
            )
        await ports.write(args.device, args.target, args.value)
        return {}

    return {
        "acknowledge": acknowledge,
        "clear": clear,
        "shelve": shelve,
        "unshelve": unshelve,
        "received": received,
        "silence": silence,
        "sync": sync,
        "resend": resend,
        "output": output,
        "read": read,
        "write": write,
    }
