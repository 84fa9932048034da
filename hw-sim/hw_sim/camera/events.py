"""Event service with PullPoint subscriptions (ONVIF Core Specification, section 9; WS-BaseNotification)."""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections import deque
from collections.abc import Callable, Mapping

from hw_sim.camera.mischief import Mischief
from hw_sim.camera.soap import Request, SoapFault, duration_s, instant

SLOTS = 4
"""Subscriptions that a camera holds at a time."""
MOST_WAITING = 200
"""Notifications that wait for a subscriber."""
_UNKNOWN = SoapFault("wsrf-rw:ResourceUnknownFault", "unknown subscription")


class Subscription:
    """One PullPoint: what waits for it, and until when it lives, in seconds of the loop."""

    def __init__(self, until_s: float) -> None:
        self.until_s = until_s
        self.waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self.news = asyncio.Event()


class Events:
    """`emit` tells all subscribers; `states` is what a new one is told first."""

    def __init__(
        self, now: Callable[[], datetime.datetime], mischief: Mischief, states: Callable[[], list[str]]
    ) -> None:
        self._now, self._mischief, self._states = now, mischief, states
        self.subscriptions: dict[str, Subscription] = {}

    def emit(self, notification: str) -> None:
        for subscription in self.subscriptions.values():
            subscription.waiting.append(notification)
            subscription.news.set()

    def message(
        self, topic: str, source: Mapping[str, str], data: Mapping[str, str], operation: str = "Changed"
    ) -> str:
        """One notification of now."""
        return (
            '<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"{topic}</wsnt:Topic><wsnt:Message>"
            f'<tt:Message UtcTime="{instant(self._now())}" PropertyOperation="{operation}">'
            f"<tt:Source>{_items(source)}</tt:Source><tt:Data>{_items(data)}</tt:Data>"
            "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
        )

    def create(self, request: Request, base: str) -> str:
        """CreatePullPointSubscription."""
        self._forget_old()
        if "slots" in self._mischief or len(self.subscriptions) >= SLOTS:
            raise SoapFault("ter:MaxPullPoints", "no subscription is left")
        lease_s = self._granted(request.text("InitialTerminationTime"))
        name = secrets.token_hex(4)
        self.subscriptions[name] = subscription = Subscription(_time() + lease_s)
        subscription.waiting.extend(self._states())
        subscription.news.set()
        return (
            f"<tev:SubscriptionReference><wsa:Address>{base}/onvif/subscription/{name}</wsa:Address>"
            f"</tev:SubscriptionReference>{self._times('wsnt', lease_s)}"
        )

    async def subscription(self, request: Request) -> str:
        """PullMessages, Renew, Unsubscribe, SetSynchronizationPoint on one subscription."""
        self._forget_old()
        name = request.path.rpartition("/")[2]
        subscription = self.subscriptions.get(name)
        if subscription is None:
            raise _UNKNOWN
        match request.operation:
            case "PullMessages":
                if "pull" in self._mischief:
                    raise SoapFault("ter:Action", "cannot pull", 500)
                await self._wait(subscription, duration_s(request.text("Timeout"), 5.0))
                most = int(request.text("MessageLimit") or 10)
                taken = [subscription.waiting.popleft() for _ in range(min(most, len(subscription.waiting)))]
                return self._times("tev", subscription.until_s - _time()) + "".join(taken)
            case "Renew":
                if "renew" in self._mischief:
                    raise SoapFault("ter:InvalidArgVal", "no renewal")
                lease_s = self._granted(request.text("TerminationTime"))
                subscription.until_s = _time() + lease_s
                return self._times("wsnt", lease_s)
            case "Unsubscribe":
                del self.subscriptions[name]
                subscription.news.set()
                return ""
            case "SetSynchronizationPoint":
                subscription.waiting.extend(self._states())
                subscription.news.set()
                return ""
        raise SoapFault("ter:ActionNotSupported", request.operation, 500)

    async def _wait(self, subscription: Subscription, timeout_s: float) -> None:
        if subscription.waiting:
            return
        subscription.news.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await subscription.news.wait()
        except TimeoutError:
            return  # nothing happened: an empty answer

    def _forget_old(self) -> None:
        for name in [name for name, each in self.subscriptions.items() if each.until_s < _time()]:
            del self.subscriptions[name]

    def _granted(self, asked: str | None) -> float:
        """So many seconds a subscription lives: a camera may grant less than is asked for."""
        asked_s = duration_s(asked, 60.0)
        return min(asked_s, self._mischief.value("lease")) if "lease" in self._mischief else asked_s

    def _times(self, prefix: str, lease_s: float) -> str:
        now = self._now()
        until = now + datetime.timedelta(seconds=lease_s)
        return (
            f"<{prefix}:CurrentTime>{instant(now)}</{prefix}:CurrentTime>"
            f"<{prefix}:TerminationTime>{instant(until)}</{prefix}:TerminationTime>"
        )


def _items(items: Mapping[str, str]) -> str:
    return "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in items.items())


def _time() -> float:
    return asyncio.get_running_loop().time()
