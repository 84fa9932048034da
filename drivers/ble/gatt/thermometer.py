"""Temperature Measurement 2A1C and Intermediate Temperature 2A1E of a health thermometer.

Source: Bluetooth SIG GATT Specification Supplement, Temperature Measurement, Temperature Type.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from courtyard.drivers.base import Text
from courtyard.drivers.ble.layout import DATE_TIME, FLOAT, U8, Field, Layout, codes
from courtyard.drivers.ble.observation import DOUBTFUL, Draft, Observation, converted

_FAHRENHEIT, _TIME, _TYPE = 0x01, 0x02, 0x04
SITES = {
    1: Text("armpit", "腋下"),
    2: Text("body", "体表"),
    3: Text("ear", "耳部"),
    4: Text("finger", "手指"),
    5: Text("gastrointestinal", "胃肠"),
    6: Text("mouth", "口腔"),
    7: Text("rectum", "直肠"),
    8: Text("toe", "脚趾"),
    9: Text("eardrum", "鼓膜"),
}
FEVER_SITES = frozenset({0, 1, 2, 3, 5, 6, 7, 9})
"""Where the body's own temperature is taken; 0 is a thermometer that does not say.  A finger or a toe is colder."""


def _flags(flags: int) -> Text:
    return Text("Fahrenheit", "华氏") if flags & _FAHRENHEIT else Text("Celsius", "摄氏")


LAYOUT = Layout(
    Text("temperature measurement", "体温测量"),
    "GATT Specification Supplement, Temperature Measurement",
    (
        Field("flags", Text("flags", "标志"), U8, meaning=_flags),
        Field("temperature", Text("temperature, Cel", "温度，摄氏度"), FLOAT, unless=_FAHRENHEIT),
        Field("temperature", Text("temperature, [degF]", "温度，华氏度"), FLOAT, when=_FAHRENHEIT),
        Field("time", Text("time stamp", "时间戳"), DATE_TIME, when=_TIME),
        Field("site", Text("temperature type", "测量部位"), U8, when=_TYPE, meaning=codes(SITES)),
    ),
)


def observe(fields: dict[str, Any]) -> Observation:
    """The body's temperature in Celsius; in doubt when taken where it says little of the body."""
    celsius = fields["temperature"]
    if fields["flags"] & _FAHRENHEIT:
        celsius = converted(celsius, Decimal(5) / 9, Decimal(-32))
    site = fields.get("site", 0)
    draft = Draft()
    draft.put("vital.temperature", celsius, None if site in FEVER_SITES else DOUBTFUL)
    if site in SITES:
        draft.details["site"] = SITES[site].en
    return draft.done(fields.get("time"))


def observe_intermediate(fields: dict[str, Any]) -> Observation:
    """A temperature on its way up: always in doubt."""
    final = observe(fields)
    quality = {point: final.quality.get(point, DOUBTFUL) for point in final.values}
    return Observation(final.values, quality, final.events, final.local_time, final.details)
