"""What all simulated panels have in common: a queue of events, and the list of what was said."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from hw_sim.panels.event import Event
from hw_sim.panels.mischief import Mischief


class SerialSettings(NamedTuple):
    """How the panel's port is set."""

    baud: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


@dataclass
class Told:
    """One event that was put onto the line; loss is judged against the list of these."""

    at_s: float
    event: Event
    frame: bytes
    whole: bool
    confirmed: bool = False


class Panel(ABC):
    """A panel that says at once what happens.  Times are seconds of one clock, whatever its zero."""

    serial: ClassVar[SerialSettings] = SerialSettings()

    def __init__(self) -> None:
        self.waiting: deque[Event] = deque()
        self.told: list[Told] = []
        self.mischief = Mischief()

    def happen(self, event: Event) -> None:
        """Something happens in the building."""
        self.waiting.append(event)

    @abstractmethod
    def encode(self, event: Event) -> bytes:
        """The event in the panel's words."""

    def heard(self, data: bytes, now: float) -> list[bytes]:
        """Takes bytes from the line; what the panel says to them."""
        return []

    def due(self, now: float) -> list[bytes]:
        """What the panel says by itself now."""
        said = []
        while self.waiting:
            said.append(self.tell(self.waiting.popleft(), now))
        return said

    def next_due(self) -> float | None:
        """When `due` should be called next, apart from after `happen` and `heard`; None: no need."""
        return None

    def tell(self, event: Event, now: float) -> bytes:
        """Puts an event on the list of what was said; gives its bytes, spoilt where mischief says so."""
        frame = self.encode(event)
        sent, whole = self.mischief.spoil(frame)
        self.told.append(Told(now, event, frame, whole))
        return sent
