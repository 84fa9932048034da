"""Bodies side by side in a row: looked at, cut, joined; and rows as they were written before."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.buffer.chunks import DEFLATED, JOINED, RAW, BadRow, Chunk, Row, pack, unpack
from courtyard.buffer.packed import Packed, Pieces, join, together

BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=12)


def read_back(bodies: list[bytes], *, deflate: bool = False) -> Chunk:
    """The bodies as they come from disk."""
    rows = list(pack(Chunk("e", "reading", "b", 7, bodies, list(range(len(bodies)))), deflate=deflate))
    assert len(rows) == 1
    assert rows[0].codec & JOINED
    return unpack(rows[0])


@given(BODIES, st.booleans())
def test_what_was_packed_comes_back(bodies: list[bytes], deflate: bool) -> None:
    chunk = read_back(bodies, deflate=deflate)
    assert list(chunk.bodies) == bodies
    assert list(chunk.ats) == list(range(len(bodies)))
    assert [chunk.bodies[index] for index in range(len(bodies))] == bodies
    assert bytes(join(chunk.bodies)) == b",".join(bodies)


@given(BODIES, st.data())
def test_any_neighbours_can_be_cut_out_and_joined_with_others(bodies: list[bytes], data: st.DataObject) -> None:
    chunk = read_back(bodies)
    start = data.draw(st.integers(0, len(bodies)))
    stop = data.draw(st.integers(start, len(bodies)))
    part = chunk.bodies[start:stop]
    assert isinstance(part, Packed)
    assert (len(part), list(part), bytes(join(part))) == (
        stop - start,
        bodies[start:stop],
        b",".join(bodies[start:stop]),
    )
    with_more = together([part, [b"more"]])
    assert list(with_more) == [*bodies[start:stop], b"more"]
    assert bytes(join(with_more)) == b",".join([*bodies[start:stop], b"more"])


def test_runs_of_memory_stay_lists_and_packed_ones_stay_packed() -> None:
    packed = read_back([b"a", b"b"]).bodies
    assert together([[b"a"], [b"b"]]) == [b"a", b"b"]
    assert together([packed]) is packed
    pieces = together([packed, [b"c"]])
    assert isinstance(pieces, Pieces)
    assert (len(pieces), pieces[2], list(pieces[1:])) == (3, b"c", [b"b", b"c"])


def test_an_index_outside_is_an_error() -> None:
    packed = read_back([b"a", b"b"]).bodies[1:]
    assert packed[0] == b"b"
    for index in (1, -2):
        with pytest.raises(IndexError):
            packed[index]
    with pytest.raises(ValueError, match="neighbours"):
        read_back([b"a", b"b", b"c"]).bodies[::2]


def sealed(codec: int, count: int, body: bytes) -> Row:
    """A row with its check sum."""
    crc = zlib.crc32(body, zlib.crc32(f"e reading b 1 {count} {codec}".encode()))
    return Row("e", "reading", "b", 1, count, 0, 0, codec, crc, body)


@pytest.mark.parametrize("codec", [RAW, DEFLATED])
def test_rows_of_the_first_codecs_are_read(codec: int) -> None:
    body = struct.pack("<2I2q", 1, 2, 10, 20) + b"a" + b"bc"
    chunk = unpack(sealed(codec, 2, zlib.compress(body) if codec == DEFLATED else body))
    assert (list(chunk.bodies), list(chunk.ats)) == ([b"a", b"bc"], [10, 20])


@pytest.mark.parametrize("codec", [RAW, JOINED | RAW])
@pytest.mark.parametrize("body", [b"", b"\0" * 8, struct.pack("<3I2q", 0, 2, 99, 1, 2) + b"a,b"])
def test_a_row_whose_lengths_do_not_add_up_is_bad_even_with_a_right_check_sum(codec: int, body: bytes) -> None:
    with pytest.raises(BadRow):
        unpack(sealed(codec, 2, body))
