"""Whatever a driver says, what goes onto the wire is fit for it."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.normalise import EXACT, MAX_TEXT, Installed, encode_reading
from courtyard.agent.records import not_durable
from courtyard.agent.schemas import schemas
from courtyard.drivers.base import Reading
from tests.gateway_rig import examples

RECORD = {**schemas()["reading"], "required": ["device", "place", "at", "mono_ms", "clock", "values"]}
VALIDATOR = jsonschema.Draft202012Validator(RECORD)
scalar = (
    st.none() | st.floats() | st.integers() | st.booleans() | st.text() | st.sampled_from((-0.0, 0.0, 1e308, 5e-324))
)
reason = st.sampled_from(("bad:comm", "bad:range", "uncertain:stale", "uncertain:unverified"))


@settings(max_examples=examples(120), deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), scalar),
    st.dictionaries(st.sampled_from("abcdefgh"), reason),
    st.integers(),
)
def test_every_reading_becomes_a_valid_record(values: dict[str, Any], quality: dict[str, str], at_ms: int) -> None:
    body = encode_reading(Reading("wm-1", at_ms, 0, values, quality), Installed("370213/005/012/0007", 1), "synced")
    record = json.loads(body, parse_constant=_not_json)
    assert list(VALIDATOR.iter_errors(record)) == []
    assert set(record["values"]) == set(values)
    told = record.get("quality", {})
    assert set(told) <= set(values)
    for point, value in record["values"].items():
        assert (value is None) == told.get(point, "").startswith("bad:")
        if isinstance(value, float):
            assert math.isfinite(value)
            assert math.copysign(1, value) > 0 or value != 0
        if isinstance(value, int):
            assert abs(value) <= EXACT
        if isinstance(value, str):
            assert len(value) <= MAX_TEXT
        if told.get(point, "").startswith("bad:") or point not in quality:
            continue
        assert told[point] == quality[point]
        assert value == values[point] or isinstance(value, str)
    assert json.loads(not_durable(body))["durable"] is False


def _not_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
