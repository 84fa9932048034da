"""Changes in the text of a site file: what was asked for changes, and not one character more."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.config.edit import Unchangeable, with_entries, with_values, without_entry
from courtyard.config.site_file import VERSIONS, Changed, SiteFile

EXAMPLE = (Path(__file__).parents[2] / "config/site.example.toml").read_text("utf-8")
KEYS = st.sampled_from(["id", "name", "place", "every", "address", "odd key"])
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
VALUES = st.one_of(TEXTS, st.integers(-9999, 9999), st.booleans(), st.lists(st.integers(0, 9), max_size=3))
TABLES = st.dictionaries(KEYS, VALUES, min_size=1)
COMMENTS = st.sampled_from(["", "  # left as it was", "\n# a remark of its own", "\n\n# ===== a heading"])


@st.composite
def sites(draw: st.DrawFn) -> str:
    """A file with a table, a list and comments wherever people put them."""
    lines = ["# head", "[gateway]" + draw(COMMENTS)]
    for number in range(draw(st.integers(0, 3))):
        lines.append(f"key{number} = {number}{draw(COMMENTS)}")
    for number in range(draw(st.integers(0, 3))):
        lines += ["", f"[[devices]]{draw(COMMENTS)}", f'id = "d{number}"{draw(COMMENTS)}', "address = 5"]
        if draw(st.booleans()):
            lines += ["[devices.options]", "multiplier = 2" + draw(COMMENTS)]
    if draw(st.booleans()):
        lines += ["# of the rules", "[[rules]]", 'name = "r"']
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# the end"]))


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.split("\n") if "#" in line]


@given(sites(), st.lists(TABLES, min_size=1, max_size=3))
def test_entries_are_added_and_nothing_else_changes(text: str, entries: list[dict[str, Any]]) -> None:
    changed = with_entries(text, "devices", entries)
    before, after = tomllib.loads(text), tomllib.loads(changed)
    assert after == {**before, "devices": [*before.get("devices", []), *entries]}
    added = iter(changed.split("\n"))
    assert all(any(line == other for other in added) for line in text.rstrip("\n").split("\n"))


@given(sites(), st.dictionaries(KEYS, st.one_of(st.none(), VALUES), min_size=1), st.integers(0, 2))
def test_values_are_set_and_comments_stay(text: str, values: dict[str, Any], index: int) -> None:
    before = tomllib.loads(text)
    in_list = index < len(before.get("devices", ()))
    table, at = ("devices", index) if in_list else ("gateway", None)
    changed = tomllib.loads(out := with_values(text, table, values, at))
    entry = changed[table][index] if in_list else changed[table]
    old = before[table][index] if in_list else before[table]
    assert entry == {key: value for key, value in {**old, **values}.items() if value is not None}
    kept = [each for each in comments(out) if each in comments(text)]
    taken = sum(key in old and value is None for key, value in values.items())
    assert len(kept) >= len(comments(text)) - taken


@given(sites())
def test_an_added_entry_can_be_taken_away_again(text: str) -> None:
    added = with_entries(text, "devices", [{"id": "new"}])
    last = len(tomllib.loads(added)["devices"]) - 1
    assert tomllib.loads(without_entry(added, "devices", last)) == tomllib.loads(text)


def test_the_example_site_keeps_every_comment() -> None:
    changed = with_values(with_entries(EXAMPLE, "lines", [{"name": "x", "kind": "tcp"}]), "gateway", {"id": "gw-1"})
    assert comments(changed) == comments(EXAMPLE)


@pytest.mark.parametrize(
    "change",
    [
        lambda: with_values('gateway = { id = "a" }\n', "gateway", {"place": "x"}),
        lambda: with_values("[[devices]]\noptions.a = 1\n", "devices", {"options": {"a": 2}}, 0),
        lambda: with_entries('devices = [{ id = "a" }]\n', "devices", [{"id": "b"}]),
    ],
)
def test_what_a_program_cannot_change_safely_is_left_alone(change: Callable[[], str]) -> None:
    with pytest.raises(Unchangeable):
        change()


def test_a_file_is_replaced_in_one_step_and_its_versions_are_kept(tmp_path: Path) -> None:
    file = SiteFile(tmp_path / "site.toml", tmp_path / "data", wall_s=lambda: 0.0)
    assert file.read().mark == ""
    file.write("a = 0\n", file.read())
    for number in range(1, VERSIONS + 4):
        file.write(f"a = {number}\n", file.read())
    kept = sorted(file.versions.iterdir())
    assert len(kept) == VERSIONS
    assert kept[-1].read_text() == f"a = {VERSIONS + 2}\n"
    assert [each.name for each in tmp_path.glob(".*")] == []


def test_a_file_that_has_changed_in_between_is_not_written_over(tmp_path: Path) -> None:
    file = SiteFile(tmp_path / "site.toml", tmp_path / "data")
    file.path.write_bytes(b"a = 1\r\n")
    before = file.read()
    file.write("a = 2\n", before)
    assert file.path.read_bytes() == b"a = 2\r\n"
    with pytest.raises(Changed):
        file.write("a = 3\n", before)
    assert file.path.read_bytes() == b"a = 2\r\n"
