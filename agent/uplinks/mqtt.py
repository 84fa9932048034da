"""One MQTT connection: paho, driven by the event loop of the daemon and without a thread of its own.

`dial` blocks and is for a thread (`connect` has it); from `start` on, the socket belongs to the loop.
A session is used once: paho's own resending never happens, what is unacknowledged goes back to the journal.

Sources: MQTT 5.0 (OASIS 2019) and MQTT 3.1.1 (OASIS 2014); paho's "external event loop support".
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from courtyard.agent.uplinks import faults, reasons
from courtyard.agent.uplinks.broker import MAX_IN_FLIGHT, MAX_PACKET_BYTES, Incoming, Limits, Will
from courtyard.agent.uplinks.client import Client, LastError
from courtyard.agent.uplinks.endpoint import Endpoint
from courtyard.agent.uplinks.faults import Refused
from courtyard.drivers.base import Fault

KEEPALIVE_S = 20
"""A peer that says nothing for twice this long is given up."""
MISC_EVERY_S = 2.0
CLOSE_TIMEOUT_S = 1.0
MAX_INCOMING_BYTES = 256 * 1024
MAX_INCOMING_MESSAGES = 20
READS_IN_A_ROW = 64
UNSUPPORTED_VERSION = 0x84


class Session:
    """A connection from CONNECT to its end; made by `Connector.open`.

    `ended` completes with the fault that ended it, or None after `close`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        will: Will | None,
        version: int,
        incoming: Callable[[Incoming], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Fault | None] = self._loop.create_future()
        self.version = version
        self.limits = Limits()
        self._endpoint = endpoint
        self._incoming = incoming
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._unacknowledged: dict[int, Callable[[int], None]] = {}
        self._subscribing: dict[int, asyncio.Future[tuple[int, ...]]] = {}
        self._fd: int | None = None
        self._flushing = self._writing = False
        self._timer: asyncio.TimerHandle | None = None
        self._last = LastError()
        client = self._client = Client(version, client_id, self._acknowledged)
        client.enable_logger(self._last.logger)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        client.on_socket_close = self._closing

    @property
    def open(self) -> bool:
        return not self.ended.done()

    def dial(self, stage: Callable[[str], None]) -> None:
        """Looks the name up, connects, agrees on TLS and sends CONNECT.  Blocks; for a thread.

        Raises Refused or OSError.  `stage` is told where it stands.
        """
        endpoint, client = self._endpoint, self._client
        stage("files")
        context = endpoint.tls_context()
        password = endpoint.password()
        if context is not None:
            client.tls_set_context(context)
        if endpoint.settings.username is not None:
            client.username_pw_set(endpoint.settings.username, password)
        stage("name lookup")
        try:
            socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise Refused(faults.DNS.fault(host=endpoint.host)) from error
        stage("connect")
        clean = paho.MQTT_CLEAN_START_FIRST_ONLY
        properties = None
        if self.version == paho.MQTTv5:
            clean, properties = True, Properties(PacketTypes.CONNECT)
            properties.ReceiveMaximum = MAX_INCOMING_MESSAGES
            properties.MaximumPacketSize = MAX_INCOMING_BYTES
        client.connect_async(endpoint.host, endpoint.port, KEEPALIVE_S, clean_start=clean, properties=properties)
        client.reconnect()
        stage("MQTT")

    async def start(self) -> None:
        """Takes the dialled socket into the loop and waits for CONNACK.  Raises Refused."""
        sock = self._socket()
        if sock is None:
            raise Refused(self._lost())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.on_socket_register_write = self._wants_write
        self._client.on_socket_unregister_write = self._wrote
        self._fd = sock.fileno()
        self._loop.add_reader(self._fd, self._readable)
        self._flush()
        self._misc()
        await self._accepted

    def publish(self, topic: str, payload: bytes, done: Callable[[int], None], *, retain: bool = False) -> None:
        """Sends with QoS 1 and calls `done` with the reason code of the acknowledgement.

        When the session ends first, `done` is never called.
        """
        self._flushing = True
        message = self._client.publish(topic, payload, qos=1, retain=retain)
        self._flushing = False
        if message.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._unacknowledged[message.mid] = done
            self._flush()
        else:  # the socket is gone, or the number of a message 65,535 ago is still unacknowledged
            self.abandon(self._named(reasons.PROTOCOL))

    async def subscribe(self, topics: Mapping[str, int]) -> tuple[int, ...]:
        """Subscribes to topic filters with their QoS; gives the reason codes in their order.  Raises Refused."""
        result, mid = self._client.subscribe(list(topics.items()))
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise Refused(self._lost())
        answer: asyncio.Future[tuple[int, ...]] = self._loop.create_future()
        self._subscribing[mid] = answer
        await asyncio.wait((answer, self.ended), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Refused(self.ended.result() or self._lost())
        return answer.result()

    def unsubscribe(self, topics: Sequence[str]) -> None:
        self._client.unsubscribe(list(topics))

    async def close(self) -> None:
        """Says DISCONNECT, so that no Last Will is published, and ends in at most 1 s."""
        if self.open:
            self._client.disconnect()
            self._flush()
            await asyncio.wait((self.ended,), timeout=CLOSE_TIMEOUT_S)
        self.abandon(None)

    def abandon(self, fault: Fault | None) -> None:
        """Closes the socket without a word; the broker publishes the Last Will."""
        self._detach()
        if sock := self._socket():
            sock.close()
        self._end(fault)

    def _named(self, words: faults.Words, **facts: object) -> Fault:
        return words.fault(host=self._endpoint.host, port=self._endpoint.port, **facts)

    def _lost(self) -> Fault:
        words, name = faults.UNREACHABLE, "closed by peer"
        if self._last.error is not None:
            words, name = faults.error_words(self._last.error)
        if words is faults.UNREACHABLE:
            words = faults.LOST if self._accepted.done() else faults.CLOSED_EARLY
        return self._named(words, error=name)

    def _socket(self) -> socket.socket | None:
        return self._client.socket()  # type: ignore[return-value]  # never a websocket here

    def _readable(self) -> None:
        try:
            for _ in range(READS_IN_A_ROW):
                self._client.loop_read()
                sock = self._socket()
                if sock is None or not (self._client.buffered or getattr(sock, "pending", int)()):
                    return  # TLS and the client may hold bytes that no selector sees
        except Exception as error:
            self._failed(error)
        else:
            self._loop.call_soon(self._readable)

    def _flush(self) -> None:
        try:
            self._client.loop_write()
            if self._client.want_write() and not self._writing and self._fd is not None:
                self._writing = True
                self._loop.add_writer(self._fd, self._flush)
        except Exception as error:
            self._failed(error)

    def _misc(self) -> None:
        self._client.loop_misc()
        if self.open:
            self._timer = self._loop.call_later(MISC_EVERY_S, self._misc)

    def _wants_write(self, *_: object) -> None:
        if not self._flushing:
            self._loop.call_soon(self._flush)

    def _wrote(self, *_: object) -> None:
        if self._writing and self._fd is not None:
            self._loop.remove_writer(self._fd)
        self._writing = False

    def _closing(self, _client: object, _userdata: object, sock: object) -> None:
        """The socket is about to be closed by paho.

        A TLS 1.3 server refuses a client certificate only after the handshake; when that meets our CONNECT, paho
        sees a failed write, and the alert that says why still waits to be read (RFC 8446 section 4.4.2.4).
        """
        self._detach()
        if not self._accepted.done() and isinstance(sock, ssl.SSLSocket):
            try:
                sock.recv(1)
            except (ssl.SSLEOFError, ssl.SSLWantReadError):
                return
            except OSError as error:
                self._last.error = error

    def _detach(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self._fd, self._writing = None, False

    def _failed(self, error: Exception) -> None:
        """A defect of ours or of paho: `ended` raises it where the session is used."""
        if not self.ended.done():
            self.ended.set_exception(error)
        self.abandon(None)

    def _end(self, fault: Fault | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.ended.done():
            self.ended.set_result(fault)
        if not self._accepted.done():
            self._accepted.set_exception(Refused(fault or self._lost()))
            self._accepted.exception()  # nobody may be waiting any more

    def _connected(
        self, _client: object, _userdata: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if self._accepted.done():
            return
        if reason.value:
            words = reasons.REASONS.get(reason.value, reasons.OTHER_REASON)
            self._accepted.set_exception(Refused(self._named(words, reason=hex(reason.value)), reason.value))
            return
        if getattr(properties, "MaximumQoS", 1) < 1:
            self._accepted.set_exception(Refused(self._named(reasons.QOS)))
            return
        self.limits = Limits(
            min(MAX_IN_FLIGHT, getattr(properties, "ReceiveMaximum", MAX_IN_FLIGHT)),
            min(MAX_PACKET_BYTES, getattr(properties, "MaximumPacketSize", MAX_PACKET_BYTES)),
        )
        self._accepted.set_result(None)

    def _disconnected(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            words = reasons.REASONS.get(reason.value, reasons.OTHER_REASON)
            self._end(self._named(words, reason=hex(reason.value)))
        elif reason.value == 0:
            self._end(None)
        elif self.version != paho.MQTTv5 and reason.value == 0x82 and not self._accepted.done():
            # paho has no word for a CONNACK 0x01 of MQTT 3.1.1 (section 3.2.2.3)
            self._accepted.set_exception(Refused(self._named(reasons.VERSION), UNSUPPORTED_VERSION))
        elif reason.value in (0x82, 0x8D):
            self._end(self._named(reasons.REASONS[reason.value]))
        else:
            self._end(self._lost())

    def _acknowledged(self, mid: int, reason: int) -> None:
        if done := self._unacknowledged.pop(mid, None):
            done(reason)

    def _subscribed(
        self, _client: object, _userdata: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        answer = self._subscribing.pop(mid, None)
        if answer is not None and not answer.done():
            answer.set_result(tuple(reason.value for reason in reasons))

    def _message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        mid, qos = message.mid, message.qos
        remaining_s: float | None = getattr(message.properties, "MessageExpiryInterval", None)
        payload, retained = bytes(message.payload), message.retain
        self._incoming(Incoming(message.topic, payload, retained, lambda: self._acknowledge(mid, qos), remaining_s))

    def _acknowledge(self, mid: int, qos: int) -> None:
        if qos:
            self._client.ack(mid, qos)
