"""Towards panels this product only listens: no encoder can reset, silence, start or initialise anything.

All functions and methods of `courtyard.drivers.fire` that return bytes are found by looking, driven with anything,
and judged by rules written apart from them.  A new one that is not listed here fails the first test.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.drivers import fire
from courtyard.drivers.fire import fs5101, jb3208, jbf, ld128
from courtyard.drivers.fire.espa_receiver import ACK, EOT, NAK, Call, Receiver, Reply
from courtyard.drivers.fire.framing import Damage, Flaw
from courtyard.drivers.fire.gb26875 import Link, Message, Unit, centre, device, parse
from courtyard.drivers.fire.gb26875.exchange import Exchanges
from courtyard.drivers.fire.gb26875.objects import TYPES
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.protocols import PANELS
from tests.fire_referee import harmless
from tests.fire_strategies import links, objects_of, tags
from tests.fire_vectors import FIRES, VECTORS

FIELD_PACKERS = {
    "characters.to_gb18030",
    "gb26875.wire.pack",
    "gb26875.wire.pack_tag",
}
"""These return the bytes of one field; no line is ever given them."""
DRIVEN = {
    "fs5101.answer",
    "gb26875.centre.ask",
    "gb26875.centre.check_patrol",
    "gb26875.centre.deny",
    "gb26875.centre.reply",
    "gb26875.centre.synchronise_clock",
    "gb26875.device.answer",
    "gb26875.device.heartbeat",
    "gb26875.device.reply",
    "gb26875.device.report",
    "gb26875.exchange.Exchanges.due",
    "gb26875.frame.Link.packet",
    "jb3208.answer",
    "jbf.poll",
    "ld128.poll",
}
serials = st.integers(-1, 0x10000)
kinds = st.one_of(st.sampled_from(sorted(TYPES)), st.integers(-1, 256))
anything = st.lists(st.one_of([objects_of(known.shape) for known in TYPES.values()]), max_size=3)
units = st.sampled_from(sorted(TYPES)).flatmap(
    lambda kind: st.builds(
        lambda objects: Unit(kind, tuple(objects), len(objects)),
        st.lists(objects_of(TYPES[kind].shape), min_size=1, max_size=3),
    )
)
"""Data units of the standard, some with too many objects."""
REFUSALS = (ValueError, OverflowError)


def _modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(fire.__path__, f"{fire.__name__}."):
        yield found.name


def _bytes_givers() -> set[str]:
    found = set()
    for module_name in _modules():
        module = importlib.import_module(module_name)
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module_name:
                continue
            candidates: dict[str, Any] = {name: thing}
            if inspect.isclass(thing):
                candidates = {f"{name}.{key}": value for key, value in vars(thing).items() if key[0] != "_"}
            for label, candidate in candidates.items():
                returned = str(getattr(candidate, "__annotations__", {}).get("return", ""))
                if inspect.isfunction(candidate) and "bytes" in returned:
                    found.add(f"{module_name.removeprefix(f'{fire.__name__}.')}.{label}")
    return found


def test_every_function_that_gives_bytes_is_driven_here() -> None:
    assert _bytes_givers() == DRIVEN | FIELD_PACKERS


@given(st.integers(0, 255), st.lists(objects_of(TYPES[89].shape), max_size=2), links, tags)
def test_initialisation_is_decoded_but_cannot_be_built(
    command: int, objects: list[Any], link: Link, now: TimeTag
) -> None:
    with pytest.raises(ValueError, match="must not be sent"):
        link.packet(command, Unit(89, tuple(objects), len(objects)), 0, now)


@given(units, kinds, anything, serials, links, tags)
def test_no_packet_that_can_be_built_commands_a_panel(
    good: Unit, kind: int, objects: list[Any], serial: int, link: Link, now: TimeTag
) -> None:
    for unit in (None, good, Unit(kind, tuple(objects), len(objects))):
        for command in (*range(-1, 9), 127, 128, 255, 256):
            with suppress(*REFUSALS):
                assert harmless("gb26875", link.packet(command, unit, serial, now))


@given(st.data())
def test_nothing_that_centre_or_device_say_commands_a_panel(data: st.DataObject) -> None:
    link, now, serial = data.draw(links), data.draw(tags), data.draw(serials)
    kind, objects = data.draw(kinds), data.draw(anything)
    if data.draw(st.booleans()):
        good = data.draw(units)
        kind, objects = good.type, list(good.objects)
    message = data.draw(messages())
    said: list[Callable[[], bytes | None]] = [
        lambda: centre.ask(link, kind, objects, serial, now),
        lambda: centre.synchronise_clock(link, data.draw(tags), serial, now),
        lambda: centre.check_patrol(link, data.draw(serials), serial, now),
        lambda: centre.reply(message, now),
        lambda: centre.deny(data.draw(damages), now),
        lambda: device.report(link, kind, objects, serial, now),
        lambda: device.heartbeat(link, serial, now),
        lambda: device.answer(message, kind, objects, now),
        lambda: device.reply(message, now),
    ]
    for say in said:
        with suppress(*REFUSALS):
            frame = say()
            assert frame is None or harmless("gb26875", frame)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message, published or made up."""
    known = draw(st.sampled_from([vector.frame for vector in VECTORS if vector.protocol == "gb26875"]))
    message = parse(known)
    objects = tuple(draw(anything))
    unit = draw(st.sampled_from([None, message.unit, Unit(draw(st.integers(0, 255)), objects, len(objects))]))
    return msgspec.structs.replace(
        message, command=draw(st.integers(0, 255)), serial=draw(st.integers(0, 0xFFFF)), unit=unit
    )


damages = st.builds(
    lambda data, code: Damage(data, Flaw(code, 0, len(data), PANELS["jbf"].title), 0),
    st.binary(max_size=60),
    st.sampled_from(("checksum", "end", "length", "noise", "truncated")),
)


@given(messages(), tags, links)
def test_retransmissions_are_the_packets_that_were_given(message: Message, now: TimeTag, link: Link) -> None:
    exchanges = Exchanges()
    exchanges.begin("x", lambda serial: device.heartbeat(link, serial, now), 0)
    for at_ms in (0, 10_000, 20_000, 30_000):
        for packet in exchanges.due(at_ms)[0]:
            assert harmless("gb26875", packet)
        exchanges.accept(message, at_ms)


def test_polls_are_harmless() -> None:
    assert harmless("jbf", jbf.poll())
    assert harmless("ld128", ld128.poll())
    assert all(harmless("espa", said) for said in (ACK, NAK, EOT))


@given(st.integers(-1, 256))
def test_fs5101_answers_are_harmless(address: int) -> None:
    with suppress(*REFUSALS):
        assert harmless("fs5101", fs5101.answer(address))


@given(st.data())
def test_jb3208_answers_are_harmless(data: st.DataObject) -> None:
    published = [vector.frame for vector in VECTORS if vector.protocol == "jb3208"]
    message = jb3208.parse(data.draw(st.sampled_from(published)))
    answer = jb3208.answer(message)
    assert answer is None or harmless("jb3208", answer)


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from((FIRES["espa"], b"1\x052\x05", b"\x04"))), max_size=9)
)
def test_an_espa_station_says_only_ack_nak_and_eot(heard: list[bytes]) -> None:
    receiver = Receiver()
    for at_ms, data in enumerate(heard):
        for step in receiver.feed(data, at_ms):
            if isinstance(step, Reply):
                assert harmless("espa", step.data)
            if isinstance(step, Call) and step.reply is not None:
                assert harmless("espa", step.reply)


@pytest.mark.parametrize("protocol", sorted(PANELS))
def test_the_judge_of_harmlessness_refuses_what_panels_say_and_what_commands_them(protocol: str) -> None:
    assert not harmless(protocol, FIRES[protocol]) or protocol == "gb26875"
    commanding = {
        "gb26875": next(vector.frame for vector in VECTORS if "initialisation" in vector.name),
        "jbf": b"\x82" + b"\x30\x31" + b"\x30" * 22 + b"\x83",
        "ld128": b"\x50",
        "jb3208": bytes.fromhex("FE 01 00 01 00 00 48 00 FF"),
        "fs5101": bytes.fromhex("F0 01 01 A1 A1 CA"),
        "gst24": bytes.fromhex("AA 04 55 55 55 55 02"),
        "gst232": bytes.fromhex("FA AB BB"),
        "espa": FIRES["espa"],
        "gst-printer": b"\x1b6",
    }
    assert not harmless(protocol, commanding[protocol])
