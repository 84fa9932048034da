"""What the site says about one device that advertises; apart from what takes advertisements, which a site without
wearables does not load."""

from __future__ import annotations

import msgspec

from courtyard.drivers.ble.adverts.beacon_rule import BeaconRule


class Setup(msgspec.Struct, frozen=True):
    """What the site says about one device.

    `address` has six bytes, most significant first.  `calls` turns ways of pressing (`press`, `long_press`) into
    calls for help (`sos`, `fall`).  A counter below `restarts_below` may come after a higher one: such devices begin
    anew with a fresh battery, and an old recording of theirs below it can then be played back.
    """

    address: bytes
    key: bytes | None = None
    calls: dict[str, str] = {}
    rule: BeaconRule | None = None
    restarts_below: int = 0
