"""What a platform engineer would write from the wire contract alone: a subscriber that keeps books.

`Ledger` is the pure part: batches in, records out once each; it keeps the ranges of every (epoch, lane),
drops repeats, and can say which sequence numbers are missing.  `Consumer` feeds it from a broker.
Nothing here shares code with the agent.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

Key = tuple[str, str]
"""Epoch and lane."""


class Ranges:
    """A set of integers as sorted, disjoint, inclusive ranges."""

    def __init__(self) -> None:
        self._ranges: list[list[int]] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter([(first, last) for first, last in self._ranges])

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._ranges, [number, 1 << 62]) - 1
        return at >= 0 and number <= self._ranges[at][1]

    def add(self, first: int, last: int) -> None:
        """Adds first..last; touching ranges become one."""
        start = bisect_right(self._ranges, [first, 1 << 62])
        if start and self._ranges[start - 1][1] >= first - 1:
            start -= 1
        end = start
        while end < len(self._ranges) and self._ranges[end][0] <= last + 1:
            first, last = min(first, self._ranges[end][0]), max(last, self._ranges[end][1])
            end += 1
        self._ranges[start:end] = [[first, last]]

    def holes(self) -> list[tuple[int, int]]:
        """What is missing between the smallest and the greatest number."""
        pairs = zip(self._ranges, self._ranges[1:], strict=False)
        return [(left[1] + 1, right[0] - 1) for left, right in pairs]


class Seen(NamedTuple):
    """One record that was not seen before."""

    epoch: str
    lane: str
    seq: int
    record: dict[str, Any]


class Ledger:
    """Keeps the books over batches of the native format v1.

    covered  per (epoch, lane), every number that a batch or a told gap accounts for
    seqs     per (epoch, lane), every record received
    gaps     every gap told, as it was told, with its epoch
    repeats  records dropped because they had been seen
    disorder records that came after a greater number of their (epoch, lane)
    """

    def __init__(self) -> None:
        self.covered: defaultdict[Key, Ranges] = defaultdict(Ranges)
        self.seqs: defaultdict[Key, Ranges] = defaultdict(Ranges)
        self.gaps: list[tuple[str, dict[str, Any]]] = []
        self.records = 0
        self.repeats = 0
        self.disorder = 0
        self.batches = 0
        self._greatest: dict[Key, int] = {}

    def take(self, payload: bytes) -> list[Seen]:
        """Books one message and gives back what is new in it.  Raises on anything that breaks the contract."""
        batch = msgspec.json.decode(payload)
        if batch["v"] != 1:
            raise ValueError(f"version {batch['v']}")
        key: Key = (batch["epoch"], batch["lane"])
        seqs, fresh = self.seqs[key], []
        previous = batch["from"] - 1
        for record in batch["records"]:
            seq = record["seq"]
            if not previous < seq <= batch["to"]:
                raise ValueError(f"seq {seq} is out of place in {batch['from']}..{batch['to']}")
            previous = seq
            if seq in seqs:
                self.repeats += 1
                continue
            self.disorder += seq < self._greatest.get(key, 0)
            self._greatest[key] = max(seq, self._greatest.get(key, 0))
            seqs.add(seq, seq)
            fresh.append(Seen(*key, seq, record))
        for gap in batch["gaps"]:
            self.gaps.append((batch["epoch"], gap))
            self.covered[batch["epoch"], gap["lane"]].add(gap["from"], gap["to"])
        if batch["from"] <= batch["to"]:
            self.covered[key].add(batch["from"], batch["to"])
        self.batches += 1
        self.records += len(fresh)
        return fresh

    def missing(self) -> dict[Key, list[tuple[int, int]]]:
        """Ranges that nothing accounts for, per (epoch, lane); empty when the books balance."""
        return {key: holes for key, ranges in self.covered.items() if (holes := ranges.holes())}


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
        self.wait(lambda: self.subscribed, 10.0)

    def wait(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Returns when the condition holds; it is looked at after every arrival.  Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    if condition():
                        return
                    raise TimeoutError(f"{self.ledger.records} records, {self.ledger.batches} batches")

    def wait_subscribed(self, timeout_s: float = 20.0) -> None:
        """Returns when the subscription stands, again after a broker's restart."""
        self.wait(lambda: self.subscribed, timeout_s)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publishes on a topic of the gateway (a command, for instance); returns when the broker has it."""
        self._client.publish(self._prefix + topic, payload, qos=1, retain=retain).wait_for_publish(10.0)

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
