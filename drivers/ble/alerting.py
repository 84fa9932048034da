"""A wearable buzzes or blinks, so that its wearer knows that somebody has heard the call.

Source: Bluetooth SIG, Immediate Alert Service 1.0: the alert lasts until another level is written or the link ends.
"""

from __future__ import annotations

import asyncio

from courtyard.drivers.base import Alert, DriverError
from courtyard.drivers.ble.faults import wearable_fault
from courtyard.drivers.ble.radio import Link

IMMEDIATE_ALERT, ALERT_LEVEL = 0x1802, 0x2A06
LEVELS = {"mild": b"\x01", "high": b"\x02"}
SILENT = b"\x00"
WITHIN_S = 30.0
"""From the wish to the first buzz; then it is given up."""
ATTEMPTS, RETRY_S = 3, 1.0


async def buzz(link: Link, device: str, alert: Alert) -> None:
    """Raises LinkFailed, and DriverError where the device has no such service.  A link that ends meanwhile ends the
    alert as well, so that is no failure."""
    if ALERT_LEVEL not in link.characteristics:
        raise DriverError(wearable_fault("alert_missing", device), device)
    await link.write(ALERT_LEVEL, LEVELS[alert.level])
    if not alert.stop:
        return
    try:
        async with asyncio.timeout(alert.for_s):
            await link.lost.wait()
    except TimeoutError:
        await link.write(ALERT_LEVEL, SILENT)
