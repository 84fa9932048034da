"""What a drain is plugged into: the feed that it empties, the session that it fills, and messages beside the lanes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from courtyard.agent.uplinks.broker import Limits
from courtyard.buffer.types import Backlog, Block, Which
from courtyard.drivers.base import Fault


class Feed(Protocol):
    """What this needs of `courtyard.buffer.Feed`."""

    def mark_live(self) -> None: ...
    async def next(self, lane: str, *, which: Which, max_bytes: int, max_records: int) -> Block | None: ...
    def ack(self, block: Block) -> None: ...
    def release(self, block: Block) -> None: ...
    def set_aside(self, block: Block, reason: str) -> None: ...
    async def wait(self, seen: int) -> int: ...
    def backlog(self, lane: str) -> Backlog: ...


class Session(Protocol):
    """What this needs of `courtyard.agent.uplinks.mqtt.Session`."""

    ended: asyncio.Future[Fault | None]

    @property
    def limits(self) -> Limits: ...
    @property
    def open(self) -> bool: ...
    def publish(self, topic: str, payload: bytes, done: Callable[[int], None], *, retain: bool = False) -> None: ...
    def abandon(self, fault: Fault | None) -> None: ...


class Control(msgspec.Struct):
    """A message beside the lanes: status, inventory, outcome."""

    topic: str
    payload: bytes
    done: Callable[[int], None]
    retain: bool = True
