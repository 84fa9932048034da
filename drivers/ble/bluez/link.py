"""One connection through bleak: a client of its own, closed for good.

A client that is used again after a lost link doubles every notification; a Connect may never be answered; and a client
of a bluetoothd that died believes for ever that it is connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode
from dbus_fast import DBusError

from courtyard.drivers.ble.alerting import ALERT_LEVEL, IMMEDIATE_ALERT
from courtyard.drivers.ble.bluez.pace import PAUSE_S, unpaced
from courtyard.drivers.ble.gatt.characteristics import short_uuid
from courtyard.drivers.ble.radio import LinkFailed, NotPaired

CONNECT_S = 10.0
ANSWER_S = 5.0
CLOSE_S = 4.0
"""bluetoothd takes up to 2.6 s."""
GRACE_S = 2.0
SERVICE_OF = {ALERT_LEVEL: IMMEDIATE_ALERT}
"""Characteristics that several services have, and the one that is meant: Link Loss has an Alert Level of its own."""
TROUBLES = (BleakError, DBusError, OSError, EOFError, TimeoutError, KeyError, AssertionError)
"""What bleak raises when the stack goes away under it: its own errors, D-Bus errors, and slips of its bookkeeping."""
SECURITY = frozenset(
    (
        BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
        BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
        BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
        BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
    )
)
T = TypeVar("T")


async def bounded(work: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The result of `work`, within `timeout_s` and a short grace.  Raises LinkFailed, or what cancels it.

    bleak answers a cancellation by calls of its own, which a stack that hangs does not answer either: so it is
    cancelled twice.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=timeout_s)
    finally:
        for _ in range(2):
            if not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=GRACE_S)
    if task.cancelled() or not task.done():
        raise LinkFailed("no answer in time")
    error = task.exception()
    if _not_paired(error):
        raise NotPaired("not paired") from error
    if isinstance(error, TROUBLES):
        raise LinkFailed(str(error) or type(error).__name__) from error
    return task.result()


def _not_paired(error: BaseException | None) -> bool:
    if isinstance(error, BleakDBusError):
        return error.dbus_error.endswith(".NotPermitted") and error.dbus_error_details == "Not paired"
    return isinstance(error, BleakGATTProtocolError) and error.code in SECURITY


class BluezLink:
    """A `Link` of `radio`; made by `connect`."""

    def __init__(self, device: BLEDevice, adapter: str) -> None:
        self.lost = asyncio.Event()
        self._client = BleakClient(
            device, disconnected_callback=lambda _: self.lost.set(), timeout=CONNECT_S, bluez={"adapter": adapter}
        )
        self._characteristics: dict[int, BleakGATTCharacteristic] = {}
        self._unpaced = ExitStack()

    async def connect(self, timeout_s: float = CONNECT_S) -> BluezLink:
        """Raises LinkFailed; nothing of it is left then."""
        self._unpaced.enter_context(unpaced())
        try:
            await asyncio.sleep(PAUSE_S)
            await bounded(self._client.connect(), timeout_s)
            for service in self._client.services:
                for characteristic in service.characteristics:
                    uuid = short_uuid(characteristic.uuid)
                    if uuid is not None and SERVICE_OF.get(uuid) in (None, short_uuid(service.uuid)):
                        self._characteristics.setdefault(uuid, characteristic)
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def characteristics(self) -> Collection[int]:
        return self._characteristics

    async def subscribe(self, uuid: int, told: Callable[[bytes], None]) -> None:
        def notified(_: BleakGATTCharacteristic, value: bytearray) -> None:
            if not self.lost.is_set():
                told(bytes(value))

        await bounded(self._client.start_notify(self._characteristics[uuid], notified), ANSWER_S)

    async def read(self, uuid: int) -> bytes:
        return bytes(await bounded(self._client.read_gatt_char(self._characteristics[uuid]), ANSWER_S))

    async def write(self, uuid: int, data: bytes) -> None:
        confirmed = "write" in self._characteristics[uuid].properties
        await bounded(self._client.write_gatt_char(self._characteristics[uuid], data, response=confirmed), ANSWER_S)

    async def close(self) -> None:
        self.lost.set()
        try:
            await bounded(self._client.disconnect(), CLOSE_S)
        except LinkFailed:
            return  # it is lost already; the client's D-Bus connection is closed in any case
        finally:
            self._unpaced.close()
