"""Which function takes which bytes of a wearable apart, for `courtyard decode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from courtyard.drivers.ble.adverts.dissect import dissect_bthome, dissect_eddystone, dissect_ibeacon
from courtyard.drivers.ble.adverts.dissect_vendors import (
    dissect_battery,
    dissect_blueup,
    dissect_mibeacon,
    dissect_minew,
    dissect_minew_door,
)
from courtyard.drivers.ble.gatt.dissect import PROTOCOL, dissect
from courtyard.drivers.dissection import Dissection

DISSECTORS: Mapping[str, Callable[[bytes], Dissection]] = {
    PROTOCOL: dissect,
    "bthome": dissect_bthome,
    "ibeacon": dissect_ibeacon,
    "eddystone": dissect_eddystone,
    "mibeacon": dissect_mibeacon,
    "minew": dissect_minew,
    "minew-door": dissect_minew_door,
    "blueup": dissect_blueup,
    "battery": dissect_battery,
}
"""`ble-gatt` begins with the UUID of the characteristic as it is written: `2A37 06 48`."""
