"""Fuzzed bytes by the hundred thousand (by ten million a protocol with COURTYARD_CAMPAIGN=full).

No exception, no fire that the published rule refuses, bounded memory, and after each round of garbage the next good
frame is found.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from courtyard.drivers.fire.framing import Frame, Splitter
from courtyard.drivers.fire.protocols import PANELS, Panel
from tests.fire_referee import is_fire
from tests.fire_vectors import FIRES, VECTORS

FULL = os.environ.get("COURTYARD_CAMPAIGN") == "full"
BYTES = 10_000_000 if FULL else 200_000
ROUND = 20_000
DISSECTED = 50
"""One frame in so many is also taken apart."""


def garbage(protocol: str, seed: int) -> Iterator[bytes]:
    """Endless pieces: random bytes, random bytes behind true starts, and good frames bitten, cut, doubled, joined."""
    chance = random.Random(f"{protocol}-{seed}")
    good = [vector.frame for vector in VECTORS if vector.protocol == protocol]
    while True:
        frame = bytearray(chance.choice(good))
        match chance.randrange(6):
            case 0:
                yield chance.randbytes(chance.randrange(1, 300))
            case 1:
                yield bytes(frame[: chance.randrange(1, 6)]) + chance.randbytes(chance.randrange(60))
            case 2:
                for _ in range(chance.randrange(1, 4)):
                    frame[chance.randrange(len(frame))] = chance.randrange(256)
                yield bytes(frame)
            case 3:
                yield bytes(frame[: chance.randrange(len(frame))])
            case 4:
                at = chance.randrange(len(frame))
                yield bytes(frame[:at]) + chance.randbytes(chance.randrange(4)) + bytes(frame[at:])
            case _:
                yield bytes(frame)


@pytest.mark.timeout(3600 if FULL else 300)
@pytest.mark.parametrize("protocol", sorted(PANELS))
def test_garbage_raises_nothing_and_hides_no_good_frame(protocol: str) -> None:
    panel = PANELS[protocol]
    pieces = garbage(protocol, 1)
    splitter = Splitter(panel.shape)
    fed = seen = now_ms = 0
    while fed < BYTES:
        target = min(fed + ROUND, BYTES)
        while fed < target:
            piece = next(pieces)
            fed += len(piece)
            seen = _judge(panel, protocol, splitter.feed(piece, now_ms), seen)
            assert splitter.pending <= panel.shape.longest
        seen = _judge(panel, protocol, splitter.idle(now_ms + 150) + splitter.idle(now_ms + 5000), seen)
        now_ms += 5000
        assert splitter.feed(FIRES[protocol], now_ms) == [Frame(FIRES[protocol], now_ms)]
    assert seen > BYTES // 1000  # the garbage holds good frames, and they come out


def _judge(panel: Panel, protocol: str, found: list[object], seen: int) -> int:
    for item in found:
        if isinstance(item, Frame):
            seen += 1
            for event in panel.read(item.data):
                assert event.kind != "fire" or not event.active or is_fire(protocol, item.data), item.data.hex()
            if seen % DISSECTED == 0:
                assert panel.dissect(item.data).data()["protocol"] == protocol
    return seen
