"""paho's client, made cheaper where it is called for every message, and asked what it saw on its socket.

Two methods of paho 2 are replaced that are not part of its public interface; the tests hold them against the paho
in the lock file.  Were they renamed in paho, its own would take over: slower, but right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

READ_BYTES = 16_384
"""The size of a TLS record; some thousand acknowledgements."""


class Client(paho.Client):
    """A paho client of one session, with its own reconnection and its own limit of messages in flight switched off.

    Acknowledgements go to `on_puback` with the number and the reason code of a message.  paho itself builds two
    reason code tables and a property table for each, and breaks the connection on a reason code that its tables do
    not list for PUBACK (0x95, which mosquitto sends).  Nor does it read ahead: a packet costs it three system calls.
    """

    def __init__(self, version: int, client_id: str, on_puback: Callable[[int, int], None]) -> None:
        protocol = MQTTProtocolVersion(version)
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if protocol == paho.MQTTv5 else True,
            protocol=protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.max_inflight_messages = 0
        self.on_publish = lambda _client, _userdata, mid, reason, _properties: on_puback(mid, reason.value)
        self._on_puback = on_puback
        self._received, self._taken = b"", 0

    @property
    def buffered(self) -> bool:
        """Whether bytes have been read from the socket that `loop_read` has not looked at yet."""
        return self._taken < len(self._received)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._taken >= len(self._received):
            self._received, self._taken = super()._sock_recv(max(bufsize, READ_BYTES)), 0
        start, self._taken = self._taken, self._taken + bufsize
        return self._received[start : self._taken]

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        if cmd != "PUBACK" or len(packet) < 2:
            return super()._handle_pubackcomp(cmd)
        mid = packet[0] << 8 | packet[1]
        if self._out_messages.pop(mid, None) is not None:
            self._inflight_messages -= 1
            self._on_puback(mid, packet[2] if len(packet) > 2 else 0)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


class LastError(logging.Handler):
    """Keeps the last exception that paho saw on its socket; paho only logs it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.error: OSError | None = None
        self.logger = logging.Logger("paho", logging.ERROR)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple):
            self.error = next((arg for arg in record.args if isinstance(arg, OSError)), self.error)
