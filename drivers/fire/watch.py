"""Silence and damage of one panel's line, judged; pure: times are given (seconds of one monotonic clock).

Invariants
1. A condition begins and ends once each; until there is evidence for either, nothing is said.
2. Only evidence ends a condition: a link that fails ends nothing, and a link that is back does not end a silence.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Silence = Literal["panel_silent", "poll_missing", "heartbeat_missing"]
"""The panel does not answer our polls; does not poll us; does not say that it is alive."""
Condition: TypeAlias = Literal["link_lost", "line_quality"] | Silence

IN_A_ROW = 3
"""So many damaged frames make a bad line, so many good ones a good one."""
GRACE_S = 5.0
"""A link that is back within this was not lost: devices on a network connect anew now and then."""


class Watch:
    """Who owns it says what it hears; `look` lets time pass, `untold` is what must be said then.

    `silence` names what a silence of `silence_s` means; None is a panel that may be silent for ever.
    """

    def __init__(self, silence: Silence, silence_s: float | None, now: float) -> None:
        self.silence: Silence = silence
        self.silence_s = silence_s
        self._heard_at = now
        self._lost_at: float | None = None
        self._bad = self._good = 0
        self._holds: dict[Condition, bool] = {}
        self._told: dict[Condition, bool] = {}

    def sign(self, now: float) -> None:
        """The panel is alive."""
        self._heard_at = now
        self._holds[self.silence] = False

    def good(self) -> None:
        """A frame was whole."""
        self._bad, self._good = 0, self._good + 1
        if self._good >= IN_A_ROW or not self._holds.get("line_quality"):
            self._holds["line_quality"] = False

    def bad(self) -> None:
        """A frame was damaged."""
        self._bad, self._good = self._bad + 1, 0
        if self._bad >= IN_A_ROW:
            self._holds["line_quality"] = True

    def linked(self, now: float) -> None:
        """The link is there; silence counts from now."""
        self._lost_at = None
        self._holds["link_lost"] = False
        self._heard_at = max(self._heard_at, now)

    def lost(self, now: float) -> None:
        """The link is not there; a repeat changes nothing."""
        if self._lost_at is None:
            self._lost_at = now

    def look(self, now: float) -> None:
        """Judges what time makes true.  While the link is lost, silence says nothing about the panel."""
        if self._lost_at is not None:
            if now - self._lost_at >= GRACE_S:
                self._holds["link_lost"] = True
        elif self.silent(now):
            self._holds[self.silence] = True

    def silent(self, now: float) -> bool:
        """Whether nothing has come on a link that is there for longer than it may."""
        return self._lost_at is None and self.silence_s is not None and now - self._heard_at >= self.silence_s

    @property
    def present(self) -> Condition | None:
        """The condition that matters most now."""
        order: tuple[Condition, ...] = ("link_lost", self.silence, "line_quality")
        return next((condition for condition in order if self._holds.get(condition)), None)

    def untold(self) -> list[tuple[Condition, bool]]:
        """What began (True) or ended and has not been said."""
        return [(condition, holds) for condition, holds in self._holds.items() if self._told.get(condition) != holds]

    def told(self, condition: Condition, holds: bool) -> None:
        """It was said and kept."""
        self._told[condition] = holds
