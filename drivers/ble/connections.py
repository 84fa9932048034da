"""Who is connected: few slots, many wearables.

One attempt at a time, because an adapter can do no more.  Free slots go by priority, then to whoever waited longest.
Where there are none, a less important device gives way at once, and one of the same importance after its turn.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from courtyard.drivers.base import DriverError
from courtyard.drivers.ble.faults import wearable_fault
from courtyard.drivers.ble.gatt.current_time import encode
from courtyard.drivers.ble.post import Post
from courtyard.drivers.ble.radio import Link, LinkFailed, Radio

TURN_S = 60.0
"""So long a connection may last while somebody of the same importance waits for one."""
FRESH_S = 10.0
"""An advert older than this does not say that the device is still there."""
DONE_S = 10.0
"""A meter that says nothing for so long has nothing more to say."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 60.0
ERRAND, ERRAND_FRESH_S = 0, 30.0
"""The priority of errands, before all profiles; and how old an advert may be for one: the attempt itself tells."""
TROUBLE = 5
"""So many attempts in a row fail before people are told."""
CLOCK, BATTERY = 0x2A2B, 0x2A19


class Interrupted(LinkFailed):
    """The radio went down before the device was tried, or while it was."""


class Errand:
    """Something to be done once at a device, before anything else.  `done` has what came of it."""

    def __init__(self, do: Callable[[Link], Awaitable[None]]) -> None:
        self._do = do
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, link: Link) -> None:
        """Never raises for what the device does."""
        try:
            await self._do(link)
        except (LinkFailed, DriverError) as failure:
            self.failed(failure)
        else:
            if not self.done.done():
                self.done.set_result(None)

    def failed(self, failure: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(failure)


class Candidate:
    """What the connections know of one device."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.handle: Any = None
        self.advert_s = self.served_s = -FRESH_S
        self.not_before_s = 0.0
        self.failures = 0
        self.errand: Errand | None = None

    @property
    def listened_to(self) -> bool:
        """Whether it has something to say in a connection."""
        return self.post.device.profile.connect != "never"

    @property
    def priority(self) -> int:
        return self.post.device.profile.priority if self.errand is None else ERRAND

    def rank(self) -> tuple[int, float]:
        return self.priority, self.served_s

    def failed(self, now_s: float) -> None:
        self.failures += 1
        self.not_before_s = now_s + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.failures, 10))
        if self.failures >= TROUBLE:
            self.post.trouble = wearable_fault("no_connection", self.post.device.id)

    def served(self, now_s: float) -> None:
        self.failures, self.post.trouble = 0, None
        self.served_s = now_s


class Session:
    """A device that has a slot, from the attempt to the end of the connection."""

    def __init__(self, candidate: Candidate, now_s: float) -> None:
        self.candidate = candidate
        self.since_s = self.told_s = now_s
        self.leave = asyncio.Event()
        """Set when it should give way."""
        self.link: Link | None = None


class Connections:
    """All connections of one radio while it is up; a new one is made each time it comes up.

    `said` gets each notification; `tried` is told whether an attempt succeeded.
    """

    def __init__(
        self,
        radio: Radio,
        slots: int,
        said: Callable[[Post, int, bytes], None],
        tried: Callable[[Post, bool], None],
        local_time: Callable[[], datetime.datetime],
    ) -> None:
        self._radio, self._slots, self._said, self._tried = radio, slots, said, tried
        self._local_time = local_time
        self._loop = asyncio.get_running_loop()
        self._candidates: dict[str, Candidate] = {}
        self._sessions: dict[str, Session] = {}
        self._news = asyncio.Event()
        self._attempt = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def heard(self, post: Post, handle: Any) -> None:
        """A device that may be connected to has advertised."""
        candidate = self._candidate(post)
        candidate.handle, candidate.advert_s = handle, self._loop.time()
        if post.device.address not in self._sessions and not self._attempt.locked():
            self._news.set()

    async def visit(self, post: Post, do: Callable[[Link], Awaitable[None]]) -> None:
        """Does something at a device once: in the connection that it has, or in one made for it as soon as it is heard.

        One at a time for each device.  Raises LinkFailed, Interrupted of it, and what `do` raises.
        """
        session, candidate = self._sessions.get(post.device.address), self._candidate(post)
        if candidate.errand is not None:
            raise LinkFailed("busy")
        errand = Errand(do)
        if session is not None and session.link is not None and not session.link.lost.is_set():
            await errand.run(session.link)
            return errand.done.result()
        candidate.errand, candidate.not_before_s = errand, 0.0
        self._news.set()
        try:
            await errand.done
        finally:
            candidate.errand = None

    def forget(self, addresses: Iterable[str]) -> None:
        """These devices are not of this site any more, or mean something else now."""
        for address in addresses:
            self._candidates.pop(address, None)
            session = self._sessions.get(address)
            if session is not None:
                session.leave.set()

    async def run(self) -> None:
        """Connects until cancelled; every connection ends with it."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._keep_connecting(group)
        finally:
            for candidate in self._candidates.values():
                if candidate.errand is not None:
                    candidate.errand.failed(Interrupted("the radio went down"))

    async def _keep_connecting(self, group: asyncio.TaskGroup) -> None:
        while True:
            candidate = self._next()
            if candidate is not None and not self._attempt.locked():
                await self._begin(candidate, group)
                continue
            self._news.clear()
            try:
                async with asyncio.timeout(self._pause_s()):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _begin(self, candidate: Candidate, group: asyncio.TaskGroup) -> None:
        """Starts a session and returns when its attempt is over, so that the next one may begin."""
        session = Session(candidate, self._loop.time())
        address = candidate.post.device.address
        self._sessions[address] = session
        await self._attempt.acquire()
        group.create_task(self._session(session)).add_done_callback(lambda _: self._ended(address))
        async with self._attempt:
            return

    def _candidate(self, post: Post) -> Candidate:
        candidate = self._candidates.get(post.device.address)
        if candidate is None:
            candidate = self._candidates[post.device.address] = Candidate(post)
        return candidate

    def _ended(self, address: str) -> None:
        self._sessions.pop(address, None)
        self._news.set()

    def _next(self) -> Candidate | None:
        """Who is connected next; makes somebody give way where that is due."""
        now_s = self._loop.time()
        waiting = [each for each in self._candidates.values() if self._waits(each, now_s)]
        if not waiting:
            return None
        first = min(waiting, key=Candidate.rank)
        if len(self._sessions) < self._slots:
            return first
        if not any(session.leave.is_set() for session in self._sessions.values()):
            self._make_room(first, now_s)
        return None

    def _waits(self, candidate: Candidate, now_s: float) -> bool:
        if candidate.post.device.address in self._sessions or now_s < candidate.not_before_s:
            return False
        if candidate.errand is not None:
            return candidate.handle is not None and now_s - candidate.advert_s < ERRAND_FRESH_S
        fresh = now_s - candidate.advert_s < FRESH_S and candidate.advert_s > candidate.served_s
        return candidate.listened_to and fresh

    def _make_room(self, first: Candidate, now_s: float) -> None:
        def worth(session: Session) -> tuple[int, float]:
            return -session.candidate.priority, session.since_s

        session = min(self._sessions.values(), key=worth)
        mine, other = first.priority, session.candidate.priority
        if mine < other or (mine == other and now_s - session.since_s >= TURN_S):
            session.leave.set()

    def _pause_s(self) -> float:
        now_s = self._loop.time()
        pauses = [each.not_before_s - now_s for each in self._candidates.values() if each.not_before_s > now_s]
        return max(0.01, min([1.0, *pauses]))

    async def _session(self, session: Session) -> None:
        candidate, now_s = session.candidate, self._loop.time
        try:
            link = await self._radio.connect(candidate.handle)
        except LinkFailed as failure:
            candidate.post.counts["connect_failures"] += 1
            if candidate.errand is not None:
                candidate.errand.failed(failure)
            if candidate.listened_to:
                candidate.failed(now_s())
            self._tried(candidate.post, False)
            return
        finally:
            self._attempt.release()
        candidate.post.counts["sessions"] += 1
        self._tried(candidate.post, True)
        session.link = link
        try:
            if candidate.errand is not None:
                await candidate.errand.run(link)
            if candidate.listened_to:
                await self._subscribe(session, link)
                await self._stay(session, link)
        except LinkFailed:
            candidate.post.counts["session_failures"] += 1
            candidate.failed(now_s())
        finally:
            await link.close()
            candidate.served_s = now_s()

    async def _subscribe(self, session: Session, link: Link) -> None:
        post, profile = session.candidate.post, session.candidate.post.device.profile
        if profile.sets_clock and CLOCK in link.characteristics:
            await link.write(CLOCK, encode(self._local_time()))
            post.counts["clocks_set"] += 1
        for name in profile.characteristics:
            uuid = int(name, 16)
            if uuid in link.characteristics:
                await link.subscribe(uuid, partial(self._told, session, uuid))
        if BATTERY in link.characteristics:
            self._said(post, BATTERY, await link.read(BATTERY))
        session.candidate.served(self._loop.time())
        session.told_s = self._loop.time()

    def _told(self, session: Session, uuid: int, value: bytes) -> None:
        session.told_s = self._loop.time()
        self._said(session.candidate.post, uuid, value)

    async def _stay(self, session: Session, link: Link) -> None:
        """Returns when the connection has ended or should end."""
        profile = session.candidate.post.device.profile
        patience_s = DONE_S if profile.connect == "when_heard" else profile.stale_s
        ends = [asyncio.ensure_future(event.wait()) for event in (link.lost, session.leave)]
        try:
            while not any(end.done() for end in ends):
                left_s = session.told_s + patience_s - self._loop.time()
                if left_s <= 0:
                    if profile.connect == "always":
                        session.candidate.post.counts["stale_sessions"] += 1
                    return
                await asyncio.wait(ends, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
