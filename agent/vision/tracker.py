"""Detections joined to tracks, so that an alarm can say which thing it means.

Invariants
1. A track's id is never given to another thing.
2. In one look, a track takes at most one detection and a detection goes to at most one track.
3. There are at most `most` tracks; the ones not seen for longest go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from courtyard.agent.vision.regions import Box, overlap

SAME: Final = 0.2
"""Least overlap of two boxes of one thing in consecutive looks; a bicycle that turns keeps little of its box."""
KEPT_S: Final = 2.0
MOST: Final = 32


class Detection(NamedTuple):
    """One thing that a model sees: its class, how sure the model is (0 to 1), where."""

    label: str
    score: float
    box: Box


class Track(NamedTuple):
    """One thing followed over several looks; `best` is its greatest score, `looks` how often it was seen."""

    id: int
    label: str
    score: float
    best: float
    box: Box
    looks: int
    since_s: float
    seen_s: float


class Tracker:
    """Greedy: the pair that overlaps most is joined first."""

    def __init__(self, *, same: float = SAME, kept_s: float = KEPT_S, most: int = MOST) -> None:
        self._same, self._kept_s, self._most = same, kept_s, most
        self._tracks: list[Track] = []
        self._next = 1

    def look(self, at_s: float, detections: Sequence[Detection]) -> tuple[Track, ...]:
        """Takes what one look saw; returns the tracks that were seen in it, the surest first."""
        kept = [track for track in self._tracks if at_s - track.seen_s <= self._kept_s]
        pairs = sorted(
            (
                (overlap(track.box, detection.box), -i, -j)
                for i, track in enumerate(kept)
                for j, detection in enumerate(detections)
                if track.label == detection.label
            ),
            reverse=True,
        )
        track_of: dict[int, int] = {}
        taken: set[int] = set()
        for share, minus_i, minus_j in pairs:
            if share >= self._same and -minus_i not in taken and -minus_j not in track_of:
                taken.add(-minus_i)
                track_of[-minus_j] = -minus_i
        seen = [
            self._follow(kept[track_of[j]] if j in track_of else None, at_s, detection)
            for j, detection in enumerate(detections)
        ]
        unseen = [track for i, track in enumerate(kept) if i not in taken]
        self._tracks = sorted((*seen, *unseen), key=lambda track: (-track.seen_s, -track.score))[: self._most]
        return tuple(sorted(seen, key=lambda track: -track.score)[: self._most])

    def _follow(self, track: Track | None, at_s: float, detection: Detection) -> Track:
        label, score, box = detection
        if track is None:
            self._next += 1
            return Track(self._next - 1, label, score, score, box, 1, at_s, at_s)
        return Track(track.id, label, score, max(track.best, score), box, track.looks + 1, track.since_s, at_s)
