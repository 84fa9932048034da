"""What a monitoring centre may want of its transmission devices: to know, to set their clock, to call for the guard.

None of it touches a panel; initialisation (type 89) cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from courtyard.drivers.base import DriverError
from courtyard.drivers.fire.faults import panel_fault
from courtyard.drivers.fire.gb26875 import centre
from courtyard.drivers.fire.gb26875.asking import Asking
from courtyard.drivers.fire.gb26875.frame import Link, Message
from courtyard.drivers.fire.gb26875.objects import InformationObject
from courtyard.drivers.fire.gb26875.wire import TimeTag
from courtyard.drivers.fire.post import PanelPost
from courtyard.drivers.fire.roster import Roster


class Questions:
    """For the transmission devices of one line; serial numbers run per device.

    Every method raises DriverError when the device is unknown, absent, silent or refuses, and ValueError for what
    the standard does not allow.
    """

    def __init__(self, roster: Roster, now: Callable[[], TimeTag]) -> None:
        self._roster, self._now = roster, now

    async def ask(self, device: str, kind: int, objects: Sequence[InformationObject]) -> Message:
        """The answer to a request of type 61 to 68, 81, 84 to 86 or 88."""
        return await self._put(device, lambda link, serial: centre.ask(link, kind, objects, serial, self._now()))

    async def synchronise_clock(self, device: str) -> Message:
        """Sets the device's clock to the gateway's; the confirmation."""
        return await self._put(
            device, lambda link, serial: centre.synchronise_clock(link, self._now(), serial, self._now())
        )

    async def check_patrol(self, device: str, minutes: int) -> Message:
        """Calls for the person on duty; the confirmation.  The person's answer comes as an event of its own."""
        return await self._put(device, lambda link, serial: centre.check_patrol(link, minutes, serial, self._now()))

    def heard(self, post: PanelPost, message: Message) -> None:
        """A device replies."""
        if post.asking is not None:
            post.asking.heard(message)

    async def _put(self, device: str, build: Callable[[Link, int], bytes]) -> Message:
        post = self._roster.get(device)
        if post is None or post.panel.protocol != "gb26875":
            raise DriverError(panel_fault("ask.unknown", device=device), device)
        if post.route is None or post.last is None:
            raise DriverError(panel_fault("ask.absent", device=device), device)
        link = Link.back(post.last)
        if post.asking is None:
            post.asking = Asking(device, post.say)
        return await post.asking.ask(lambda serial: build(link, serial))
