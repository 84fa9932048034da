"""What a broker retains of this gateway: its status, how far it has counted, and its inventory.

Invariants
1. Everything is learnt back from the broker on connection, so that only differences are published.
2. A device that was removed is emptied at the broker, also when it was removed while the agent was away.
3. What was not acknowledged is published again on the next connection.
4. A numbering that has fallen behind what a platform has seen is noticed before a record goes out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from courtyard.agent.uplinks.broker import Incoming
from courtyard.agent.uplinks.drain import REFUSAL
from courtyard.agent.uplinks.inventory import Inventory
from courtyard.agent.uplinks.native import Topics
from courtyard.agent.uplinks.numbering import Known
from courtyard.agent.uplinks.ports import Control

RETAINED_TIMEOUT_S = 1.0
"""How long a broker may take to send what it retains after it has answered the subscription."""


class Journal(Protocol):
    """What this needs of `courtyard.buffer.Journal`."""

    @property
    def epoch(self) -> str: ...
    @property
    def heads(self) -> Mapping[str, int]: ...
    async def renew_epoch(self, reason: str) -> None: ...


class Presence:
    """Keeps the retained messages of one gateway at one broker as they should be.

    `status` encodes the status as it is now; `answered` is told how the broker took a retained message, by topic
    and reason code.
    """

    def __init__(
        self,
        gateway: str,
        topics: Topics,
        journal: Journal,
        *,
        status: Callable[[], bytes],
        wall_ms: Callable[[], int],
        answered: Callable[[str, int], None],
        retained_timeout_s: float = RETAINED_TIMEOUT_S,
    ) -> None:
        self.inventory = Inventory()
        self.garbled = 0
        self._gateway = gateway
        self._topics = topics
        self._journal = journal
        self._status = status
        self._wall_ms = wall_ms
        self._answered = answered
        self._retained_timeout_s = retained_timeout_s
        self._known = Known()
        self._checked = False
        self._awaited: set[str] = set()
        self._arrived = asyncio.Event()
        self._status_due = self._heads_due = self._heads_told = False

    def begin(self) -> list[str]:
        """A connection begins: the topics to subscribe to."""
        topics = self._topics
        self._awaited = {topics.status} if self._checked else {topics.status, topics.heads}
        self._arrived.clear()
        return [*self._awaited, *([] if self._checked else [topics.inventories])]

    def learn(self, message: Incoming) -> None:
        """Takes in a message of those topics."""
        if not message.retained or not message.payload:
            return
        device = self._topics.device(message.topic)
        if device is not None:
            self.inventory.learn(device, message.payload)
            return
        try:
            self._known.learn(message.payload)
        except msgspec.MsgspecError:
            self.garbled += 1  # not ours: nothing to go on from, and our own will replace it
        self._awaited.discard(message.topic)
        if not self._awaited:
            self._arrived.set()

    async def settle(self) -> list[str]:
        """Waits for what is retained and acts on it; gives the topics that are of no further interest.

        On the first connection of a process, a journal that is behind what the platform has seen draws a new
        epoch here, before any record is sent.
        """
        if self._awaited:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), self._retained_timeout_s)
        if self._checked and self._awaited:
            self.inventory.forget()  # a broker that does not know our status any more has forgotten all of it
        if not self._checked and self._known.ahead(self._journal.epoch, self._journal.heads):
            await self._journal.renew_epoch("behind the platform")
        self._checked = True
        self._status_due, self._heads_due, self._heads_told = True, True, False
        self.inventory.restart()
        return [self._topics.status, self._topics.heads]

    def refresh(self, *, status: bool) -> None:
        """Publishes the heads when they have changed, and with `status` the status."""
        self._heads_due = True
        self._status_due = self._status_due or status

    def urgent(self) -> Control | None:
        """Status or heads, when they are due."""
        if self._status_due:
            self._status_due = False
            return self._control(self._topics.status, self._status())
        if self._heads_due:
            self._heads_due = False
            if self._known.note(self._journal.epoch, self._journal.heads) or not self._heads_told:
                self._heads_told = True
                return self._control(self._topics.heads, self._known.message(self._gateway, self._wall_ms()))
        return None

    def idle(self) -> Control | None:
        """The next difference of the inventory."""
        item = self.inventory.next()
        if item is None:
            return None
        device, payload = item
        topic = self._topics.inventory(device)
        return self._control(topic, payload, lambda: self.inventory.delivered(device, payload))

    def _control(self, topic: str, payload: bytes, delivered: Callable[[], None] = lambda: None) -> Control:
        def done(reason: int) -> None:
            self._answered(topic, reason)
            if reason < REFUSAL:
                delivered()

        return Control(topic, payload, done)
