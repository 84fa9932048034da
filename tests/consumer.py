"""What a platform engineer would write from the wire contract alone: a subscriber on a real broker that keeps books.

Nothing here shares code with the agent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from hw_sim.ledger import Ledger, Seen


class Message(NamedTuple):
    """One message as it arrived; `at` is time.monotonic()."""

    topic: str
    payload: bytes
    retained: bool
    at: float


class Consumer:
    """Subscribes to one gateway and keeps its books; a context manager.

    `on_record`, when given, is called for every new record on the network thread, and then nothing is kept
    in memory but the ledger; otherwise `records` and `messages` hold everything.
    """

    def __init__(
        self,
        port: int,
        gateway: str,
        *,
        topics: str = "#",
        qos: int = 1,
        username: str | None = None,
        password: str | None = None,
        on_record: Callable[[Seen, float], None] | None = None,
    ) -> None:
        self.ledger = Ledger()
        self.records: list[Seen] = []
        self.messages: list[Message] = []
        self.errors: list[Exception] = []
        self._prefix = f"courtyard/v1/{gateway}/"
        self._topics = self._prefix + topics
        self._qos = qos
        self._on_record = on_record
        self._changed = threading.Condition()
        self.subscribed = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._on_subscribed
        self._client.on_message = self._message
        self._client.connect("127.0.0.1", port, keepalive=30)
        self._client.loop_start()
        self.wait(lambda: self.subscribed, 60.0)

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Returns when the condition holds; it is looked at after every arrival.  Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    if condition():
                        return
                    raise TimeoutError(f"{self.ledger.records} records, {self.ledger.batches} batches")

    def wait_subscribed(self, timeout_s: float = 60.0) -> None:
        """Returns when the subscription stands, again after a broker's restart."""
        self.wait(lambda: self.subscribed, timeout_s)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publishes on a topic of the gateway (a command, for instance); returns when the broker has it."""
        self._client.publish(self._prefix + topic, payload, qos=1, retain=retain).wait_for_publish(60.0)

    def on(self, topic: str) -> list[Message]:
        """Messages on one topic of the gateway, in order of arrival."""
        with self._changed:
            return [message for message in self.messages if message.topic == self._prefix + topic]

    def bodies(self, lane: str) -> list[dict[str, Any]]:
        """The records of a lane, each once, in order of arrival."""
        with self._changed:
            return [seen.record for seen in self.records if seen.lane == lane]

    def check(self) -> None:
        """Raises when a batch broke the contract or the books do not balance."""
        with self._changed:
            if self.errors:
                raise self.errors[0]
            if missing := self.ledger.missing():
                raise AssertionError(f"missing: {missing}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _connected(self, client: paho.Client, *_: object) -> None:
        client.subscribe(self._topics, options=SubscribeOptions(qos=self._qos, noLocal=True))

    def _disconnected(self, *_: object) -> None:
        with self._changed:
            self.subscribed = False
            self._changed.notify_all()

    def _on_subscribed(self, *_: object) -> None:
        with self._changed:
            self.subscribed = True
            self._changed.notify_all()

    def _message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        at = time.monotonic()
        lane, payload = message.topic.removeprefix(self._prefix), bytes(message.payload)
        with self._changed:
            if self._on_record is None:
                self.messages.append(Message(message.topic, payload, message.retain, at))
            if lane in ("alarm", "event", "reading"):
                try:
                    fresh = self.ledger.take(payload)
                except Exception as error:
                    self.errors.append(error)
                    fresh = []
                if self._on_record is None:
                    self.records.extend(fresh)
                else:
                    for seen in fresh:
                        self._on_record(seen, at)
            self._changed.notify_all()
