"""Who is connected through one radio: few slots, many wearables.

One attempt at a time, because an adapter can do no more.  Free slots go by priority, then to whoever waited longest.
Where there are none, a less important device gives way at once, and one of the same importance after its turn.
Where several radios hear a device, the one that hears it best takes it; a connection that it already holds, and an
attempt that failed, count as so many decibels.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from courtyard.drivers.ble.candidates import SETTLE_S, Candidate, Candidates, Connects, Session
from courtyard.drivers.ble.gatt.current_time import encode
from courtyard.drivers.ble.post import Post
from courtyard.drivers.ble.radio import Heard, Link, LinkFailed, NotPaired, Radio

TURN_S = 60.0
"""So long a connection may last while somebody of the same importance waits for one."""
DONE_S = 10.0
"""A meter that says nothing for so long has nothing more to say."""
LOAD_DB, FAILED_DB = 6, 20
QUIET_AFTER = 2
"""After so many attempts in a row that failed, the scan is paused for the next ones: cheap adapters need that."""
CLOCK, BATTERY = 0x2A2B, 0x2A19


class Connections:
    """All connections of one radio while it is up; a new one is made each time it comes up.

    `candidates` are shared by all radios; `said` gets each notification; `tried` is told whether an attempt succeeded.
    """

    def __init__(
        self,
        radio: Radio,
        slots: int,
        candidates: Candidates,
        said: Callable[[Post, int, bytes], None],
        tried: Callable[[Post, bool], None],
        local_time: Callable[[], datetime.datetime],
    ) -> None:
        self._radio, self._slots, self._said, self._tried = radio, slots, said, tried
        self._candidates, self._local_time = candidates, local_time
        self._loop = asyncio.get_running_loop()
        self._sessions: set[Session] = set()
        self._news = asyncio.Event()
        self._attempt = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def heard(self, post: Post, heard: Heard) -> None:
        """A device that may be connected to has advertised."""
        candidate = self._candidates.heard(self, post, heard, self._loop.time())
        if candidate.session is None and not self._attempt.locked():
            self._news.set()

    def look(self) -> None:
        """There may be somebody to connect to."""
        self._news.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """No attempt is made meanwhile."""
        async with self._attempt:
            yield
        self._news.set()

    async def run(self) -> None:
        """Connects until cancelled; every connection ends with it."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._keep_connecting(group)
        finally:
            self._candidates.deaf(self)

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
        session = candidate.session = Session(candidate, self._loop.time())
        self._sessions.add(session)
        await self._attempt.acquire()
        group.create_task(self._session(session)).add_done_callback(lambda _: self._ended(session))
        async with self._attempt:
            return

    def _ended(self, session: Session) -> None:
        self._sessions.discard(session)
        session.candidate.session = None
        self._news.set()

    def _next(self) -> Candidate | None:
        """Who is connected next; makes somebody give way where that is due."""
        now_s = self._loop.time()
        waiting = [each for each in self._candidates if self._waits(each, now_s)]
        if not waiting:
            return None
        first = min(waiting, key=Candidate.rank)
        if len(self._sessions) < self._slots:
            return first
        if not any(session.leave.is_set() for session in self._sessions):
            session = self._giving_way(first, now_s)
            if session is not None:
                session.leave.set()
        return None

    def _waits(self, candidate: Candidate, now_s: float) -> bool:
        """Whether a device waits for this radio: no other one is in a better position to take it."""
        if candidate.session is not None or now_s < candidate.not_before_s:
            return False

        def worth(by: Connects) -> tuple[bool, int, int]:
            """Whether a radio has its keys, how ready it is, and how well it would do."""
            hearing = candidate.heard_by[by]
            return (
                hearing.paired,
                by.readiness(candidate, now_s),
                hearing.rssi - LOAD_DB * len(by) - FAILED_DB * hearing.failures,
            )

        heard = [by for by, hearing in candidate.heard_by.items() if candidate.fresh(hearing, now_s)]
        if self not in heard or (len(heard) < len(candidate.heard_by) and now_s < candidate.since_s + SETTLE_S):
            return False
        return max(heard, key=worth) is self

    def readiness(self, candidate: Candidate, now_s: float) -> int:
        """3 with a free slot, 2 with one once the present attempt is over, 1 where somebody would give way, or 0."""
        if len(self._sessions) < self._slots:
            return 2 if self._attempt.locked() else 3
        return int(self._giving_way(candidate, now_s) is not None)

    def _giving_way(self, candidate: Candidate, now_s: float) -> Session | None:
        """The connection that a device may have ended."""

        def worth(session: Session) -> tuple[int, float]:
            return -session.candidate.priority, session.since_s

        session = min(self._sessions, key=worth)
        mine, other = candidate.priority, session.candidate.priority
        due = mine < other or (mine == other and now_s - session.since_s >= TURN_S)
        return session if due else None

    def _pause_s(self) -> float:
        now_s = self._loop.time()
        pauses = [each.not_before_s - now_s for each in self._candidates if each.not_before_s > now_s]
        return max(0.01, min([1.0, *pauses]))

    async def _session(self, session: Session) -> None:
        candidate, now_s = session.candidate, self._loop.time
        hearing = candidate.heard_by[self]
        try:
            link = await self._radio.connect(hearing.handle, scan_paused=hearing.failures >= QUIET_AFTER)
        except LinkFailed as failure:
            candidate.post.counts["connect_failures"] += 1
            if candidate.errand is not None:
                candidate.errand.failed(failure)
            if candidate.listened_to:
                candidate.failed(self, now_s())
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
        except NotPaired:
            candidate.post.counts["session_failures"] += 1
            candidate.not_paired()
        except LinkFailed:
            candidate.post.counts["session_failures"] += 1
            candidate.failed(self, now_s())
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
        session.candidate.served(self, self._loop.time())
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
            while True:
                told_s = session.told_s
                patience_left_s = max(0.0, told_s + patience_s - self._loop.time())
                ended, _ = await asyncio.wait(ends, timeout=patience_left_s, return_when=asyncio.FIRST_COMPLETED)
                if ended:
                    return
                if session.told_s == told_s:
                    if profile.connect == "always":
                        session.candidate.post.counts["stale_sessions"] += 1
                    return
        finally:
            for end in ends:
                end.cancel()
