"""Whatever a line brings and whoever calls the driver: nothing it puts on the wire can command a panel.

Every byte is caught where it leaves, at the wire, and judged by rules written apart from the drivers.
"""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.drivers import fire
from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.conversation import Conversation
from courtyard.drivers.fire.gb26875.objects import TYPES
from courtyard.drivers.fire.panel import PanelDriver
from courtyard.drivers.fire.settings import FirePanel, Protocol
from courtyard.drivers.fire.speech import speech_of
from hw_sim.panels.models import PANELS
from tests.fire_driver_rig import FULL, Watched, elapse, virtually
from tests.fire_referee import harmless, is_fire
from tests.fire_strategies import objects_of
from tests.fire_vectors import VECTORS

PROTOCOLS: tuple[Protocol, ...] = (
    "gb26875", "jbf", "gst24", "gst232", "gst-printer", "ld128", "jb3208", "fs5101", "espa",
)  # fmt: skip
ASKED = {"ask", "synchronise_clock", "check_patrol"}
"""All that a caller may make the driver say."""
CONVENTIONS = {"run", "adjust", "counters", "on_time", "frames", "local_time"}


def frames_of(protocol: str) -> st.SearchStrategy[bytes]:
    """Published frames, whole, cut and changed, and anything else."""
    published = st.sampled_from([vector.frame for vector in VECTORS if vector.protocol == protocol] or [b"\0"])
    changed = st.builds(
        lambda frame, at, byte: frame[: at % len(frame)] + bytes((byte,)) + frame[at % len(frame) + 1 :],
        published,
        st.integers(0, 200),
        st.integers(0, 255),
    )
    cut = st.builds(lambda frame, at: frame[: at % (len(frame) + 1)], published, st.integers(0, 200))
    polls = st.sampled_from((b"1\x052\x05", b"\x042\x05", bytes.fromhex("F00101A291A9"), bytes.fromhex("FE0164010064")))
    return st.one_of(published, changed, cut, polls, st.binary(max_size=40))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=300 if FULL else 15, deadline=None)
@given(data=st.data())
def test_whatever_a_line_brings_nothing_commanding_leaves_and_no_fire_is_made_up(
    protocol: Protocol, data: st.DataObject
) -> None:
    heard = data.draw(st.lists(st.tuples(frames_of(protocol), st.sampled_from((0.0, 0.2, 1.0, 12.0))), max_size=12))
    address = data.draw(st.sampled_from((None, 0, 2, 255)))

    async def main() -> tuple[list[bytes], list[bytes]]:
        panel = FirePanel(id="panel-1", protocol=protocol, speak=True, address=address)
        async with Watched(PANELS[protocol](), panel) as watched:
            await elapse(6)
            for frame, pause_s in heard:
                watched.line.bring(frame)
                await elapse(pause_s)
            await elapse(3)
            fires = [
                bytes.fromhex(each.raw_hex) for each in watched.sink.signals if each.kind == "fire" and each.active
            ]
            return [said for _, said in watched.line.said], fires

    left, fires = virtually(main)
    for said in left:
        assert harmless(protocol, said), said.hex(" ")
    for raised in fires:
        assert is_fire(protocol, raised), raised.hex(" ")


@settings(max_examples=300 if FULL else 15, deadline=None)
@given(data=st.data())
def test_whatever_a_centre_is_made_to_ask_nothing_commanding_leaves(data: st.DataObject) -> None:
    kind = data.draw(st.one_of(st.sampled_from(sorted(TYPES)), st.integers(-1, 256)))
    objects = data.draw(st.lists(objects_of(TYPES[kind if kind in TYPES else 81].shape), min_size=1, max_size=2))
    minutes = data.draw(st.integers(-1, 300))

    async def main() -> list[bytes]:
        panel = FirePanel(id="uitd", protocol="gb26875")
        async with Watched(PANELS["gb26875"](), panel) as watched:
            await elapse(1)
            questions = watched.driver.questions
            asked: tuple[Callable[[], Awaitable[Any]], ...] = (
                lambda: questions.ask("uitd", kind, objects),
                lambda: questions.check_patrol("uitd", minutes),
                lambda: questions.synchronise_clock("uitd"),
            )
            assert {name for name in vars(type(questions)) if name[0] != "_"} == ASKED | {"heard"}
            for ask in asked:
                with suppress(DriverError, ValueError, OverflowError):
                    await ask()
            return [said for _, said in watched.line.said]

    said = virtually(main)
    assert any(packet[26] == 1 for packet in said)
    for packet in said:
        assert harmless("gb26875", packet), packet.hex(" ")


def test_the_driver_has_no_other_way_of_saying_anything() -> None:
    public = {name for name in vars(PanelDriver) if name[0] != "_"}
    assert public == CONVENTIONS


def test_only_a_conversation_sends_and_only_if_the_line_may_be_spoken_on() -> None:
    """The one call of `send` on a wire in all of the fire drivers stands in `Conversation`."""
    senders = set()
    for path in sorted(Path(fire.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if called and node.func.attr in ("send", "sendto", "write", "transmit"):  # type: ignore[attr-defined]
                senders.add(path.name)
    assert senders == {"conversation.py"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_line_that_may_not_be_spoken_on_carries_nothing(protocol: Protocol) -> None:
    async def main() -> None:
        class Refusing:
            is_open = True

            def send(self, data: bytes) -> None:
                raise AssertionError("something was said")

            def close(self) -> None: ...

        panel = FirePanel(id="panel-1", protocol=protocol, speak=False)
        speech = speech_of(panel, lambda: None, lambda sender: panel)  # type: ignore[arg-type,return-value]
        conversation = Conversation(speech, lambda _, step: None, speaks=False, patience_ms=2000)
        conversation.attach(Refusing())
        assert not conversation.say(b"\x20")

    virtually(main)
