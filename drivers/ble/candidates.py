"""The devices that may be connected to, as all radios of a driver know them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

from courtyard.drivers.base import DriverError
from courtyard.drivers.ble.faults import wearable_fault
from courtyard.drivers.ble.post import Post
from courtyard.drivers.ble.radio import Heard, Link, LinkFailed

FRESH_S = 10.0
"""An advert older than this does not say that the device is still there."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 60.0
SETTLE_S = 0.1
"""So long a device that several radios hear waits for all of them to have heard it, so that the best one takes it."""
ERRAND, ERRAND_FRESH_S = 0, 30.0
"""The priority of errands, before all profiles; and how old an advert may be for one: the attempt itself tells."""
TROUBLE = 5
"""So many attempts in a row fail before people are told."""


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


class Hearing(NamedTuple):
    """How one radio last heard a device.  `failures` counts its attempts in a row."""

    handle: Any
    at_s: float
    rssi: int
    paired: bool
    failures: int = 0


class Connects(Protocol):
    """The connections of one radio, as candidates know them."""

    def __len__(self) -> int:
        """How many there are."""

    def look(self) -> None:
        """There may be somebody to connect to."""

    def readiness(self, candidate: Candidate, now_s: float) -> int:
        """How soon it could take a device; 0: not at all."""


class Candidate:
    """What is known of one device, whoever hears it."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.heard_by: dict[Connects, Hearing] = {}
        self.session: Session | None = None
        self.served_s = self.since_s = -FRESH_S
        """When its last connection ended, and when it was first heard after that."""
        self.not_before_s = 0.0
        self.failures = 0
        self.errand: Errand | None = None
        self.away = False
        """Somebody else, who pairs it, has it for now."""

    @property
    def listened_to(self) -> bool:
        """Whether it has something to say in a connection."""
        return self.post.device.profile.connect != "never"

    @property
    def priority(self) -> int:
        return self.post.device.profile.priority if self.errand is None else ERRAND

    def rank(self) -> tuple[int, float]:
        return self.priority, self.served_s

    def fresh(self, hearing: Hearing, now_s: float) -> bool:
        """Whether a radio that heard it so may connect to it now."""
        if self.away or (self.post.device.profile.paired and not hearing.paired):
            return False
        if self.errand is not None:
            return now_s - hearing.at_s < ERRAND_FRESH_S
        return self.listened_to and now_s - hearing.at_s < FRESH_S and hearing.at_s > self.served_s

    def failed(self, by: Connects, now_s: float) -> None:
        """The next attempt is made later, and rather by another radio."""
        hearing = self.heard_by.get(by)
        if hearing is not None:
            self.heard_by[by] = hearing._replace(failures=hearing.failures + 1)
        self.failures += 1
        self.not_before_s = now_s + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.failures, 10))
        if self.failures >= TROUBLE:
            self.post.trouble = wearable_fault("no_connection", self.post.device.id)

    def not_paired(self) -> None:
        """It wants keys; without them there is no use in trying."""
        self.not_before_s = asyncio.get_running_loop().time() + LONGEST_PAUSE_S
        self.post.trouble = wearable_fault("not_paired", self.post.device.id)

    def served(self, by: Connects, now_s: float) -> None:
        hearing = self.heard_by.get(by)
        if hearing is not None:
            self.heard_by[by] = hearing._replace(failures=0)
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


class Candidates:
    """All of one driver, by address.  A device is connected to through one radio at a time."""

    def __init__(self) -> None:
        self._known: dict[str, Candidate] = {}

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._known.values())

    def heard(self, by: Connects, post: Post, heard: Heard, now_s: float) -> Candidate:
        """A device that may be connected to has advertised."""
        candidate = self._of(post)
        last = candidate.heard_by.get(by)
        failures = 0 if last is None else last.failures
        if candidate.since_s <= candidate.served_s or last is None:
            candidate.since_s = now_s
            asyncio.get_running_loop().call_later(SETTLE_S, by.look)
        if post.device.profile.paired and not any(each.paired for each in candidate.heard_by.values()):
            candidate.not_paired()
            candidate.not_before_s = 0.0
        candidate.heard_by[by] = Hearing(heard.handle, now_s, heard.rssi, heard.paired, failures)
        return candidate

    def deaf(self, by: Connects) -> None:
        """A radio went down: what it heard is worth nothing, and what it tried says nothing about the devices."""
        for candidate in self._known.values():
            if candidate.heard_by.pop(by, None) is None:
                continue
            candidate.failures, candidate.not_before_s = 0, 0.0
            if candidate.errand is not None and not candidate.heard_by:
                candidate.errand.failed(Interrupted("the radio went down"))

    def forget(self, addresses: Iterable[str]) -> None:
        """These devices are not of this site any more, or mean something else now."""
        for address in addresses:
            candidate = self._known.pop(address, None)
            if candidate is not None and candidate.session is not None:
                candidate.session.leave.set()

    @asynccontextmanager
    async def kept_away(self, address: str) -> AsyncIterator[None]:
        """Nobody connects to this device meanwhile, and who has is gone."""
        candidate = self._known.get(address)
        if candidate is None:
            yield
            return
        candidate.away = True
        try:
            while candidate.session is not None:
                candidate.session.leave.set()
                await asyncio.sleep(SETTLE_S)
            yield
        finally:
            candidate.away, candidate.not_before_s, candidate.failures = False, 0.0, 0

    async def visit(self, post: Post, do: Callable[[Link], Awaitable[None]]) -> None:
        """Does something at a device once: in the connection that it has, or in one made for it as soon as it is heard.

        One at a time for each device.  Raises LinkFailed, and what `do` raises.
        """
        candidate = self._of(post)
        session = candidate.session
        if candidate.errand is not None:
            raise LinkFailed("busy")
        errand = Errand(do)
        if session is not None and session.link is not None and not session.link.lost.is_set():
            await errand.run(session.link)
            return errand.done.result()
        candidate.errand, candidate.not_before_s = errand, 0.0
        for radio in candidate.heard_by:
            radio.look()
        try:
            await errand.done
        finally:
            candidate.errand = None

    def _of(self, post: Post) -> Candidate:
        candidate = self._known.get(post.device.address)
        if candidate is None:
            candidate = self._known[post.device.address] = Candidate(post)
        return candidate
