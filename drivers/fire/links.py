"""The line of fire panels: opened and opened again, or listened on; and who converses on it now.

Invariants
1. A line that is lost is opened again, with delays that are bounded and jittered.
2. A link that is lost belongs to no panel any more; that it is back is no word of the panel.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.fire.conversation import Conversation
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.post import PanelPost
from courtyard.drivers.fire.roster import Roster
from courtyard.drivers.lines.listening import Listening, ListeningLine, listen
from courtyard.drivers.lines.settings import LineSettings, SerialLine, TcpServerLine, UdpLine
from courtyard.drivers.lines.wire import OpenWire
from courtyard.drivers.modbus.timing import Backoff
from courtyard.drivers.progress import Progress

REOPEN_S = 0.1
"""Within this, a line that has worked is opened again for the first time."""
LONGEST_BACKOFF_S = 10.0
LONGEST_SERIAL_BACKOFF_S = 2.0

Tell = Callable[[Fault | None], None]
"""Takes the present state of the line."""


class Links:
    """Of one line; `greet` makes the conversation for a wire that opens."""

    def __init__(
        self,
        line: LineSettings | ListeningLine,
        roster: Roster,
        progress: Progress,
        greet: Callable[[], Conversation],
        open_line: OpenWire,
        chance: Callable[[], float],
    ) -> None:
        self._line, self._roster, self._progress = line, roster, progress
        self._greet, self._open_line, self._chance = greet, open_line, chance
        self._loop = asyncio.get_running_loop()
        self._conversations: list[Conversation] = []
        self._dialled: Conversation | None = None
        self.counts: Counter[str] = Counter()
        self.listening: Listening | None = None
        """The open port of a line that listens."""

    async def run(self, tell: Tell) -> None:
        """Keeps the line open until cancelled."""
        try:
            if isinstance(self._line, TcpServerLine | UdpLine):
                await self._serve(self._line, tell)
            else:
                await self._dial(self._line, tell)
        finally:
            self._close()

    def counters(self) -> Mapping[str, int]:
        """`opened`, `lost`; of a line that listens also `refused` and `forgotten`."""
        port = self.listening
        refused = {"refused": port.refused, "forgotten": port.forgotten} if port else {}
        return self.counts | refused

    def speaker(self, conversation: Conversation) -> PanelPost:
        """Who was heard in it last, else the first panel."""
        return next((post for post in self._roster if post.route is conversation), self._roster.first)

    def link_all(self) -> None:
        """A line that was dialled leads to every panel that is on it, also to one that is new in the site."""
        for post in self._roster:
            if self._dialled is not None and post.route is None:
                post.route = self._dialled
                post.watch.linked(self._loop.time())

    def renew(self) -> None:
        """A network connection on which a panel falls silent may be dead without anybody having said so."""
        if isinstance(self._line, SerialLine | TcpServerLine | UdpLine):
            return
        for post in self._roster:
            if post.route is not None and post.watch.silent(self._loop.time()):
                post.route.close()
                post.route.lost(panel_fault("stale"))

    async def _dial(self, line: LineSettings, tell: Tell) -> None:
        backoff = Backoff(LONGEST_SERIAL_BACKOFF_S if isinstance(line, SerialLine) else LONGEST_BACKOFF_S)
        while True:
            conversation = self._begin()
            self._progress.expect("line")
            try:
                conversation.attach(await self._open_line(line, conversation))
            except DriverError as error:
                self._conversations.remove(conversation)
                await self._fail(error.fault, backoff, tell)
                continue
            self._progress.rest("line")
            self.counts["opened"] += 1
            tell(None)
            self._dialled = conversation
            self.link_all()
            fault = await conversation.ended
            conversation.close()
            self._conversations.remove(conversation)
            self.counts["lost"] += 1
            if conversation.fruitful:
                self._lose()
                backoff.reset()
                await self._wait(REOPEN_S * self._chance())
            else:
                await self._fail(fault, backoff, tell)

    async def _serve(self, line: ListeningLine, tell: Tell) -> None:
        backoff = Backoff(LONGEST_BACKOFF_S)
        while self.listening is None:
            self._progress.expect("line")
            try:
                self.listening = await listen(line, self._welcome)
            except DriverError as error:
                await self._fail(error.fault, backoff, tell)
        self._progress.rest("line")
        tell(None)
        await self._loop.create_future()

    async def _fail(self, fault: Fault, backoff: Backoff, tell: Tell) -> None:
        self._lose()
        tell(fault)
        await self._wait(backoff.next_s(self._chance()))

    async def _wait(self, delay_s: float) -> None:
        self._progress.expect("line", delay_s)
        await asyncio.sleep(delay_s)

    def _begin(self) -> Conversation:
        self._conversations = [known for known in self._conversations if not known.ended.done()]
        conversation = self._greet()
        self._conversations.append(conversation)
        return conversation

    def _welcome(self, caller: str) -> Conversation:
        conversation = self._begin()
        self.counts["opened"] += 1
        conversation.ended.add_done_callback(lambda _: self._left(conversation))
        return conversation

    def _left(self, conversation: Conversation) -> None:
        """A caller has gone."""
        self.counts["lost"] += 1
        for post in self._roster:
            if post.route is conversation:
                post.route = None
                post.watch.lost(self._loop.time())

    def _lose(self) -> None:
        self._dialled = None
        for post in self._roster:
            post.route = None
            post.watch.lost(self._loop.time())

    def _close(self) -> None:
        for conversation in self._conversations:
            conversation.close()
        self._conversations.clear()
        if self.listening is not None:
            self.listening.close()
            self.listening = None
