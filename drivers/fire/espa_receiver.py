"""The called station of ESPA 4.4.4 (sections 3.1 to 3.5): what to answer, without I/O.

A station speaks only when spoken to.  Polled, it has nothing to send (EOT).  Selected by the station that was polled
before it, it is ready (ACK).  A good block is acknowledged when its event is on disk; a bad one is refused (NAK).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from courtyard.drivers.fire import espa
from courtyard.drivers.fire.framing import Damage, Frame, Splitter

ACK = bytes((espa.ACK,))
NAK = bytes((espa.NAK,))
EOT = bytes((espa.EOT,))
TRAFFIC_MS = 10_000
"""Silence after which a transaction is over without its EOT."""


class Reply(NamedTuple):
    """Send this now."""

    data: bytes


class Call(NamedTuple):
    """A good block.  Send `reply` when its events are on disk; None: it was for another station, send nothing."""

    message: espa.Message
    reply: bytes | None


Step: TypeAlias = Reply | Call | Damage


class Receiver:
    """One station.  `select_alone` is for panels that select without polling anybody before."""

    def __init__(self, address: str = "2", *, select_alone: bool = False) -> None:
        self._address = address
        self._select_alone = select_alone
        self._splitter = Splitter(espa.SHAPE)
        self._state: Literal["idle", "polled", "selected"] = "idle"
        self._last_ms = 0

    @property
    def pending(self) -> int:
        """Bytes held back because their frame may still grow."""
        return self._splitter.pending

    def feed(self, data: bytes, now_ms: int) -> list[Step]:
        """What to do after `data`, in order."""
        if now_ms - self._last_ms >= TRAFFIC_MS:
            self._state = "idle"
        self._last_ms = now_ms
        return self._steps(self._splitter.feed(data, now_ms))

    def idle(self, now_ms: int) -> list[Step]:
        """What to do because nothing arrived; see `Splitter.idle`."""
        return self._steps(self._splitter.idle(now_ms))

    def _steps(self, found: Sequence[Frame | Damage]) -> list[Step]:
        steps: list[Step] = []
        for item in found:
            if isinstance(item, Damage):
                steps.append(item)
                if self._state == "selected" and item.data[:1] == bytes((espa.SOH,)):
                    steps.append(Reply(NAK))
                continue
            message = espa.parse(item.data)
            if message.kind == "block":
                steps.append(Call(message, ACK if self._state == "selected" else None))
            elif message.kind == "enquiry":
                steps += self._enquired(message.station)
            elif message.kind == "eot":
                self._state = "idle"
        return steps

    def _enquired(self, station: str) -> list[Step]:
        if station != self._address:
            self._state = "polled"
            return []
        if self._state == "idle" and not self._select_alone:
            return [Reply(EOT)]
        self._state = "selected"
        return [Reply(ACK)]
