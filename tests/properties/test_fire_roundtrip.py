"""What is built is read back the same: every data unit of GB/T 26875.3, both directions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers.fire.framing import Frame, Splitter
from courtyard.drivers.fire.gb26875 import SHAPE, Link, parse
from courtyard.drivers.fire.gb26875.dissect import dissect
from courtyard.drivers.fire.gb26875.frame import unit
from courtyard.drivers.fire.gb26875.objects import TYPES
from courtyard.drivers.fire.gb26875.wire import TimeTag
from tests.fire_strategies import links, objects_of, tags

SENDABLE = sorted(set(TYPES) - {89})


@pytest.mark.parametrize("kind", SENDABLE)
@given(data=st.data())
@settings(max_examples=30)
def test_a_data_unit_is_read_back_as_it_was_built(kind: int, data: st.DataObject) -> None:
    link, now = data.draw(links), data.draw(tags)
    objects = data.draw(st.lists(objects_of(TYPES[kind].shape), min_size=1, max_size=min(TYPES[kind].most, 5)))
    serial = data.draw(st.integers(0, 0xFFFF))
    command = 2 if TYPES[kind].direction == "up" else 1 if kind in (90, 91) else 4
    try:
        frame = link.packet(command, unit(kind, *objects), serial, now)
    except ValueError:
        assert kind == 6  # three long texts do not fit into 1024 bytes
        return
    message = parse(frame)
    assert message.flaw is None
    assert message.unit is not None
    assert list(message.unit.objects) == objects
    assert (message.serial, message.command, message.time) == (serial, command, now)
    assert (message.source, message.destination, message.version) == link
    assert Splitter(SHAPE).feed(frame, 0) == [Frame(frame, 0)]
    dissection = dissect(frame)
    assert dissection.valid
    shown = dissection.data()["fields"]["objects"]
    assert [_plain(item) for item in objects] == [{name: item[name] for name in _plain(objects[0])} for item in shown]


def _plain(item: msgspec.Struct) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in item.__struct_fields__}
    return {name: value.panel.iso() if isinstance(value, TimeTag) else value for name, value in values.items()}


@given(component=objects_of(TYPES[2].shape))
@settings(max_examples=10)
def test_the_longest_list_of_components_fits(component: Any) -> None:
    message = parse(Link(1, 2).packet(2, unit(2, *[component] * 22), 0, TimeTag(bytes(6))))
    assert message.unit is not None
    assert message.unit.objects == (component,) * 22
