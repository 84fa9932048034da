"""Whatever stands in a site file, reading it ends with a site or with mistakes, never with an exception."""

from __future__ import annotations

import os
import random
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from courtyard.config.generate.example import example_text
from courtyard.config.generate.toml_text import key_text, value_text
from courtyard.config.present import as_data, present
from courtyard.config.read import Verdict, check_site
from tests.config_rig import GOOD

FULL = os.environ.get("COURTYARD_CAMPAIGN") == "full"
once_a_folder = settings(
    max_examples=3000 if FULL else 50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
CHARACTERS = "abz019_-.,=[]{}\"'#\\ \n\t“，＝［一\x00\ufeff"


def verdict_on(folder: Path, content: bytes) -> Verdict:
    """The verdict, after what must hold for every verdict."""
    path = folder / "site.toml"
    path.write_bytes(content)
    verdict = check_site(path)
    assert (verdict.snapshot is None) == bool(verdict.mistakes)
    lines = content.replace(b"\r\n", b"\n").count(b"\n") + 1
    for mistake in (*verdict.mistakes, *verdict.warnings):
        assert mistake.line is None or 1 <= mistake.line <= lines
        assert mistake.text.en
        assert mistake.text.zh
    for language in ("en", "zh-CN"):
        assert bool(present(verdict.mistakes, language)) == bool(verdict.mistakes)
    assert len(as_data(verdict.mistakes)) == len(verdict.mistakes)
    return verdict


@once_a_folder
@given(content=st.binary(max_size=300))
@example(content=b"\xef\xbb\xbf" + GOOD.encode())
@example(content=b"a = " + b"[" * 100_000)
@example(content=b"a = " + b"9" * 5000)
@example(content=b"[gateway]\r\nid = 'gw'\r\n")
@example(content=b"a = 1979-02-30")
@example(content=b"[lines]\n[[lines.x]]")
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    verdict_on(tmp_path, content)


@once_a_folder
@given(content=st.text(CHARACTERS, max_size=200))
def test_any_text_that_looks_like_toml(tmp_path: Path, content: str) -> None:
    verdict_on(tmp_path, content.encode())


@once_a_folder
@given(seed=st.integers(0, 2**32))
def test_a_good_file_with_typing_errors(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    text = chance.choice([GOOD, example_text()])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text))
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[at + chance.randint(1, 20) :]
            case 1:
                text = text[:at] + chance.choice(CHARACTERS) + text[at:]
            case 2:
                text = text[:at] + text[at : at + 40] * 2 + text[at + 40 :]
            case 3:
                lines = text.split("\n")
                chance.shuffle(lines[(start := chance.randrange(len(lines))) : start + 5])
                text = "\n".join(lines)
    verdict_on(tmp_path, text.encode())


values = st.recursive(
    st.one_of(
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.booleans(),
        st.text(CHARACTERS, max_size=8).filter(lambda text: "\x00" not in text),
        st.sampled_from(["60s", "b01", "water/bove", "../../etc", "mqtt://u:p@h", "serial", "*", "meter", "relay.1"]),
    ),
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.dictionaries(st.sampled_from(["point", "address", "type", "devices", "a b", ""]), children, max_size=3),
    ),
    max_leaves=5,
)


def slots(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of everything in the data."""
    found = [path] if path else []
    for key, item in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        found += slots(item, (*path, key))
    return found


@once_a_folder
@given(data=st.data())
def test_a_good_site_with_any_value_anywhere(tmp_path: Path, data: st.DataObject) -> None:
    site = tomllib.loads(GOOD)
    for path in data.draw(st.lists(st.sampled_from(slots(site)), min_size=1, max_size=3, unique=True)):
        table: Any = site
        try:
            for step in path[:-1]:
                table = table[step]
        except (KeyError, TypeError, IndexError):
            continue  # an earlier exchange took it away
        if isinstance(table, dict if isinstance(path[-1], str) else list):
            with suppress(IndexError):
                table[path[-1]] = data.draw(values)
    text = "".join(f"{key_text(key)} = {value_text(value)}\n" for key, value in site.items())
    verdict_on(tmp_path, text.encode())


@once_a_folder
@given(secret=st.text("abcXYZ0189!$%^&*()+~<>?", min_size=8, max_size=20), form=st.integers(0, 9))
def test_a_secret_in_the_file_is_never_shown(tmp_path: Path, secret: str, form: int) -> None:
    line = [
        f'password = "{secret}"',
        f"password = '{secret}'",
        f"password = {secret}",
        f'password = "{secret}',
        f"password = “{secret}”",
        f'password = """\n{secret}"""',
        f'api_token = ["{secret}"]',
        f'secret = {{ value = "{secret}" }}',
        f"MQTT_PASSWORD = '{secret}'",
        f"密码 = '{secret}'",
    ][form]
    verdict = verdict_on(tmp_path, GOOD.replace('name = "community"', f'name = "community"\n{line}').encode())
    assert verdict.mistakes
    shown = repr(verdict) + present(verdict.mistakes, "en") + repr(as_data(verdict.mistakes))
    assert secret not in shown


@pytest.mark.parametrize("form", ["mqtts://me:{}@h", "mqtt:/me:{}@h", "mqtts:me:{}@h", "me:{}@h", "http://me:{}@h"])
def test_a_secret_in_an_address_is_never_shown(form: str, tmp_path: Path) -> None:
    text = GOOD.replace("mqtts://platform.example", form.format("s3cret-word"))
    for broken in (text, text.replace('"me', "me"), re.sub(r'url = "(.*)"', r"url = \1", text)):
        verdict = verdict_on(tmp_path, broken.encode())
        assert verdict.mistakes
        assert "s3cret-word" not in repr(verdict) + present(verdict.mistakes, "zh-CN")
