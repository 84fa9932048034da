"""Which commands were taken on, and what became of them: the memory behind exactly one outcome.

Invariants
1. An id that is remembered is never executed again; it is remembered until its deadline has surely passed.
2. Forgetting leaves a floor: nothing whose deadline lies at or below it is executed, whatever the clock says later.
3. At most `capacity` ids are remembered; those that were never executed make room for others first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from courtyard.agent.records import Outcome

PREFIX: Final = "command/"
FLOOR: Final = "command-floor"
CAPACITY: Final = 4000
MARGIN_MS: Final = 300_000


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """One command; without an outcome it is being executed, or was when the gateway died."""

    id: str
    kind: str
    origin: str
    digest: str
    expires_ms: int
    outcome: Outcome | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Remembered).decode


def state_of(remembered: Remembered) -> dict[str, bytes | None]:
    """What the journal is to keep of it."""
    return {PREFIX + remembered.id: _encode(remembered)}


class CommandLedger:
    """`stored` and `floor` are the journal's state; what changes comes as state for the caller to keep."""

    def __init__(self, stored: Mapping[str, bytes], floor: Mapping[str, bytes], *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._known: dict[str, Remembered] = {}
        self.unreadable: list[str] = []
        text = floor.get(FLOOR, b"")
        self._floor_ms = int(text) if text.isdigit() else 0
        for key, value in stored.items():
            try:
                self._known[key.removeprefix(PREFIX)] = _decode(value)
            except msgspec.MsgspecError:
                self.unreadable.append(key.removeprefix(PREFIX))

    def get(self, command_id: str) -> Remembered | None:
        """The command, if it is remembered."""
        return self._known.get(command_id)

    def __iter__(self) -> Iterator[Remembered]:
        return iter(tuple(self._known.values()))

    def is_past(self, expires_ms: int) -> bool:
        """Whether commands of this deadline have been forgotten, so that a repeat could not be recognised."""
        return expires_ms <= self._floor_ms

    def note(self, remembered: Remembered) -> None:
        """Remembers what the journal has."""
        self._known[remembered.id] = remembered

    @property
    def full(self) -> bool:
        """Whether no further id can be remembered."""
        return len(self._known) >= self._capacity

    def make_room(self, wall_ms: int | None) -> dict[str, bytes | None]:
        """Forgets what is surely over, then, if that is not enough, the oldest that was never executed.

        `wall_ms` is None while the clock is not to be trusted: then nothing is surely over.  Returns the state to keep.
        """
        state: dict[str, bytes | None] = {}
        for each in self:
            if each.outcome is not None and wall_ms is not None and each.expires_ms + MARGIN_MS < wall_ms:
                self._floor_ms = max(self._floor_ms, each.expires_ms)
                state |= {**self._forget(each), FLOOR: b"%d" % self._floor_ms}
        idle = (each for each in self if each.outcome is not None and each.outcome.result in ("refused", "expired"))
        if self.full and (oldest := next(idle, None)) is not None:
            state |= self._forget(oldest)
        return state

    def _forget(self, remembered: Remembered) -> dict[str, bytes | None]:
        del self._known[remembered.id]
        return {PREFIX + remembered.id: None}
