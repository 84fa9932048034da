"""The platform's MQTT connection: a durable subscription that survives restarts of the broker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

OnMessage = Callable[[str, bytes], None]


class Subscriber:
    """Receives all that a gateway publishes; calls `on_message(topic, payload)` on its own thread, one at a time."""

    def __init__(
        self,
        port: int,
        gateway: str,
        on_message: OnMessage,
        *,
        host: str = "127.0.0.1",
        client_id: str = "platform",
        topics: str = "#",
    ) -> None:
        """`topics` is what of the gateway's topics to take: all of them by default."""
        self._topics = topics
        self._host, self._port, self._gateway, self._on_message = host, port, gateway, on_message
        self.subscribed = threading.Event()
        self.error: Exception | None = None
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received
        self._client.reconnect_delay_set(1, 2)

    def __enter__(self) -> Subscriber:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 86_400
        properties.ReceiveMaximum = 1_000
        self._client.connect_async(self._host, self._port, keepalive=10, clean_start=False, properties=properties)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Sends a command to the gateway."""
        self._client.publish(topic, payload, qos=1)

    def _connected(self, client: mqtt.Client, userdata: object, flags: object, reason: ReasonCode, _: object) -> None:
        if not reason.is_failure:
            client.subscribe(f"courtyard/v1/{self._gateway}/{self._topics}", qos=1)

    def _subscribed(self, *_: object) -> None:
        self.subscribed.set()

    def _disconnected(self, *_: object) -> None:
        self.subscribed.clear()

    def _received(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            self._on_message(message.topic, bytes(message.payload))
        except Exception as error:
            self.error = self.error or error
            raise
