"""What of a resident's health data is judged, recorded and summed up."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from courtyard.agent.care.discretion import MINUTE_MS, NOTICEABLE, Discretion
from courtyard.config.care import Resident
from courtyard.config.catalogue import product_catalogue
from courtyard.drivers.base import Reading, Scalar

BAND = "band-017"


def discretion(report: str = "minutes", agrees: bool = True, **settings: Any) -> Discretion:
    resident = msgspec.convert({"id": "r-017", "wearables": [BAND], "report": report, **settings}, Resident)
    return Discretion([resident], lambda name: agrees and name == "r-017")


def reading(values: dict[str, Scalar | None], at_ms: int = 0, device: str = BAND, **quality: str) -> Reading:
    named = {point.replace("__", "."): reason for point, reason in quality.items()}
    return Reading(device, 1_795_329_015_000 + at_ms, at_ms, values, named)


def test_other_devices_pass_as_they_are() -> None:
    other = reading({"vital.heart_rate": 70.0}, device="trolley")
    assert discretion(agrees=False).judged(other) is other
    assert discretion(agrees=False).recorded(other) is other


def test_without_consent_only_what_is_no_vital_sign_is_used() -> None:
    private = discretion(agrees=False)
    mixed = reading({"vital.heart_rate": 70.0, "battery.level": 80.0}, vital__heart_rate="uncertain:unverified")
    for seen in (private.judged(mixed), private.recorded(mixed)):
        assert seen is not None
        assert seen.values == {"battery.level": 80.0}
        assert seen.quality == {}
    seen = private.judged(reading({"vital.heart_rate": 70.0}))
    assert seen is not None  # the band is there, whatever it says
    assert (seen.values, seen.quality) == ({}, {})
    assert private.due(0, 10 * MINUTE_MS) == []


def test_a_minute_is_told_as_mean_least_and_greatest_of_its_good_values() -> None:
    private = discretion()
    for second, value in enumerate((70.0, 74.0, 72.5)):
        assert private.recorded(reading({"vital.heart_rate": value}, second * 1000)) is None
    private.recorded(reading({"vital.heart_rate": None}, 3000, vital__heart_rate="bad:contact"))
    private.recorded(reading({"vital.heart_rate": 240.0}, 4000, vital__heart_rate="uncertain:unverified"))
    assert private.due(7, MINUTE_MS - 1) == []
    assert private.due(7, MINUTE_MS) == [
        Reading(
            BAND,
            7,
            MINUTE_MS,
            {
                "vital.heart_rate.minute_mean": 72.17,
                "vital.heart_rate.minute_min": 70.0,
                "vital.heart_rate.minute_max": 74.0,
            },
        )
    ]
    assert private.due(8, 5 * MINUTE_MS) == []


def test_every_point_of_a_summary_is_in_the_catalogue() -> None:
    private, catalogue = discretion(), product_catalogue()
    private.recorded(reading(dict.fromkeys(NOTICEABLE, 50.0)))
    (summary,) = private.due(0, MINUTE_MS)
    assert len(summary.values) == 3 * len(NOTICEABLE)
    assert set(summary.values) <= set(catalogue)


def test_changes_are_told_when_they_are_noticeable() -> None:
    private = discretion("changes")

    def told(value: float) -> bool:
        return private.recorded(reading({"vital.heart_rate": value})) is not None

    assert [told(value) for value in (70.0, 74.0, 75.0, 71.0, 70.0)] == [True, False, True, False, True]


def test_withdrawn_consent_forgets_the_present_minute() -> None:
    agrees = {"r-017"}
    resident = Resident("r-017", wearables=(BAND,))
    private = Discretion([resident], agrees.__contains__)
    private.recorded(reading({"vital.heart_rate": 70.0}))
    agrees.clear()
    assert private.due(0, MINUTE_MS) == []
    agrees.add("r-017")
    assert private.due(0, 2 * MINUTE_MS) == []


def test_a_device_taken_from_a_resident_leaves_nothing_behind() -> None:
    private = discretion()
    private.recorded(reading({"vital.heart_rate": 70.0}))
    private.adjust([])
    assert private.due(0, MINUTE_MS) == []
    assert not private.concerns(BAND)


@given(
    report=st.sampled_from(["alarms", "changes", "minutes"]),
    agrees=st.booleans(),
    values=st.lists(
        st.dictionaries(
            st.sampled_from(["vital.heart_rate", "vital.spo2", "battery.level"]),
            st.one_of(st.none(), st.floats(0, 300), st.booleans(), st.text(max_size=3)),
            max_size=3,
        ),
        max_size=20,
    ),
)
def test_no_raw_vital_sign_is_recorded_unless_changes_are_wanted_and_agreed(
    report: str, agrees: bool, values: list[dict[str, Scalar | None]]
) -> None:
    private = discretion(report, agrees)
    for number, each in enumerate(values):
        recorded = private.recorded(reading(each, number * 1000))
        raw = [] if recorded is None else [point for point in recorded.values if point.startswith("vital.")]
        assert not raw or (report == "changes" and agrees)
        kept = {} if recorded is None else recorded.values
        assert all(kept[point] is each[point] for point in each if not point.startswith("vital."))
    summaries = private.due(0, 10**9)
    assert not summaries or (report == "minutes" and agrees)
