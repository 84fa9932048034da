"""From statements to the disk, and back to the panel as an acknowledgement.

Invariants
1. Signals reach the sink in the order of the line; waiting for the disk holds up neither polls nor later signals.
2. A statement is acknowledged after every one of its signals is on disk, and not at all when one is not.
3. At most `most` statements wait for the disk; a further one is counted, not acknowledged, and a fault.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence

import msgspec

from courtyard.drivers.base import Clock, NotKept, Signal, Sink
from courtyard.drivers.fire.conversation import Conversation
from courtyard.drivers.fire.events import PanelEvent
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.post import Post, RawFrame
from courtyard.drivers.fire.repeats import Repeats
from courtyard.drivers.fire.speech import Statement

MOST_WAITING = 4096
FOR_THE_RECORD = 4


class Keeper:
    """Tasks run in `group`, whose end is the end of all waiting."""

    def __init__(
        self,
        sink: Sink,
        group: asyncio.TaskGroup,
        clock: Clock,
        zone: datetime.tzinfo | None,
        repeats_ms: int,
        most: int = MOST_WAITING,
    ) -> None:
        self._sink, self._group = sink, group
        self._clock, self._zone = clock, zone
        self._repeats = Repeats(repeats_ms)
        self._most, self._waiting = most, 0

    def keep(self, statement: Statement, post: Post, conversation: Conversation) -> None:
        """Begins to keep a statement; never blocks."""
        mono_ms = self._clock.mono_ms()
        if not self._repeats.fresh(statement.frame, mono_ms):
            post.count("repeats")
            return
        if self._waiting >= self._most:
            self._repeats.forget(statement.frame)
            post.count("overflow")
            post.trouble = panel_fault("overflow")
            return
        said = signals(statement.events, post, self._clock.wall_ms(), mono_ms, self._zone)
        self._waiting += 1
        self._group.create_task(self._deliver(statement, said, post, conversation))

    async def _deliver(self, statement: Statement, said: list[Signal], post: Post, conversation: Conversation) -> None:
        try:
            on_disk = await kept(self._sink, said)
        finally:
            self._waiting -= 1
        if not on_disk:
            post.count("not_kept")
            self._repeats.forget(statement.frame)
            return
        post.count("kept")
        if self._waiting == 0 and post.trouble is not None and post.trouble.code == "panel.overflow":
            post.trouble = None
        if statement.reply is not None and conversation.say(statement.reply):
            post.count("acknowledged")
            post.note(RawFrame(self._clock.wall_ms(), "sent", statement.reply.hex(" ")))


async def kept(sink: Sink, said: Sequence[Signal]) -> bool:
    """Waits for all of them, in their order; whether every one is on disk.  Raises what else went wrong."""
    answers = await asyncio.gather(*map(sink.signal, said), return_exceptions=True)
    errors = [answer for answer in answers if answer is not None]
    for error in errors:
        if not isinstance(error, NotKept):
            raise error
    return not errors


def signals(
    events: tuple[PanelEvent, ...], post: Post, at_ms: int, mono_ms: int, zone: datetime.tzinfo | None
) -> list[Signal]:
    """What the events of one frame are to the gateway.

    What has no end (a reset, a silencing, an unknown code) is a record each time; an unknown code is an alarm besides.
    """
    said = []
    for event in events:
        made = event.signal(post.id, at_ms=at_ms, mono_ms=mono_ms, zone=zone, prefix=post.prefix)
        name, place = post.names.get(event.source, made.text), post.places.get(event.source, "")
        if name != made.text or place:
            made = msgspec.structs.replace(made, text=name, place=place)
        if event.momentary:
            said.append(msgspec.structs.replace(made, severity=FOR_THE_RECORD))
        if not event.momentary or event.kind == "unknown":
            said.append(made)
    return said
