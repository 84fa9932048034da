"""Which function takes which bytes of a wearable apart, for `courtyard decode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from courtyard.drivers.ble.adverts.dissect import dissect_bthome, dissect_eddystone, dissect_ibeacon
from courtyard.drivers.ble.gatt.dissect import PROTOCOL, dissect
from courtyard.drivers.dissection import Dissection

DISSECTORS: Mapping[str, Callable[[bytes], Dissection]] = {
    PROTOCOL: dissect,
    "bthome": dissect_bthome,
    "ibeacon": dissect_ibeacon,
    "eddystone": dissect_eddystone,
}
"""`ble-gatt` begins with the UUID of the characteristic as it is written: `2A37 06 48`."""
