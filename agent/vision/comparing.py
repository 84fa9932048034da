"""What a lift is looked at with, since when, and what it and a head on trial would have made of the same looks.

No numpy in here.

Invariants
1. Both are judged by the same votes and the same threshold as the lift itself, as if nothing were in shadow.
2. Counting begins anew with every change of what acts or of what is on trial.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from courtyard.agent.vision.scores import write
from courtyard.agent.vision.votes import Policy, Watch


class Compared(msgspec.Struct):
    """Since `since_ms`: `alarms` are warnings that what acts began or, in shadow, would have begun, of `all_looks`.

    Of `looks` that were judged by the head on trial too, `agreed` lay on the same side of the threshold for both;
    `before` and `trial_alarms` are what both would have warned of in the time of the trial.
    """

    model: str
    trial: str
    since_ms: int
    all_looks: int = 0
    alarms: int = 0
    looks: int = 0
    agreed: int = 0
    before: int = 0
    trial_alarms: int = 0


class InForce(msgspec.Struct, frozen=True):
    """A model (its hash), and since when a lift is looked at with it."""

    model: str
    since_ms: int


class Comparison:
    """One lift.  Times are seconds of one monotonic clock."""

    def __init__(self, counted: Compared) -> None:
        self.counted = counted
        self._acting, self._trial = Watch(Policy()), Watch(Policy())
        self._given: Policy | None = None

    def look(self, at_s: float, score: float, trial: float | None, policy: Policy) -> None:
        """Takes the greatest scores of one look: of what acts, and of what is on trial where there is such a thing."""
        if policy is not self._given:
            self._given = policy
            self._acting.policy = self._trial.policy = msgspec.structs.replace(policy, shadow=False)
        counted = self.counted
        began = _began(self._acting, at_s, score)
        counted.all_looks += 1
        counted.alarms += began
        if trial is not None:
            counted.looks += 1
            counted.agreed += (score >= policy.warn_at) == (trial >= policy.warn_at)
            counted.before += began
            counted.trial_alarms += _began(self._trial, at_s, trial)


def _began(watch: Watch, at_s: float, score: float) -> bool:
    """Whether a warning begins with this look."""
    warned = watch.judge(at_s).warn
    watch.look(at_s, score)
    return watch.judge(at_s).warn and not warned


def compared_file(folder: Path, lift: str) -> Path:
    """`folder` is that of all lifts."""
    return folder / "compared" / f"{lift}.json"


def read_compared(folder: Path, lift: str, model: str, trial: str, now_ms: int) -> Compared:
    """What was counted of these two, or a new count."""
    try:
        known = msgspec.json.decode(compared_file(folder, lift).read_bytes(), type=Compared)
        if (known.model, known.trial) == (model, trial):
            return known
    except (OSError, msgspec.MsgspecError):
        pass
    return Compared(model, trial, now_ms)


def in_force_file(folder: Path, lift: str) -> Path:
    """`folder` is that of all lifts."""
    return folder / "in-force" / f"{lift}.json"


def read(path: Path) -> dict[str, Any] | None:
    """What such a file says, for people who look; None where there is nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return None


def in_force(folder: Path, lift: str, model: str, now_ms: int) -> int:
    """Since when a lift is looked at with a model: now, if it was another; remembered, where the disk takes it."""
    path = in_force_file(folder, lift)
    try:
        known = msgspec.json.decode(path.read_bytes(), type=InForce)
        if known.model == model:
            return known.since_ms
    except (OSError, msgspec.MsgspecError):
        pass
    with suppress(OSError):  # the lift is watched all the same
        write(path, InForce(model, now_ms))
    return now_ms
