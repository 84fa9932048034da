"""The pure parts of the journal, against sets, lists and SQLite itself."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.buffer.carve import carve, log_pages, record
from courtyard.buffer.chunks import BadRow, Chunk, Row, intact, pack, unpack
from courtyard.buffer.consumer import add_gap
from courtyard.buffer.ranges import RangeSet, common
from courtyard.buffer.schema import BUILDING, SERVICE, key, prepare, unkey
from courtyard.buffer.types import Gap

small = st.integers(0, 40)
steps = st.lists(st.tuples(st.booleans(), small, st.integers(0, 12)), max_size=30)


def built(taken: list[tuple[bool, int, int]]) -> tuple[RangeSet, set[int]]:
    ranges, model = RangeSet(), set[int]()
    for add, first, length in taken:
        if add:
            ranges.add(first, first + length - 1)
            model |= set(range(first, first + length))
        else:
            ranges.remove(first, first + length - 1)
            model -= set(range(first, first + length))
    return ranges, model


@given(steps, small, st.integers(0, 20))
def test_ranges_behave_as_a_set(taken: list[tuple[bool, int, int]], first: int, length: int) -> None:
    ranges, model = built(taken)
    assert {number for a, b in ranges for number in range(a, b + 1)} == model
    assert ranges.total == len(model)
    pairs = list(ranges)
    assert all(a <= b for a, b in pairs)
    assert all(b + 1 < c for (_, b), (c, _) in itertools.pairwise(pairs)), "adjacent ranges are one"
    assert all(a <= b for a, b in ranges.within(first, first + length - 1) + ranges.missing(first, first + length - 1))
    window = set(range(first, first + length))
    assert {n for a, b in ranges.within(first, first + length - 1) for n in range(a, b + 1)} == window & model
    assert {n for a, b in ranges.missing(first, first + length - 1) for n in range(a, b + 1)} == window - model
    assert ranges.next_missing(first) == next(n for n in range(first, 100) if n not in model)
    assert ranges.next_present(first) == next((n for n in range(first, 100) if n in model), None)
    assert (first in ranges) == (first in model)
    assert RangeSet.parse(ranges.text()) == ranges == ranges.copy()
    assert ranges.copy(2).total == sum(b - a + 1 for a, b in pairs[:2])


@given(steps, steps)
def test_what_is_common(left: list[tuple[bool, int, int]], right: list[tuple[bool, int, int]]) -> None:
    (a, model_a), (b, model_b) = built(left), built(right)
    met = common([a, b])
    assert met is not None
    assert {n for first, last in met for n in range(first, last + 1)} == model_a & model_b
    assert common([]) is None


@pytest.mark.parametrize("text", ["5-3", "a-b", "1", "1-2-3"])
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        RangeSet.parse(text)


bodies = st.lists(st.binary(max_size=300), min_size=1, max_size=40)


@given(bodies, st.integers(1, 1 << 40), st.booleans(), st.integers(-(1 << 62), 1 << 62))
def test_rows_give_back_what_was_packed(made: list[bytes], first: int, deflate: bool, at_ms: int) -> None:
    chunk = Chunk("0123abcd", "reading", "boot", first, made, [at_ms + n for n in range(len(made))])
    rows = list(pack(chunk, deflate=deflate))
    again = [unpack(row) for row in rows]
    assert [body for part in again for body in part.bodies] == made
    assert [at for part in again for at in part.ats] == list(chunk.ats)
    assert rows[0].first == first
    assert all(left.last + 1 == right.first for left, right in itertools.pairwise(rows))


@given(bodies, st.booleans(), st.data())
def test_a_row_that_was_changed_is_known(made: list[bytes], deflate: bool, data: st.DataObject) -> None:
    row = next(pack(Chunk("0123abcd", "event", "boot", 7, made, [1] * len(made)), deflate=deflate))
    at = data.draw(st.integers(0, len(row.body) - 1))
    flipped = bytes([row.body[at] ^ 1 << data.draw(st.integers(0, 7))])
    changed: list[Row] = [
        row._replace(body=row.body[:at] + flipped + row.body[at + 1 :]),
        row._replace(body=row.body[:at]),
        row._replace(first=row.first + 1),
        row._replace(lane="alarm"),
        row._replace(epoch="0123abce"),
        row._replace(boot="other"),
        row._replace(records=row.records + 1),
    ]
    for broken in changed:
        assert not intact(broken)
        with pytest.raises(BadRow):
            unpack(broken)


@given(st.binary(max_size=200), st.integers(1, 10), st.integers(0, 2))
def test_a_row_with_a_right_check_sum_and_wrong_content(body: bytes, records: int, codec: int) -> None:
    """Nobody makes such rows by accident; unpacking one is an error and nothing else."""
    from courtyard.buffer.chunks import _crc

    row = Row("e", "l", "b", 1, records, 0, 0, codec, _crc("e", "l", "b", 1, records, codec, body), body)
    with contextlib.suppress(BadRow):
        assert len(unpack(row).bodies) == records


@given(st.integers(0, 31), st.integers(0, 65534), st.integers(0, (1 << 42) - 1))
def test_keys_keep_the_order(lane: int, epoch: int, seq: int) -> None:
    assert unkey(key(lane, epoch, seq)) == (lane, epoch, seq)
    assert key(lane, epoch, seq) < 1 << 63
    if seq:
        assert key(lane, epoch, seq - 1) < key(lane, epoch, seq) < key(lane, epoch + 1, 0)


gap_parts = st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 60), st.integers(0, 3), st.sampled_from("qr"))


@given(st.lists(gap_parts, max_size=40), st.integers(2, 10))
def test_gaps_are_merged_and_bounded(parts: list[tuple[str, int, int, str]], most: int) -> None:
    gaps: list[Gap] = []
    seen: set[tuple[str, int]] = set()
    for epoch, first, length, reason in parts:
        numbers = {(epoch, n) for n in range(first, first + length + 1)}
        if numbers & seen:
            continue
        seen |= numbers
        add_gap(gaps, Gap(epoch, "lane", first, first + length, length + 1, first, first + length, reason), most)
    assert sum(gap.count for gap in gaps) == len(seen)
    assert len(gaps) <= max(most, 2)
    for epoch, number in seen:
        assert any(gap.epoch == epoch and gap.first <= number <= gap.last for gap in gaps)
    for gap in gaps:
        assert 0 < gap.count <= gap.last - gap.first + 1
        assert gap.since_ms <= gap.until_ms


# --- reading pages without SQLite

values = st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False) | st.text() | st.binary()


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(values, values, st.integers(0, 9000)), max_size=30))
def test_carving_sees_what_sqlite_sees(
    rows: list[tuple[object, object, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("carve") / "some.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA page_size=4096")
    connection.execute("CREATE TABLE t (a, b, c)")
    wide = [(a, b, b"z" * size) for a, b, size in rows if not (isinstance(a, str) and "\ud800" <= a <= "\udfff")]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", wide)
    connection.commit()
    seen = connection.execute("SELECT rowid, a, b, c FROM t ORDER BY rowid").fetchall()
    connection.close()
    carved = [(rowid, *columns) for rowid, columns in carve(path.read_bytes(), b"", 4096) if len(columns) == 3]
    assert sorted(carved, key=lambda row: row[0]) == seen


@given(st.binary(max_size=9000), st.binary(max_size=9000), st.sampled_from([512, 4096]))
def test_carving_noise_never_fails(database: bytes, log: bytes, page_bytes: int) -> None:
    for rowid, columns in carve(database, log, page_bytes):
        assert isinstance(rowid, int)
        assert isinstance(columns, tuple)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_carving_a_damaged_file_never_fails(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    image = bytearray(_image(tmp_path_factory))
    for _ in range(data.draw(st.integers(1, 30))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(image)))
    whole = dict(carve(_image(tmp_path_factory), b"", 4096))
    found = list(carve(bytes(image[:cut]), b"", 4096))
    assert len(found) <= len(whole) * 60


_cached: list[bytes] = []


def _image(factory: pytest.TempPathFactory) -> bytes:
    if not _cached:
        path = factory.mktemp("image") / "journal.db"
        connection = sqlite3.connect(path, isolation_level=None)
        prepare(connection, BUILDING)
        rows = [(n, "e", "l", "b", 1, 0, 0, 0, n, b"y" * (n * 97 % 5000)) for n in range(1, 40)]
        connection.executemany("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.close()
        _cached.append(path.read_bytes())
    return _cached[0]


def test_the_log_stands_in_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, SERVICE)
    connection.execute("INSERT INTO state VALUES ('k', x'01')")
    connection.execute("BEGIN")
    connection.execute("UPDATE state SET value = x'02'")
    connection.execute("COMMIT")
    log = (tmp_path / "journal.db-wal").read_bytes()
    assert log_pages(log, 4096)
    assert (1, ("k", b"\x02")) in list(carve(path.read_bytes(), log, 4096))
    connection.close()


@given(st.binary(max_size=60))
def test_a_record_is_read_or_refused(payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(record(payload), tuple)
