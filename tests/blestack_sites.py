"""Sites with wearables: a good one, and what can be wrong with one; « marks where the mistake must be found."""

from __future__ import annotations

from tests.config_rig import BOARD, GOOD, METER

SPACE = "00112233-4455-6677-8899-AABBCCDDEEFF"
RADIO = '[[lines]]\nname = "air"\nkind = "ble"\n'
BAND = (
    '[[devices]]\nid = "band"\nprofile = "wearable/heart-rate-band"\nline = "air"\naddress = "C0:FF:EE:00:00:01"\n'
    'place = "b03/u02/f06/r601"\n'
)
SEALED = BAND.replace("heart-rate-band", "bthome-button-encrypted")
BEACON = BAND.replace("heart-rate-band", "beacon-button")
RULED = BEACON + f'beacon = {{ normal = "{SPACE}/3/1", alarm = "{SPACE}/3/2" }}\n'
KEY = "231d39c1d7cc1ab1aee224cd096db932"


def with_wearables(*devices: str) -> str:
    """The good site with a Bluetooth line and these devices."""
    return "\n".join([GOOD, RADIO, *devices])


MISTAKES: dict[str, tuple[str, dict[str, str]]] = {
    "device.unit_wanted": (GOOD.replace(BOARD, BOARD.replace("address = 2", 'address = «"C0:FF:EE:00:00:01"')), {}),
    "device.wrong_line": (with_wearables(BAND, METER.replace('"meter"', '"other"').replace('"bus"', '«"air"')), {}),
    "wearable.address": (with_wearables(BAND.replace('"C0:FF:EE:00:00:01"', "«7")), {}),
    "wearable.no_key": (with_wearables(SEALED), {}),
    "wearable.wrong_key": (with_wearables(SEALED + 'key_file = «"key"\n'), {"key": KEY[1:]}),
    "wearable.no_beacon": (with_wearables(BEACON), {}),
    "wearable.same_beacon": (with_wearables(RULED.replace('alarm = "', 'alarm = «"').replace("/3/2", "/3/1")), {}),
    "wearable.unused": (with_wearables(BAND + "«options = { gain = 2 }\n"), {}),
    "wearable.none": (GOOD.replace(METER, METER + '«key_file = "key"\n'), {"key": KEY}),
}
