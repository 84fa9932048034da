"""The native format v1: topics, filters, and blocks of the journal as messages.

The types of the messages are in `courtyard.agent.records`; here is what belongs to one uplink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import cast

import msgspec

from courtyard.agent.records import GapRecord, Lane, batch, instant
from courtyard.buffer.types import Block, Gap
from courtyard.config import uplink

ENVELOPE_BYTES = 512
"""More than the members of a batch around gaps and records ever take."""
SPLICE_BYTES = 30
"""Most that a sequence number and a comma add to a record."""
GAP_BYTES = 320
"""More than one gap ever takes."""


class Topics:
    """The topics of one gateway."""

    def __init__(self, gateway: str) -> None:
        self._prefix = f"courtyard/v1/{gateway}/"
        self.status = self._prefix + "status"
        self.heads = self._prefix + "heads"
        self.command = self._prefix + "command"
        self.outcome = self._prefix + "outcome"
        self.inventories = self._prefix + "inventory/+"

    def lane(self, lane: str) -> str:
        return self._prefix + lane

    def inventory(self, device: str) -> str:
        return f"{self._prefix}inventory/{device}"

    def device(self, topic: str) -> str | None:
        """The device of an inventory topic, None for any other."""
        prefix = self._prefix + "inventory/"
        return topic.removeprefix(prefix) if topic.startswith(prefix) else None


class _Device(msgspec.Struct):
    device: str | None = None


class _Values(msgspec.Struct):
    values: dict[str, msgspec.Raw] = {}
    quality: dict[str, msgspec.Raw] = {}


_decode_device = msgspec.json.Decoder(_Device).decode
_decode_values = msgspec.json.Decoder(_Values).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool] | None:
    """None when everything matches."""
    if "*" in patterns:
        return None
    return lru_cache(maxsize=4096)(lambda name: any(fnmatchcase(name, pattern) for pattern in patterns))


class Filter:
    """What one uplink wants of a lane.  It only drops; with nothing to drop, no record is ever decoded.

    Records that belong to no device always pass.  A reading loses the points that are not wanted, and is
    dropped when none is left.
    """

    def __init__(self, settings: uplink.Filter) -> None:
        self._devices = _matcher(settings.devices)
        self._points = _matcher(settings.points)

    def choose(self, block: Block) -> list[bytes] | None:
        """The wanted records of a block; None: all of them, as they are."""
        points = self._points if block.lane == "reading" else None
        if self._devices is None and points is None:
            return None
        return list(self._wanted(block, points))

    def _wanted(self, block: Block, points: Callable[[str], bool] | None) -> Iterator[bytes]:
        for body in block.bodies:
            if self._devices is not None:
                device = _decode_device(body).device
                if device is not None and not self._devices(device):
                    continue
            wanted = body if points is None else _narrowed(body, points)
            if wanted is not None:
                yield wanted


def _narrowed(body: bytes, points: Callable[[str], bool]) -> bytes | None:
    reading = _decode_values(body)
    values = {name: value for name, value in reading.values.items() if points(name)}
    if len(values) == len(reading.values):
        return body
    if not values:
        return None
    members = _decode_members(body)
    members["values"] = msgspec.Raw(_encode(values))
    quality = {name: value for name, value in reading.quality.items() if points(name)}
    members.pop("quality", None)
    if quality:
        members["quality"] = msgspec.Raw(_encode(quality))
    return _encode(members)


class Format:
    """Blocks as messages, for one uplink."""

    def __init__(self, gateway: str, settings: uplink.Filter) -> None:
        self.gateway = gateway
        self.topics = Topics(gateway)
        self._filter = Filter(settings)

    @staticmethod
    def fitting(message_bytes: int, record_bytes: int) -> tuple[int, int]:
        """Bytes of bodies and number of records that fit a message of this size with certainty, gaps aside.

        `record_bytes` is about the size of a record; a wrong guess only makes messages smaller.
        """
        records = max(1, message_bytes // record_bytes)
        return max(1, message_bytes - ENVELOPE_BYTES - records * SPLICE_BYTES), records

    def choose(self, block: Block) -> list[bytes] | None:
        """The records of a block that this uplink wants; None: all of them, as they are."""
        return self._filter.choose(block)

    def messages(self, block: Block, records: list[bytes] | None, limit_bytes: int) -> list[bytes]:
        """The block as messages of at most `limit_bytes`: one, and more in front where many gaps are to be told.

        `records` is what `choose` gave.  Only the last message may exceed the limit, when its records do not fit.
        """
        gaps = [self._gap(gap, block.epoch) for gap in block.gaps]
        payload = batch(self.gateway, block, gaps=gaps, records=records)
        if len(payload) <= limit_bytes or not gaps:
            return [payload]
        nothing = block._replace(last=block.first - 1, seqs=(), bodies=())
        step = max(1, (limit_bytes - ENVELOPE_BYTES) // GAP_BYTES)
        told = [batch(self.gateway, nothing, gaps=gaps[at : at + step]) for at in range(0, len(gaps), step)]
        return [*told, batch(self.gateway, block, records=records)]

    @staticmethod
    def _gap(gap: Gap, epoch: str) -> GapRecord:
        since, until = instant(gap.since_ms), instant(gap.until_ms)
        elsewhere = gap.epoch if gap.epoch != epoch else None
        lane = cast(Lane, gap.lane)
        return GapRecord(lane, gap.first, gap.last, gap.count, since, until, gap.reason, elsewhere)
