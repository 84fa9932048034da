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
from courtyard.drivers.fire.framing import Damage
from courtyard.drivers.fire.gb26875.questions import Questions
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.host import ECHO_S, Host
from courtyard.drivers.fire.keeper import Keeper
from courtyard.drivers.fire.links import Links
from courtyard.drivers.fire.manners import MANNERS, speaks
from courtyard.drivers.fire.post import PanelPost, RawFrame
from courtyard.drivers.fire.protocols import PANELS
from courtyard.drivers.fire.roster import Roster
from courtyard.drivers.fire.settings import FirePanel
from courtyard.drivers.fire.speech import OtherHost, Reply, Say, Sign, Statement, Step, speech_of
from courtyard.drivers.fire.supervision import LOOK_S, Supervision
from courtyard.drivers.lines.listening import ListeningLine
from courtyard.drivers.lines.settings import LineSettings
from courtyard.drivers.lines.wire import OpenWire, open_wire
from courtyard.drivers.modbus.faults import device_fault
from courtyard.drivers.progress import Progress


class PanelDriver:
    """Driver, Adjusts, Counts, Progresses and Traces of `drivers.base` for one line.  Make it inside the event loop.

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
        self._loop = asyncio.get_running_loop()
        self.roster = Roster(line.name, panels, self._loop.time())
        self._progress = Progress()
        self.links = Links(line, self.roster, self._progress, self._converse, open_line, chance)
        self._host = Host(self.roster, self._progress)
        self._keeper: Keeper | None = None
        self._supervision = Supervision(lambda: self.roster, clock, self.roster.strangers)
        self.questions = Questions(self.roster, self.local_time)
        """What may be asked of transmission devices (GB/T 26875.3)."""
        self._clocks = Clocks(self.roster, self.questions, trusted)
        self._mirrored_at = -ECHO_S

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
                group.create_task(self._host.run(poll))
            await self.links.run(lambda fault: self._supervision.tell(sink, self.line.name, fault))

    def adjust(self, panels: Sequence[FirePanel]) -> None:
        """Takes a new list of panels; those that did not change keep their state.  Raises ValueError.

        The protocol of a line, and whether it may be spoken on, change only with a new driver.
        """
        if panels and (panels[0].protocol, speaks(panels[0])) != self._way(self.roster.first):
            raise ValueError("the protocol of a line changes only with a new driver")
        for post in self.roster.take(panels, self._loop.time()):
            self._supervision.forget(post.id)
        self.links.link_all()

    def on_time(self) -> bool:
        """Whether the line is open, being opened or waited for, the polls go out, and the panels are looked after."""
        return self._progress.on_time

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per panel: `signs`, `statements`, `kept`, `not_kept`, `acknowledged`, `repeats`, `damaged`, `noise`,
        `answered`, `echoes`, `polls`, `overflow`, `clock_set`, `clock_refused`; for the line what `Links` counts."""
        return {post.id: dict(post.counts) for post in self.roster} | {self.line.name: self.links.counters()}

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

    def _converse(self) -> Conversation:
        panel = self.roster.first.panel
        return Conversation(
            speech_of(panel, self.local_time, lambda sender: self.roster.find(sender, self._loop.time()).panel),
            self._take,
            speaks=speaks(panel),
            patience_ms=PANELS[panel.protocol].shape.patience_ms,
        )

    def _take(self, conversation: Conversation, step: Step) -> None:
        """Does what follows from something heard."""
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
                self._host.heard_poll(now)
            case Damage():
                self._damaged(self.links.speaker(conversation), step)

    def _answer(self, conversation: Conversation, step: Say) -> None:
        now, post = self._loop.time(), self.links.speaker(conversation)
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

    def _damaged(self, post: PanelPost, damage: Damage) -> None:
        post.count("noise" if damage.flaw.code == "noise" else "damaged")
        self._note(post, "damaged", damage.data)
        if damage.flaw.code not in MANNERS[post.panel.protocol].benign:
            post.watch.bad()

    async def _look(self, sink: Sink) -> None:
        while True:
            self._progress.expect("look", LOOK_S)
            await asyncio.sleep(LOOK_S)
            await self._supervision.look(sink)
            self.links.renew()

    def _note(self, post: PanelPost, direction: str, data: bytes) -> None:
        post.note(RawFrame(self.clock.wall_ms(), direction, data.hex(" ")))  # type: ignore[arg-type]

    @staticmethod
    def _way(post: PanelPost) -> tuple[str, bool]:
        return post.panel.protocol, speaks(post.panel)
