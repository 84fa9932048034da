"""The list of drills: whatever is changed in it is found, and the key stays with its owner."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courtyard.agent.drills.drill import Result, Stage
from courtyard.agent.drills.evidence import BEGIN, FOLDER, KEY, LIST, PUBLIC, Evidence
from tests.gateway_rig import examples


def result(number: int = 1) -> Result:
    stages = (Stage("signal", 0.0), Stage("disk", 1.5), Stage("received", 20.0 + number, "community"))
    return Result(
        f"d{number}", "gw", "panel", "panel:fire:drill:test", "2026-11-22T06:30:15.000Z", "li", False, stages, ()
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a box that had three drills."""
    data = tmp_path_factory.mktemp("data")
    for number in range(3):
        Evidence(data).append(result(number))
    return data


def altered(kept: Path, folder: Path, change: Callable[[bytes], bytes]) -> list[str | None]:
    """The problems found when somebody changed the list."""
    (folder / FOLDER).mkdir(exist_ok=True)
    (folder / FOLDER / PUBLIC).write_bytes((kept / FOLDER / PUBLIC).read_bytes())
    (folder / FOLDER / LIST).write_bytes(change((kept / FOLDER / LIST).read_bytes()))
    return [each.problem for each in Evidence(folder).verify()]


def test_a_sound_list_is_sound(kept: Path) -> None:
    checked = Evidence(kept).verify()
    assert [each.problem for each in checked] == [None, None, None]
    assert [each.entry.number for each in checked if each.entry] == [1, 2, 3]
    assert [entry.drill for entry in Evidence(kept).read()] == [result(number) for number in range(3)]


def test_the_first_entry_begins_the_chain_and_each_names_the_one_before(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    first, second = evidence.append(result(1)), evidence.append(result(2))
    entries = evidence.read()
    assert [entry.previous for entry in entries] == [BEGIN, first.hash]
    assert (first.number, second.number, first.key) == (1, 2, second.key)


def test_signing_apart_is_the_same(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    kept = [evidence.append(result(1)), evidence.append_apart(result(2)), evidence.append(result(3))]
    assert [each.number for each in kept] == [1, 2, 3]
    assert [each.problem for each in evidence.verify()] == [None] * 3
    (tmp_path / FOLDER / KEY).write_text("no key")
    with pytest.raises(OSError, match="Error"):
        evidence.append_apart(result(4))


def test_the_key_is_for_its_owner_alone(kept: Path) -> None:
    assert stat.S_IMODE((kept / FOLDER / KEY).stat().st_mode) == 0o600
    assert b"PRIVATE" not in (kept / FOLDER / LIST).read_bytes() + (kept / FOLDER / PUBLIC).read_bytes()


def test_nothing_there_is_nothing_wrong(tmp_path: Path) -> None:
    assert (Evidence(tmp_path).verify(), Evidence(tmp_path).read()) == ([], [])


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda text: text.replace(b'"ms":21.0', b'"ms":12.0'), [None, "signature", "chain"]),
        (lambda text: b"\n".join(text.splitlines()[::2]) + b"\n", [None, "chain"]),
        (lambda text: b"\n".join(reversed(text.splitlines())) + b"\n", ["chain", "chain", "chain"]),
        (lambda text: text + text.splitlines()[0] + b"\n", [None, None, None, "chain"]),
        (lambda text: text.replace(b"{", b"[", 1), ["unreadable", "chain", None]),
    ],
)
def test_a_change_is_found(
    kept: Path, tmp_path: Path, change: Callable[[bytes], bytes], problems: list[str | None]
) -> None:
    assert altered(kept, tmp_path, change) == problems


def test_an_entry_signed_with_another_key_is_found(kept: Path, tmp_path: Path) -> None:
    other = Evidence(tmp_path / "other")
    other.append(result(9))
    line = (tmp_path / "other" / FOLDER / LIST).read_bytes()
    assert altered(kept, tmp_path, lambda _: line) == ["key"]
    forged = msgspec.json.decode(line)
    forged["key"] = Evidence(kept).read()[0].key
    assert altered(kept, tmp_path, lambda _: msgspec.json.encode(forged) + b"\n") == ["signature"]


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bit_can_be_turned(kept: Path, tmp_path: Path, at: int, bit: int) -> None:
    def turned(text: bytes) -> bytes:
        where = at % len(text)
        return text[:where] + bytes((text[where] ^ 1 << bit,)) + text[where + 1 :]

    original = (kept / FOLDER / LIST).read_bytes().splitlines()
    problems = altered(kept, tmp_path, turned)
    unchanged = (tmp_path / FOLDER / LIST).read_bytes().splitlines() == original
    assert unchanged or any(problems)
