"""Writes to what a profile allows, confirmed by the device and read back."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from courtyard.drivers.base import DriverError, Scalar, Write
from courtyard.drivers.modbus.faults import FAILURE_FAULTS, device_fault, refused_fault
from courtyard.drivers.modbus.frames import write_request
from courtyard.drivers.modbus.link import Ask, Failure, Link, NotYet, Record, Refused, Unanswered
from courtyard.drivers.modbus.reads import Read
from courtyard.drivers.modbus.settings import ModbusDevice, WriteTarget

READ_BACK_EVERY_S = 0.5
ILLEGAL_FUNCTION = 1
READ_FUNCTION = {"coil": 1, "register": 3}


class Allowed(NamedTuple):
    """A write that the profile allows."""

    target: WriteTarget
    value: int


async def write_target(device: ModbusDevice, allowed: Allowed, link: Link, record: Record) -> None:
    """Returns when the device has confirmed.  Raises DriverError, or LineDown.

    Functions 5 and 6; 15 and 16 where the device knows only those.  Repeating such a write does no harm, so an
    unconfirmed one is repeated; what counts in the end is the value that reads back, where it can be read.
    """
    target, value = allowed
    unconfirmed = await _send(device, target, value, link, record)
    if target.read_back:
        found = await _read_back(device, target, value, link, record)
        if found == value:
            return
        if found is not None:
            details = {"device": device.id, "target": target.name, "value": value, "found": found}
            raise DriverError(device_fault("device.write.unconfirmed", **details), device.id)
    if unconfirmed is not None:
        raise unconfirmed


async def _send(
    device: ModbusDevice, target: WriteTarget, value: int, link: Link, record: Record
) -> DriverError | None:
    """None when the device confirmed, else what to say if reading back tells nothing."""
    multiple = False
    failure: Failure = "silent"
    for _ in range(device.profile.retries + 2):
        request = write_request(device.address, target.kind, target.address, value, multiple=multiple)
        try:
            await link.write(request, device.profile, record)
        except Refused as refused:
            if refused.code != ILLEGAL_FUNCTION or multiple:
                raise DriverError(refused_fault(device.address, refused.code, (target.name,)), device.id) from refused
            multiple = True
        except Unanswered as unanswered:
            failure = unanswered.failure
        else:
            return None
    return _unanswered(device, failure)


async def _read_back(device: ModbusDevice, target: WriteTarget, value: int, link: Link, record: Record) -> int | None:
    """What the device holds, at the latest when it should have settled; None when it refuses to say.

    Raises DriverError when it does not answer.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + target.settle_s
    ask = Ask(device.address, Read(READ_FUNCTION[target.kind], target.address, 1), device.profile, record)
    found: int | None = None
    failure: Failure | None = None
    while True:
        try:
            payload = await link.read(ask)
        except Refused:
            return None
        except Unanswered as unanswered:
            failure = unanswered.failure
        except NotYet as early:
            deadline = max(deadline, early.until)
        else:
            found, failure = payload[0] & 1 if target.kind == "coil" else int.from_bytes(payload, "big"), None
            if found == value:
                return found
        wait_s = min(READ_BACK_EVERY_S, deadline - loop.time())
        if wait_s <= 0:
            break
        await asyncio.sleep(wait_s)
    if found is None:
        raise _unanswered(device, failure or "silent")
    return found


def allowed(device: ModbusDevice, write: Write) -> Allowed:
    """What to write where.  Raises DriverError for a target or value that the profile does not allow."""
    target = _target(device, write)
    return Allowed(target, _value(target, write))


def _unanswered(device: ModbusDevice, failure: Failure) -> DriverError:
    details = {"unit": device.address, "timeout_s": device.profile.timeout_s}
    return DriverError(device_fault(FAILURE_FAULTS[failure], **details), device.id)


def _target(device: ModbusDevice, write: Write) -> WriteTarget:
    for target in device.profile.writes:
        if target.name == write.target:
            return target
    known = ", ".join(target.name for target in device.profile.writes) or "-"
    details = {"device": device.id, "target": write.target, "known": known}
    raise DriverError(device_fault("device.write.unknown", **details), device.id)


def _value(target: WriteTarget, write: Write) -> int:
    """The register content for a value.  Raises DriverError for one that is not allowed."""
    value: Scalar = write.value
    low, high = (0, 1) if target.kind == "coil" else (target.minimum, target.maximum)
    if isinstance(value, int) and low <= value <= high:
        return int(value)
    details = {"device": write.device, "target": target.name, "value": value, "low": low, "high": high}
    raise DriverError(device_fault("device.write.value", **details), write.device)
