"""In which room a wearable is: the place of the receiver that hears it best, believed late and given up late.

Pure: strengths and instants in, a place out.  A receiver is a name that has a place; several may share one.  There is
no distance anywhere in this: what a body, a door or a pocket does to 2.4 GHz is more than the length of a flat.

Invariants
1. The place is always one whose receiver has heard the wearable, or None.
2. It changes only to a place that was stronger by the hysteresis, or alone in hearing it, for all of the dwell time.
3. After so long a silence of all receivers it is None.
4. What is remembered is at most `SAMPLES` strengths a receiver.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

SAMPLES = 7
"""Strengths of one receiver whose median counts: it forgets a reflection, and follows a walk within seconds."""
WINDOW_S = 20.0
"""A strength older than this is none; tags speak at least every ten seconds."""
NEAR_DBM = -70
"""What a receiver counts that holds a connection and has heard no advert: connected devices do not advertise."""


class Terms(NamedTuple):
    """When another room is believed, and when none is."""

    hysteresis_db: float = 6.0
    dwell_s: float = 15.0
    unknown_after_s: float = 120.0


class Whereabouts:
    """One wearable.  `places` by receiver; `now_s` is a monotonic clock."""

    def __init__(self, places: Mapping[str, str], terms: Terms) -> None:
        self._places, self._terms = places, terms
        self._samples: dict[str, deque[tuple[float, int]]] = {}
        self._heard_s = 0.0
        self._rival: str | None = None
        self._since_s = 0.0
        self.place: str | None = None

    def heard(self, receiver: str, rssi_dbm: int, now_s: float) -> None:
        """One advert at one receiver; a receiver without a place tells nothing."""
        if receiver in self._places:
            self._heard_s = now_s
            self._samples.setdefault(receiver, deque(maxlen=SAMPLES)).append((now_s, rssi_dbm))

    def near(self, receiver: str, now_s: float) -> None:
        """A sign of life in a connection: as strong as it last was here."""
        samples = self._samples.get(receiver)
        if not samples:
            self.heard(receiver, NEAR_DBM, now_s)
        elif now_s - samples[-1][0] >= 1.0:
            self.heard(receiver, samples[-1][1], now_s)

    def look(self, now_s: float) -> bool:
        """Decides anew; whether the place has changed.  To be called about once a second."""
        strengths = self._strengths(now_s)
        if not strengths:
            self._rival = None
            if self.place is None or now_s - self._heard_s < self._terms.unknown_after_s:
                return False
            self.place = None
            return True
        rival = self._challenger(strengths)
        if rival is None or rival != self._rival:
            self._rival, self._since_s = rival, now_s
        if rival is None or now_s - self._since_s < self._terms.dwell_s:
            return False
        self.place, self._rival = rival, None
        return True

    def _strengths(self, now_s: float) -> dict[str, int]:
        """How well each place hears it now, dBm."""
        strengths: dict[str, int] = {}
        for receiver, samples in self._samples.items():
            recent = [rssi for at_s, rssi in samples if now_s - at_s <= WINDOW_S]
            if recent:
                place = self._places[receiver]
                strength = sorted(recent)[(len(recent) - 1) // 2]  # the median; the lower one of two
                strengths[place] = max(strength, strengths.get(place, strength))
        return strengths

    def _challenger(self, strengths: Mapping[str, int]) -> str | None:
        """The place that should take over, if it goes on like this.  One that is about to is not given up for another
        that is hardly stronger."""
        best = max(strengths, key=lambda place: (strengths[place], place))
        if self._beats(self._rival, self.place, strengths) and not self._beats(best, self._rival, strengths):
            return self._rival
        return best if self._beats(best, self.place, strengths) else None

    def _beats(self, place: str | None, other: str | None, strengths: Mapping[str, int]) -> bool:
        if place is None or place == other or place not in strengths:
            return False
        if other is None or other not in strengths:
            return True
        return strengths[place] >= strengths[other] + self._terms.hysteresis_db
