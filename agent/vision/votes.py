"""From scores to a warning, and from there to a held door.

Invariants
1. Nothing is held unless the lift is commissioned and calibrated, out of shadow, not blocked, its picture is live and
   its door is not known to be closed.
2. Whatever is held is warned of, too.
3. A warning begins only with `warn_votes` of the last looks at or above `warn_at`, a hold only with `hold_votes` at or
   above `hold_at`; looks older than `window_s` have no vote.
4. Both last until no look reached `warn_at` for `clear_s`, and some look since did not (the latch); a hold that ends
   is over at once.
5. No hold outlasts `cap_s`; after the cap nothing is held for `cool_down_s`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Door = Literal["open", "closing", "closed", "unknown"]
Why = Literal[
    "quiet",
    "seen",
    "blocked",
    "picture_lost",
    "not_commissioned",
    "not_calibrated",
    "shadow",
    "door_closed",
    "cap",
    "cooling",
    "held",
]
LOOKS: Final = 16


class Votes(msgspec.Struct, frozen=True):
    """So many of the last looks."""

    needed: Annotated[int, Meta(ge=1, le=LOOKS)]
    of: Annotated[int, Meta(ge=1, le=LOOKS)]


class Policy(msgspec.Struct, frozen=True):
    """What a site declares of one lift."""

    warn_at: Share = 0.5
    hold_at: Share = 0.6
    warn_votes: Votes = Votes(2, 3)
    hold_votes: Votes = Votes(3, 5)
    window_s: float = 4.0
    clear_s: float = 3.0
    stale_s: float = 2.0
    paced_stale_s: float = 6.0
    """As `stale_s`, while only key frames come, which is while the door is closed: cameras send one every 2 to 4 s."""
    cap_s: float = 60.0
    cool_down_s: float = 30.0
    commissioned: bool = False
    calibrated: bool = False
    """Whether the threshold comes from this lift's own traffic under this model."""
    shadow: bool = False


class Stance(NamedTuple):
    """What follows now, and why nothing more does."""

    warn: bool
    hold: bool
    why: Why


QUIET: Final = Stance(False, False, "quiet")


class Facts(NamedTuple):
    """All that a stance depends on."""

    live: bool
    warned: bool
    wanted: bool
    blocked: bool
    commissioned: bool
    calibrated: bool
    shadow: bool
    door: Door
    capped: bool
    cooling: bool


TABLE: Final[tuple[tuple[Callable[[Facts], bool], Stance], ...]] = (
    (lambda facts: not facts.live, Stance(False, False, "picture_lost")),
    (lambda facts: not facts.warned, QUIET),
    (lambda facts: facts.shadow, Stance(False, False, "shadow")),
    (lambda facts: not facts.wanted, Stance(True, False, "seen")),
    (lambda facts: facts.blocked, Stance(True, False, "blocked")),
    (lambda facts: not facts.commissioned, Stance(True, False, "not_commissioned")),
    (lambda facts: not facts.calibrated, Stance(True, False, "not_calibrated")),
    (lambda facts: facts.door == "closed", Stance(True, False, "door_closed")),
    (lambda facts: facts.capped, Stance(True, False, "cap")),
    (lambda facts: facts.cooling, Stance(True, False, "cooling")),
    (lambda facts: True, Stance(True, True, "held")),
)
"""The first row that applies decides."""


class Watch:
    """One lift.  Times are seconds of one monotonic clock; they never go back."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.stance = QUIET
        self._looks: deque[tuple[float, float]] = deque(maxlen=LOOKS)
        self._live_s: float | None = None
        self._last_look_s = self._last_seen_s = 0.0
        self._warned = self._wanted = False
        self._held_since_s: float | None = None
        self._cooling_until_s: float | None = None

    def look(self, at_s: float, score: float) -> None:
        """Takes the greatest score of one look at the picture; 0 when nothing was found."""
        policy = self.policy
        self._looks.append((at_s, score))
        self._live_s = self._last_look_s = at_s
        if score >= policy.warn_at:
            self._last_seen_s = at_s
        self._warned = self._warned or self._carried(policy.warn_votes, policy.warn_at, at_s)
        self._wanted = self._wanted or (self._warned and self._carried(policy.hold_votes, policy.hold_at, at_s))

    def still(self, at_s: float) -> None:
        """Takes that the picture is live and that nothing in it has changed since the last look."""
        if self._live_s is not None:
            self._live_s = at_s

    def lose(self) -> None:
        """The picture is gone: what was seen in it is forgotten."""
        self._looks.clear()
        self._live_s = None
        self._warned = self._wanted = False

    def judge(self, at_s: float, *, blocked: bool = False, door: Door = "unknown") -> Stance:
        """What follows now.  `blocked`: fire, fire return or firefighter mode."""
        policy = self.policy
        stale_s = policy.paced_stale_s if door == "closed" else policy.stale_s
        live = self._live_s is not None and at_s - self._live_s <= stale_s
        if not live:
            self.lose()
        elif self._last_look_s > self._last_seen_s and at_s - self._last_seen_s >= policy.clear_s:
            self._warned = self._wanted = False
        capped = self._held_since_s is not None and at_s - self._held_since_s >= policy.cap_s
        if capped:
            self._cooling_until_s = at_s + policy.cool_down_s
        cooling = self._cooling_until_s is not None and at_s < self._cooling_until_s
        facts = Facts(
            live,
            self._warned,
            self._wanted,
            blocked,
            policy.commissioned,
            policy.calibrated,
            policy.shadow,
            door,
            capped,
            cooling,
        )
        self.stance = next(stance for applies, stance in TABLE if applies(facts))
        if not self.stance.hold:
            self._held_since_s = None
        elif self._held_since_s is None:
            self._held_since_s = at_s
        return self.stance

    def _carried(self, votes: Votes, least: float, at_s: float) -> bool:
        last = list(self._looks)[-votes.of :]
        young = (score for seen_s, score in last if at_s - seen_s <= self.policy.window_s)
        return sum(score >= least for score in young) >= votes.needed
