"""The acts of residents: on disk, in order, and noticed when they are changed."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.agent.care import consents as module
from courtyard.agent.care.consents import GENESIS, Consents, Damaged, Deed, Full, granted, read


def book(folder: Path) -> Consents:
    return Consents(folder / "residents.acts")


def test_consent_is_what_the_acts_say(tmp_path: Path) -> None:
    writer, reader = book(tmp_path), book(tmp_path)
    assert not reader.refresh()
    writer.add("grant", "r-017", by="li.na", note="form 12", at_ms=0)
    assert reader.refresh()
    assert reader.granted("r-017")
    assert not reader.refresh()
    writer.add("export", "r-017", by="li.na", at_ms=1)
    assert not reader.refresh()
    writer.add("withdraw", "r-017", by="li.na", at_ms=2)
    assert reader.refresh()
    assert not reader.granted("r-017")
    assert [act.deed for act in reader.acts] == ["grant", "export", "withdraw"]
    assert reader.acts[0].previous == GENESIS
    assert stat.S_IMODE((tmp_path / "residents.acts").stat().st_mode) == 0o600


def test_a_wish_to_be_erased_stands_until_it_is_fulfilled(tmp_path: Path) -> None:
    acts = book(tmp_path)
    for number, deed in enumerate(("grant", "erase", "grant", "erased", "erase")):
        acts.add(deed, "r-017", by="li.na", at_ms=number)  # type: ignore[arg-type]
        assert acts.to_erase() == (frozenset({"r-017"}) if number in (1, 2, 4) else frozenset())


def test_a_torn_last_line_is_no_act_and_the_next_one_takes_its_place(tmp_path: Path) -> None:
    book(tmp_path).add("grant", "r-017", by="li.na", at_ms=0)
    path = tmp_path / "residents.acts"
    path.write_bytes(path.read_bytes() + b'{"at":"20')
    again = book(tmp_path)
    again.refresh()
    assert again.granted("r-017")
    again.add("withdraw", "r-017", by="li.na", at_ms=1)
    assert [act.deed for act in read(path, path.read_bytes())] == ["grant", "withdraw"]


@pytest.mark.parametrize("line", [0, 1])
def test_a_changed_act_is_noticed_and_no_consent_assumed(tmp_path: Path, line: int) -> None:
    for number in range(3):
        book(tmp_path).add("grant", f"r-{number}", by="li.na", at_ms=number)
    path = tmp_path / "residents.acts"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"li.na", b"wu.li")
    path.write_bytes(b"".join(lines))
    changed = book(tmp_path)
    changed.refresh()
    assert changed.damage is not None
    assert f"line {line + 2}" in changed.damage.text.en
    assert not changed.granted("r-0")
    with pytest.raises(Damaged):
        changed.add("grant", "r-9", by="li.na", at_ms=9)


def test_an_act_taken_out_is_noticed(tmp_path: Path) -> None:
    for number in range(3):
        book(tmp_path).add("grant", f"r-{number}", by="li.na", at_ms=number)
    content = (tmp_path / "residents.acts").read_bytes()
    with pytest.raises(Damaged):
        read(tmp_path, b"".join(content.splitlines(keepends=True)[1:]))


def test_the_file_is_bounded(tmp_path: Path) -> None:
    full = book(tmp_path)
    with pytest.raises(Full):
        full.add("grant", "r-017", by="li.na", note="x" * module.MAX_BYTES, at_ms=0)
    assert (tmp_path / "residents.acts").read_bytes() == b""


@given(st.lists(st.tuples(st.sampled_from(["grant", "withdraw", "export", "erase"]), st.sampled_from(["a", "b"]))))
def test_the_last_word_of_a_resident_counts(said: list[tuple[Deed, str]]) -> None:
    acts = [module.Act("", "x", deed, resident, "", "") for deed, resident in said]
    for resident in ("a", "b"):
        words = [deed for deed, who in said if who == resident and deed != "export"]
        assert (resident in granted(acts)) == (words[-1:] == ["grant"])


@given(st.binary(max_size=200))
def test_whatever_the_file_holds_is_read_or_damaged(content: bytes) -> None:
    with suppress(Damaged):
        assert all(
            act.deed in ("grant", "withdraw", "export", "erase", "erased") for act in read(Path("acts"), content)
        )
