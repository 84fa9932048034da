"""Strategies for what the fire protocols carry."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
from hypothesis import strategies as st

from courtyard.drivers.fire.gb26875 import Link
from courtyard.drivers.fire.gb26875.wire import I16, U8, U16, U32, CountedText, Tag, Text31, TimeTag

tags = st.binary(min_size=6, max_size=6).map(TimeTag)
_letters = st.sampled_from("号楼单元层走廊烟感温消防泵-0123456789ABCxyz")
_text31 = st.lists(_letters, max_size=15).map("".join)
_long_text = st.lists(_letters, max_size=120).map("".join)
links = st.builds(
    Link,
    st.integers(0, 2**48 - 1),
    st.integers(0, 2**48 - 1),
    st.tuples(st.integers(0, 255), st.integers(0, 255)),
)
_FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    U8: st.integers(0, 0xFF),
    U16: st.integers(0, 0xFFFF),
    I16: st.integers(-0x8000, 0x7FFF),
    U32: st.integers(0, 0xFFFFFFFF),
    Tag: tags,
    Text31: _text31,
    CountedText: _long_text,
}


def objects_of(shape: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any information object of one shape."""
    hints = typing.get_type_hints(shape, include_extras=True)
    return st.builds(shape, **{name: _FIELDS[hints[name]] for name in shape.__struct_fields__})
