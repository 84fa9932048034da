"""Sending until confirmed: retransmission and serial numbers (GB/T 26875.3-2011, 6.5 and 7), without I/O.

A packet is sent at most three times, 10 s apart, each time the same bytes: same serial number, same time tag.  A
denial brings the next transmission forward.  After the last one the link counts as failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from courtyard.drivers.fire.gb26875.frame import ANSWER, CONFIRM, DENY, Message

TRANSMISSIONS = 3
TIMEOUT_MS = 10_000


class Settled(NamedTuple):
    """The end of one exchange: `reply` is the confirmation or answer.

    It is None when no transmission brought one; `denied` then says that the other side is there but refused.
    """

    key: str
    reply: Message | None
    denied: bool = False


class _Open:
    __slots__ = ("denied", "due_ms", "key", "packet", "sent")

    def __init__(self, key: str, packet: bytes) -> None:
        self.key = key
        self.packet = packet
        self.sent = 0
        self.due_ms = 0
        self.denied = False


class Exchanges:
    """The exchanges that one end began on one link.

    The owner of the line sends what `due` gives, feeds replies to `accept`, and collects `settled`.  At most
    `window` exchanges are open at a time; their order of beginning is kept.
    """

    def __init__(
        self,
        *,
        window: int = 1,
        transmissions: int = TRANSMISSIONS,
        timeout_ms: int = TIMEOUT_MS,
        first_serial: int = 0,
    ) -> None:
        if not (1 <= window <= 256 and transmissions >= 1 and timeout_ms >= 1):
            raise ValueError("window, transmissions and timeout_ms must be positive, window at most 256")
        self._window = window
        self._transmissions = transmissions
        self._timeout_ms = timeout_ms
        self._next_serial = first_serial & 0xFFFF
        self._open: dict[int, _Open] = {}

    @property
    def free(self) -> int:
        """How many exchanges may begin now."""
        return self._window - len(self._open)

    def begin(self, key: str, build: Callable[[int], bytes], now_ms: int) -> None:
        """Opens an exchange; `build` makes its packet from the serial number drawn for it.

        Serial numbers count up from 0, wrap at 65536 and skip those still open.  Raises RuntimeError when none is
        free, and passes on what `build` raises.
        """
        if self.free <= 0:
            raise RuntimeError("no exchange is free")
        serial = self._next_serial
        while serial in self._open:
            serial = (serial + 1) & 0xFFFF
        exchange = _Open(key, build(serial))
        exchange.due_ms = now_ms
        self._open[serial] = exchange
        self._next_serial = (serial + 1) & 0xFFFF

    def due(self, now_ms: int) -> tuple[list[bytes], list[Settled]]:
        """The packets to send now, and the exchanges whose last transmission found no reply."""
        packets, failed = [], []
        for serial, exchange in list(self._open.items()):
            if now_ms < exchange.due_ms:
                continue
            if exchange.sent >= self._transmissions:
                failed.append(Settled(exchange.key, None, exchange.denied))
                del self._open[serial]
                continue
            exchange.sent += 1
            exchange.due_ms = now_ms + self._timeout_ms
            packets.append(exchange.packet)
        return packets, failed

    def accept(self, message: Message, now_ms: int) -> Settled | None:
        """Takes a reply.  None for a denial (the packet is due again at once) and for replies to nothing open."""
        exchange = self._open.get(message.serial)
        if exchange is None or exchange.sent == 0 or not _answers(message, exchange.packet):
            return None
        if message.command == DENY:
            exchange.due_ms = now_ms
            exchange.denied = True
            return None
        del self._open[message.serial]
        return Settled(exchange.key, message)

    def next_due_ms(self) -> int | None:
        """When `due` has something to do; None when nothing is open."""
        return min((exchange.due_ms for exchange in self._open.values()), default=None)

    def abandon(self) -> list[Settled]:
        """Ends all open exchanges, because the line is gone."""
        failed = [Settled(exchange.key, None, exchange.denied) for exchange in self._open.values()]
        self._open.clear()
        return failed


def _answers(message: Message, packet: bytes) -> bool:
    """A reply comes from where the packet went: a denial, or a confirmation of data and an answer to a request."""
    if message.source.to_bytes(6, "little") != packet[18:24]:
        return False
    return message.command in (DENY, ANSWER if packet[26] == 4 else CONFIRM)
