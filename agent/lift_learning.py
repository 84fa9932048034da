"""What a lift's threshold and its own head rest on: scores that are counted, calibration and heads on disk.

Invariants
1. A calibration or a head that changes on disk has effect within a second, without a restart, and once for each change.
2. Scores are counted for what the lift is looked at with: another model or another head begins anew, but for a head
   that was on trial: what it would have scored was counted, and goes on.
3. A calibration uses its scores up: counting begins anew.
4. A head that has no calibration yet takes the detector's: it only lowers scores, so that no more of them reach it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent.vision.comparing import Compared, Comparison, compared_file, in_force, read_compared
from courtyard.agent.vision.messages import Attach, Gathered
from courtyard.agent.vision.own_head import Figures, Head, head_file, identity, read_head
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.scores import (
    Calibration,
    Scores,
    calibration_file,
    is_enough,
    read_calibration,
    read_scores,
    scores_file,
    write,
)
from courtyard.agent.vision.votes import Policy

TRIAL: Final = ".trial"
"""Behind a lift's name, in the name of the file of what its head on trial would have scored."""


class HeadState(msgspec.Struct, frozen=True):
    """A head of a lift.  On trial, `looks` were counted since it was made; 99.9 % of them stayed below `before` without
    it, and would have stayed below `after` with it."""

    digest: str
    acts: bool
    made_ms: int
    gathered: int
    marked: int
    figures: Figures
    by: str
    since_ms: int
    looks: int
    before: float
    after: float


class LearningState(msgspec.Struct, frozen=True):
    """How far a lift is calibrated: by which threshold and when (None: not); what was counted since, and whether that
    is enough for a calibration; `quantile` is the score below which 99.9 % of it stayed.  `gathered` looks are kept.
    The lift is looked at with `model` (a hash; empty: none yet) since `model_since_ms`."""

    threshold: float
    calibrated_ms: int | None
    calibrated_looks: int
    watched_s: int
    looks: int
    quantile: float | None
    enough: bool
    gathering: bool
    gathered: int
    head: HeadState | None
    trial: HeadState | None
    model: str = ""
    model_since_ms: int = 0
    compared: Compared | None = None


class Learning:
    """One lift.  Used from the event loop only; reads small files there, writes only in `save`."""

    def __init__(self, folder: Path, lift: str, wall_ms: Callable[[], int]) -> None:
        """`folder` is that of all lifts."""
        self._folder, self._lift, self._wall_ms = folder, lift, wall_ms
        self._model, self._given = "", 0.5
        self._signature: object = None
        self._scores: Scores | None = None
        self._before: Scores | None = None
        self._after: Scores | None = None
        self._head: Head | None = None
        self._trial: Head | None = None
        self._calibration: Calibration | None = None
        self._gathered = 0
        self._since_ms = 0
        self._comparison: Comparison | None = None

    @property
    def identity(self) -> str:
        """What the lift is looked at with; empty before a model is in use."""
        return identity(self._model, self._head)

    @property
    def threshold(self) -> float:
        """That of the calibration, or of the model."""
        return self._calibration.threshold if self._calibration is not None else self._given

    @property
    def calibrated(self) -> bool:
        """Whether the threshold comes from this lift's own traffic, under the model in use."""
        return self._calibration is not None

    def begin(self, model: str, score: float) -> None:
        """A model is in use; `score` is its own threshold."""
        self._model, self._given = model, score
        self._since_ms = in_force(self._folder, self._lift, model, self._wall_ms())
        self._read()
        self._signature = self._sign()
        if self._scores is None or self._scores.model != self.identity:
            known = read_scores(self._folder, self._lift)
            self._scores = known if known is not None and known.model == self.identity else self._new(self.identity)
        self._compare()

    def changed(self) -> dict[str, str | float | int | None]:
        """What has changed on disk since it was read, by name, for the journal; taken over at once."""
        signature = self._sign()
        if not self._model or signature == self._signature:
            return {}
        before, calibration = self.identity, self._calibration
        on_trial = self._trial
        self._read()
        told: dict[str, str | float | int | None] = {}
        if self.identity != before:
            told |= {"head": self._head.digest if self._head else None, "by": self._head.by if self._head else None}
            after = self._after
            if self._head and on_trial and self._head.digest == on_trial.digest and after is not None:
                self._scores = after
            else:
                self._scores = self._new(self.identity)
        if self._digest(self._trial) != self._digest(on_trial):
            told["trial"] = self._digest(self._trial) or None
            self._count_trial()
        if self._calibration is not None and self._calibration != calibration:
            told |= {"threshold": self._calibration.threshold, "looks": self._calibration.looks}
            if self._calibration.model == self.identity:
                self._scores = self._new(self.identity)
        self._signature = self._sign()
        self._compare()
        return told

    def looked(self, score: float, trial: float | None) -> None:
        """Counts one look: its score, and what the head on trial would have left of it."""
        now_ms = self._wall_ms()
        if self._scores is not None:
            self._scores.add(score, now_ms)
        if trial is not None and self._after is not None and self._before is not None:
            self._before.add(score, now_ms)
            self._after.add(trial, now_ms)

    def judged(self, at_s: float, score: float, trial: float | None, policy: Policy) -> None:
        """Counts what one look would have led to by itself, and with the head on trial; seconds of the loop's clock."""
        if self._comparison is not None:
            self._comparison.look(at_s, score, trial, policy)

    def watched(self, seconds: float) -> None:
        """So much time has passed in which the lift was watched."""
        for each in (self._scores, self._before, self._after):
            if each is not None:
                each.watched_s += seconds

    def gathered(self, told: Gathered) -> None:
        self._gathered = told.looks

    def save(self) -> None:
        """Keeps what was counted; blocks for a write.  Raises OSError."""
        if self._scores is not None and self._scores.looks:
            write(scores_file(self._folder, self._lift), self._scores)
        if self._after is not None and self._after.looks:
            write(scores_file(self._folder, self._lift + TRIAL), self._after)
        if self._comparison is not None and self._comparison.counted.all_looks:
            write(compared_file(self._folder, self._lift), self._comparison.counted)

    def attach(self, frames: str, region: Region) -> Attach:
        """The order to look at this lift.  Looks are gathered until it is calibrated."""
        gather = self._gathers
        folder = str(self._folder) if self._model else ""
        return Attach(self._lift, frames, region, folder, gather, self._digest(self._head), self._digest(self._trial))

    def state(self) -> LearningState:
        scores, calibration = self._scores, self._calibration
        return LearningState(
            self.threshold,
            calibration.made_ms if calibration else None,
            calibration.looks if calibration else 0,
            round(scores.watched_s) if scores else 0,
            scores.looks if scores else 0,
            scores.quantile() if scores is not None and scores.looks else None,
            scores is not None and is_enough(scores),
            self._gathers,
            self._gathered,
            self._head_state(self._head, acts=True),
            self._head_state(self._trial, acts=False),
            self._model,
            self._since_ms,
            msgspec.structs.replace(self._comparison.counted) if self._comparison is not None else None,
        )

    @property
    def _gathers(self) -> bool:
        """Until what it is looked at with is calibrated."""
        return bool(self._model) and (self._calibration is None or self._calibration.model != self.identity)

    def _read(self) -> None:
        self._head = read_head(self._folder, self._lift, "active", self._model)
        self._trial = read_head(self._folder, self._lift, "trial", self._model)
        own = read_calibration(self._folder, self._lift, self.identity)
        self._calibration = own or read_calibration(self._folder, self._lift, self._model)
        if self._before is None:
            self._count_trial()

    def _count_trial(self) -> None:
        """Begins to count what the head on trial would score, or goes on."""
        if self._trial is None:
            self._before = self._after = None
            return
        wanted = identity(self._model, self._trial)
        known = read_scores(self._folder, self._lift + TRIAL)
        self._after = known if known is not None and known.model == wanted else self._new(wanted)
        self._before = self._new(self.identity)

    def _compare(self) -> None:
        """Goes on comparing, or begins anew when what acts, or what is on trial, is another."""
        now = self.identity, self._digest(self._trial)
        known = self._comparison.counted if self._comparison is not None else None
        if known is None or (known.model, known.trial) != now:
            self._comparison = Comparison(read_compared(self._folder, self._lift, *now, self._wall_ms()))

    def _new(self, model: str) -> Scores:
        return Scores(self._lift, model, self._wall_ms())

    def _sign(self) -> object:
        files = (
            calibration_file(self._folder, self._lift, self._model),
            calibration_file(self._folder, self._lift, self.identity),
            head_file(self._folder, self._lift, "active"),
            head_file(self._folder, self._lift, "trial"),
        )
        return tuple(_stamp(path) for path in files)

    def _head_state(self, head: Head | None, *, acts: bool) -> HeadState | None:
        if head is None:
            return None
        before, after = (None, None) if acts else (self._before, self._after)
        counted = before is not None and after is not None and before.looks > 0
        return HeadState(
            head.digest,
            acts,
            head.made_ms,
            head.gathered,
            head.marked,
            head.figures,
            head.by,
            head.since_ms,
            before.looks if counted and before else 0,
            before.quantile() if counted and before else 0.0,
            after.quantile() if counted and after else 0.0,
        )

    @staticmethod
    def _digest(head: Head | None) -> str:
        return head.digest if head is not None else ""


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
