"""Which of forty is it?  A device that can buzz or blink does so for a person who looks for it.

Invariants
1. One device gives one sign at a time, and at most one every PAUSE_S.
2. Only what the profile says it can is asked of a device; a fire panel or a meter is never written to for this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from courtyard.drivers.base import Alert, Alerts, Driver, DriverError, Fault, Text

SIGN: Final = Alert("high", 5.0, stop=True)
PAUSE_S: Final = 10.0
"""A battery that is asked without end is soon empty."""
CANNOT: Final = Fault(
    "device.no_sign",
    Text("This device can neither buzz nor blink.", "此设备不能振动、蜂鸣或闪烁。"),
    Text(
        "Compare its id on the label, or its values on the page with its display.",
        "请核对标签上的编号，或将页面上的数值与设备显示对照。",
    ),
)
JUST_NOW: Final = Fault(
    "device.sign_busy",
    Text("This device gives a sign already, or has just given one.", "此设备正在提示或刚刚提示过。"),
    Text("Look and listen; try again in ten seconds.", "请注意观察和聆听；十秒后可重试。"),
)


class Identification:
    """Signs of the devices of one gateway.  Used from the event loop only."""

    def __init__(self, driver_of: Callable[[str], Driver], now_s: Callable[[], float] = time.monotonic) -> None:
        """`driver_of` raises DriverError."""
        self._driver_of, self._now_s = driver_of, now_s
        self._free_at: dict[str, float] = {}

    def able(self, device: str) -> bool:
        """Whether this device can give a sign."""
        try:
            driver = self._driver_of(device)
        except DriverError:
            return False
        return isinstance(driver, Alerts) and driver.alerting(device)

    async def show(self, device: str) -> None:
        """Returns when the device has buzzed for SIGN.for_s.  Raises DriverError, within bounded time."""
        driver = self._driver_of(device)
        if not isinstance(driver, Alerts) or not driver.alerting(device):
            raise DriverError(CANNOT, device)
        now = self._now_s()
        self._free_at = {name: at for name, at in self._free_at.items() if at > now}
        if device in self._free_at:
            raise DriverError(JUST_NOW, device)
        self._free_at[device] = float("inf")
        try:
            await driver.alert(device, SIGN)
        finally:
            self._free_at[device] = self._now_s() + PAUSE_S
