"""A secret never survives redaction, and redaction leaves everything else alone."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.config.redact import MASK, SHORTEST_SECRET, Redactor, is_secret_name

# Text next to a mask can only re-form a secret that has the mask's own character in it.
texts = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=40)
secrets = st.text(
    st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=SHORTEST_SECRET, max_size=40
)


@given(before=texts, secret=secrets, after=texts)
def test_a_known_secret_never_survives(before: str, secret: str, after: str) -> None:
    redact = Redactor([secret])
    for spelling in (
        secret,
        urllib.parse.quote(secret, safe=""),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        base64.b64encode(secret.encode()).decode(),
    ):
        assert spelling not in redact(before + spelling + after)


@given(first=secrets, second=secrets, glue=texts)
def test_secrets_that_contain_each_other_are_masked_whole(first: str, second: str, glue: str) -> None:
    shown = Redactor([first, first + second])(first + second + glue + first)
    assert first not in shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("mqtts://gw-0007:p@ss:w0rd@platform.example:8883", "mqtts://gw-0007:***@platform.example:8883"),
        ("rtsp://admin:12345@10.0.0.9/stream", "rtsp://admin:***@10.0.0.9/stream"),
        ("http://host/x?user=a&pass=b&z=1", "http://host/x?user=a&pass=***&z=1"),
        ("password=hunter2, retry", "password=***, retry"),
        ('{"token": "a b \\" c", "n": 1}', '{"token": ***, "n": 1}'),
        ("mqttPassword: 'it is long'", "mqttPassword: ***"),
        ("API-KEY=abc api_key: def", "API-KEY=*** api_key: ***"),
        ("Authorization: Basic Z3c6cHc=", "Authorization: Basic ***"),
        ("sent Bearer abcdefgh.ijk-lm", "sent Bearer ***"),
        ('<wsse:Password Type="x#Digest">abc=</wsse:Password>', '<wsse:Password Type="x#Digest">***</wsse:Password>'),
        ("-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nok", "***\nok"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "***"),
    ],
)
def test_the_shapes_of_secrets(said: str, shown: str) -> None:
    assert Redactor()(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "password_file = secrets/community",
        "the password is wrong",
        "passed: 12 tests; compass: north",
        "GET http://host:8080/path@2 failed",
        "token bucket is empty",
        "wm-b03-u02-601 is silent since 2026-11-22T06:30:15.412Z",
    ],
)
def test_ordinary_words_stay(said: str) -> None:
    assert Redactor()(said) == said


def test_a_secret_too_short_to_be_one_does_not_destroy_the_text() -> None:
    redact = Redactor(["1", ""])
    assert redact("line 1 of 11") == "line 1 of 11"
    assert redact("password=1") == f"password={MASK}"


def test_learning_takes_effect_at_once() -> None:
    redact = Redactor()
    assert redact("opensesame") == "opensesame"
    redact.learn(["opensesame"])
    assert redact("opensesame") == MASK


@pytest.mark.parametrize(
    ("name", "secret"),
    [("password", True), ("mqtt_password", True), ("api_key", True), ("tokens", True), ("Authorization", True),
     ("password_file", False), ("device", False), ("", False)],
)  # fmt: skip
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    "unit",
    ["password", "password=", "://a:", "<", "<a", "a", "authorization:", '"\\', "-----BEGIN PRIVATE KEY-----", " "],
)
def test_no_text_makes_it_slow(unit: str) -> None:
    redact = Redactor(["some secret"])
    started = time.process_time()
    redact(unit * (200_000 // len(unit)))
    assert time.process_time() - started < 2
