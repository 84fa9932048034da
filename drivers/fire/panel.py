"""The driver of fire panels: owner of one line, listener to what hangs on it.

Invariants
1. A panel's event is on disk before it is acknowledged; what could not be kept is not acknowledged.
2. Answers to polls never wait for the disk.
3. Nothing that could reset, silence, start or initialise a panel is ever sent; without `speak`, nothing at all.
4. Loss of the line, silence of the panel and damage on the way are signals of their own; none of them ends another
   condition.
"""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import Callable, Mapping, Sequence

from courtyard.drivers.base import Clock, DriverError, Sink
from courtyard.drivers.fire.clocks import Clocks
from courtyard.drivers.fire.conversation import Conversation
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.framing import Damage
from courtyard.drivers.fire.gb26875.questions import Questions
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.keeper import Keeper
from courtyard.drivers.fire.manners import MANNERS, Poll, speaks
from courtyard.drivers.fire.post import PanelPost, RawFrame
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.roster import Roster
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.fire.speech import OtherHost, Reply, Say, Sign, Statement, Step, speech_of
from courtyard.drivers.fire.supervision import LOOK_S, Supervision
from courtyard.drivers.lines.listening import Listening, ListeningLine, listen
from courtyard.drivers.lines.settings import LineSettings, SerialLine, TcpServerLine, UdpLine
from courtyard.drivers.lines.wire import OpenWire, open_wire
from courtyard.drivers.modbus.faults import device_fault
from courtyard.drivers.modbus.timing import Backoff

REOPEN_S = 0.1
"""Within this, a line that has worked is opened again for the first time."""
LONGEST_BACKOFF_S = 10.0
LONGEST_SERIAL_BACKOFF_S = 2.0
LISTEN_FIRST_S = 5.0
"""So long no other host must have polled before this one does."""
ECHO_S = 0.15
"""A poll that is heard so soon after one's own, or after an answer that is the same, is its echo."""


class PanelDriver:
    """Driver, Adjusts, Counts and Traces of `drivers.base` for one line.  Make it inside the event loop.

    `zone` is the time zone of the panels' clocks, `trusted` whether the gateway's own clock may be given to them.
    Raises ValueError when the panels do not fit on one line.
    """

    def __init__(
        self,
        line: LineSettings | ListeningLine,
        panels: Sequence[FirePanel],
        clock: Clock,
        zone: datetime.tzinfo | None = None,
        *,
        trusted: Callable[[], bool] = lambda: False,
        open_line: OpenWire = open_wire,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.line, self.clock, self._zone = line, clock, zone
        self._open_line, self._chance = open_line, chance
        self._loop = asyncio.get_running_loop()
        self.roster = Roster(line.name, panels, self._loop.time())
        self.listening: Listening | None = None
        """The open port of a line that listens."""
        self.counts: dict[str, int] = {}
        self._conversations: list[Conversation] = []
        self._keeper: Keeper | None = None
        self._supervision = Supervision(lambda: self.roster, clock, self.roster.strangers)
        self.questions = Questions(self.roster, self.local_time)
        """What may be asked of transmission devices (GB/T 26875.3)."""
        self._clocks = Clocks(self.roster, self.questions, trusted)
        self._other_host_at = self._polled_at = self._mirrored_at = -ECHO_S

    async def run(self, sink: Sink) -> None:
        """Listens until cancelled."""
        self._supervision.begin()
        protocol = self.roster.first.panel.protocol
        async with asyncio.TaskGroup() as group:
            self._keeper = Keeper(sink, group, self.clock, self._zone, PANELS[protocol].repeats_ms)
            group.create_task(self._look(sink))
            if protocol == "gb26875":
                group.create_task(self._clocks.run())
            poll = MANNERS[protocol].poll
            if poll is not None and speaks(self.roster.first.panel):
                group.create_task(self._poll(poll))
            try:
                if isinstance(self.line, TcpServerLine | UdpLine):
                    await self._serve(self.line, sink)
                else:
                    await self._dial(self.line, sink)
            finally:
                self._close()

    def adjust(self, panels: Sequence[FirePanel]) -> None:
        """Takes a new list of panels; those that did not change keep their state.  Raises ValueError.

        The protocol of a line, and whether it may be spoken on, change only with a new driver.
        """
        if panels and (panels[0].protocol, speaks(panels[0])) != self._way(self.roster.first):
            raise ValueError("the protocol of a line changes only with a new driver")
        for post in self.roster.take(panels, self._loop.time()):
            self._supervision.forget(post.id)

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per panel: `signs`, `statements`, `kept`, `not_kept`, `acknowledged`, `repeats`, `damaged`, `noise`,
        `answered`, `echoes`, `polls`, `overflow`, `clock_set`, `clock_refused`; for the line `opened`, `lost`,
        `refused`, `forgotten`."""
        port = self.listening
        refused = {"refused": port.refused, "forgotten": port.forgotten} if port else {}
        return {post.id: dict(post.counts) for post in self.roster} | {self.line.name: self.counts | refused}

    def frames(self, device: str) -> list[RawFrame]:
        """The last frames of a panel.  Raises DriverError for one that is not of this line."""
        post = self.roster.get(device)
        if post is None:
            raise DriverError(device_fault("device.unknown", device=device), device)
        return list(post.frames)

    def local_time(self) -> TimeTag:
        """Now, by the clock that the panels should have; a clock that was never set says the first day it can."""
        now = datetime.datetime.fromtimestamp(self.clock.wall_ms() / 1000, self._zone)
        return TimeTag.of(now if now.year >= 2000 else now.replace(year=2000, month=1, day=1))

    # The line

    async def _dial(self, line: LineSettings, sink: Sink) -> None:
        """Opens the line, and again after every loss."""
        backoff = Backoff(LONGEST_SERIAL_BACKOFF_S if isinstance(line, SerialLine) else LONGEST_BACKOFF_S)
        while True:
            conversation = self._converse("")
            try:
                conversation.attach(await self._open_line(line, conversation))
            except DriverError as error:
                self._conversations.remove(conversation)
                self._lose()
                self._supervision.tell(sink, line.name, error.fault)
                await asyncio.sleep(backoff.next_s(self._chance()))
                continue
            self._count("opened")
            self._supervision.tell(sink, line.name, None)
            now = self._loop.time()
            for post in self.roster:
                post.watch.linked(now)
                post.route = conversation
            fault = await conversation.ended
            conversation.close()
            self._conversations.remove(conversation)
            self._count("lost")
            self._lose()
            if conversation.fruitful:
                backoff.reset()
                await asyncio.sleep(REOPEN_S * self._chance())
            else:
                self._supervision.tell(sink, line.name, fault)
                await asyncio.sleep(backoff.next_s(self._chance()))

    async def _serve(self, line: ListeningLine, sink: Sink) -> None:
        """Keeps the port open."""
        backoff = Backoff(LONGEST_BACKOFF_S)
        while self.listening is None:
            try:
                self.listening = await listen(line, self._converse)
            except DriverError as error:
                self._lose()
                self._supervision.tell(sink, line.name, error.fault)
                await asyncio.sleep(backoff.next_s(self._chance()))
        self._supervision.tell(sink, line.name, None)
        await self._loop.create_future()

    def _converse(self, caller: str) -> Conversation:
        self._conversations = [known for known in self._conversations if not known.ended.done()]
        panel = self.roster.first.panel
        conversation = Conversation(
            speech_of(panel, self.local_time, lambda sender: self.roster.find(sender, self._loop.time()).panel),
            self._take,
            speaks=speaks(panel),
            patience_ms=PANELS[panel.protocol].shape.patience_ms,
        )
        self._conversations.append(conversation)
        if caller:
            self._count("opened")
            conversation.ended.add_done_callback(lambda _: self._left(conversation))
        return conversation

    def _left(self, conversation: Conversation) -> None:
        """A caller has gone."""
        self._count("lost")
        for post in self.roster:
            if post.route is conversation:
                post.route = None
                post.watch.lost(self._loop.time())

    def _lose(self) -> None:
        for post in self.roster:
            post.route = None
            post.watch.lost(self._loop.time())

    def _close(self) -> None:
        for conversation in self._conversations:
            conversation.close()
        self._conversations.clear()
        if self.listening is not None:
            self.listening.close()
            self.listening = None

    # What is heard

    def _take(self, conversation: Conversation, step: Step) -> None:
        now = self._loop.time()
        match step:
            case Say():
                self._answer(conversation, step)
            case Sign():
                self._alive(self.roster.find(step.sender, now), step, conversation)
            case Statement():
                post = self.roster.find(step.sender, now)
                post.count("statements")
                post.watch.good()
                conversation.fruitful = True
                self._note(post, "received", step.frame)
                if self._keeper is not None:
                    self._keeper.keep(step, post, conversation)
            case Reply():
                self.questions.heard(self.roster.find(step.message.source, now), step.message)
            case OtherHost():
                self._heard_poll(now)
            case Damage():
                self._damaged(self._post_of(conversation), step)

    def _answer(self, conversation: Conversation, step: Say) -> None:
        now, post = self._loop.time(), self._post_of(conversation)
        if step.mirrors and now - self._mirrored_at < ECHO_S:
            post.count("echoes")
        elif conversation.say(step.data):
            post.count("answered")
            self._note(post, "sent", step.data)
            if step.mirrors:
                self._mirrored_at = now

    def _alive(self, post: PanelPost, sign: Sign, conversation: Conversation) -> None:
        now = self._loop.time()
        post.count("signs")
        post.last = sign.message
        if sign.proves_line:
            post.watch.good()
        post.watch.sign(now)
        if post.route is not conversation:
            post.watch.linked(now)
            post.route = conversation
        conversation.fruitful = True

    def _heard_poll(self, now: float) -> None:
        if now - self._polled_at >= ECHO_S:
            self._other_host_at = now
            post = self.roster.first
            if speaks(post.panel):
                post.trouble = panel_fault("other_host")

    def _damaged(self, post: PanelPost, damage: Damage) -> None:
        post.count("noise" if damage.flaw.code == "noise" else "damaged")
        self._note(post, "damaged", damage.data)
        if damage.flaw.code not in MANNERS[post.panel.protocol].benign:
            post.watch.bad()

    def _post_of(self, conversation: Conversation) -> PanelPost:
        """Who was heard in it last, else the first panel."""
        return next((post for post in self.roster if post.route is conversation), self.roster.first)

    # What is said

    async def _poll(self, poll: Poll) -> None:
        """Polls while no other host does."""
        self._other_host_at = self._loop.time()
        while True:
            await asyncio.sleep(poll.every_s)
            post, now = self.roster.first, self._loop.time()
            if now - self._other_host_at < LISTEN_FIRST_S:
                continue
            if post.trouble is not None and post.trouble.code == "panel.other_host":
                post.trouble = None
            if post.say(poll.build()):
                self._polled_at = now
                post.count("polls")

    async def _look(self, sink: Sink) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._supervision.look(sink)
            self._renew(self._loop.time())

    def _renew(self, now: float) -> None:
        """A network connection on which a panel falls silent may be dead without anybody having said so."""
        if isinstance(self.line, SerialLine | TcpServerLine | UdpLine):
            return
        for post in self.roster:
            if post.route is not None and post.watch.silent(now):
                post.route.close()
                post.route.lost(panel_fault("stale"))

    def _note(self, post: PanelPost, direction: str, data: bytes) -> None:
        post.note(RawFrame(self.clock.wall_ms(), direction, data.hex(" ")))  # type: ignore[arg-type]

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    @staticmethod
    def _way(post: PanelPost) -> tuple[str, bool]:
        return post.panel.protocol, speaks(post.panel)
