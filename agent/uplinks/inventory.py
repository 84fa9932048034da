"""Which devices the platform should know, and what must be published until it does: the difference only."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class Inventory:
    """Retained payloads by device: those wanted, and those that the broker is believed to hold.

    `learn` takes what the broker is found to hold, so that a device removed while the agent was away is emptied.
    Nothing is published before `want` was called once.
    """

    def __init__(self) -> None:
        self._wanted: Mapping[str, bytes] | None = None
        self._held: dict[str, bytes] = {}
        self._queue: deque[str] = deque()

    def want(self, devices: Mapping[str, bytes]) -> None:
        """Sets the whole inventory; what did not change is not published again."""
        self._wanted = dict(devices)
        self.restart()

    def learn(self, device: str, payload: bytes) -> None:
        """The broker holds this payload."""
        self._held[device] = payload
        if self._wanted is not None and self._wanted.get(device) != payload:
            self._queue.append(device)

    def forget(self) -> None:
        """The broker has lost what it held."""
        self._held.clear()

    def restart(self) -> None:
        """Queues every difference: for a new connection, and when something was not acknowledged."""
        wanted = self._held if self._wanted is None else self._wanted
        self._queue = deque(name for name in {**wanted, **self._held} if wanted.get(name) != self._held.get(name))

    def next(self) -> tuple[str, bytes] | None:
        """The next device to publish with its payload (empty: removed); None when nothing is left."""
        while self._queue and self._wanted is not None:
            device = self._queue.popleft()
            payload = self._wanted.get(device, b"")
            if payload != self._held.get(device, b""):
                return device, payload
        return None

    def delivered(self, device: str, payload: bytes) -> None:
        """The broker has acknowledged it."""
        if payload:
            self._held[device] = payload
        else:
            self._held.pop(device, None)
