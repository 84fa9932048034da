"""How a vision worker looks at one lift: the detector, the lift's own heads, and what they may learn from later."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from courtyard.agent.vision import closer
from courtyard.agent.vision.lessons import Gathering, Look, Recent, logit
from courtyard.agent.vision.messages import Attach
from courtyard.agent.vision.model import Model, Picture, Seen, Sight
from courtyard.agent.vision.own_head import EVENTS, GATHERED, Head, Kind, lessons_folder, read_head
from courtyard.agent.vision.regions import Region
from courtyard.agent.vision.surroundings import Array, NoGrid, described
from courtyard.agent.vision.tracker import Detection
from courtyard.agent.vision.verdicts import EBIKE, LAYOUT, columns, judged, surest

LEAST: Final = 0.1
"""Score of the detector from which a look can be learned from."""
EVERYWHERE: Final = Region(())
GREATEST: Final = 60_000.0
"""What half a float still holds."""


class Pupil:
    """One lift under one model.  `wall_ms` gives Unix milliseconds."""

    def __init__(self, model: Model, order: Attach, wall_ms: Callable[[], int]) -> None:
        self._model, self._order, self._wall_ms = model, order, wall_ms
        manifest = model.manifest
        self._columns = columns(manifest.classes)
        self._gathering: Gathering | None = None
        self._recent: Recent | None = None
        self._active: Head | None = None
        self._trial: Head | None = None
        if order.lessons and manifest.features is not None and manifest.layout == LAYOUT and self._columns.ebike:
            folder = lessons_folder(Path(order.lessons), order.lift)
            self._recent = Recent(folder / EVENTS, manifest.sha256)
            self._active, self._trial = self._head("active", order.active), self._head("trial", order.trial)
            if order.gather:
                self._gathering = Gathering(folder / GATHERED, manifest.sha256)

    def look(self, picture: Picture, *, twice: bool = True) -> Seen:
        """Not `twice`: without a second look, whatever is suspected.  Raises DriverError when the output has not the
        layout of the manifest."""
        start, model = time.perf_counter(), self._model
        found, trial = self._once(picture, self._order.region, learns=True)
        suspected = model.suspect(found) if twice else None
        if suspected is not None:
            again, trial_again = self._once(model.part(picture, suspected), EVERYWHERE, learns=False)
            found = closer.judged(found, suspected, again)
            trial = None if trial is None or trial_again is None else min(trial, trial_again)
        return Seen(found, 1000 * (time.perf_counter() - start), trial)

    def _once(self, picture: Picture, region: Region, *, learns: bool) -> tuple[tuple[Detection, ...], float | None]:
        """What is found, and the greatest score that the head on trial would have left of it."""
        sight = self._model.sight(picture)
        output, trial = sight.output, None
        rows = self._described(sight) if self._is_worth(output) else None
        if rows is not None:
            if learns:
                self._remember(sight, rows)
            if self._trial is not None and rows.shape[1] == len(self._trial.weights):
                trial = self._score(judged(output, self._columns, rows, self._trial), sight, region)
            if self._active is not None and rows.shape[1] == len(self._active.weights):
                output = judged(output, self._columns, rows, self._active)
        return self._model.found(output, sight.fit), trial

    def keep(self, name: str) -> None:
        """Keeps what an event may be learned from, should it be marked.  Raises OSError."""
        if self._recent is not None:
            self._recent.keep(name)

    @property
    def gathered(self) -> int:
        """How many looks there are to learn from, besides those of events."""
        return len(self._gathering) if self._gathering is not None else 0

    def save(self) -> None:
        """Raises OSError."""
        if self._gathering is not None:
            self._gathering.save()

    def _head(self, kind: Kind, digest: str) -> Head | None:
        """The head that was ordered, if it is there."""
        head = read_head(Path(self._order.lessons), self._order.lift, kind, self._model.manifest.sha256)
        return head if head is not None and head.digest == digest else None

    def _is_worth(self, output: Any) -> bool:
        """Whether somebody judges this look, or may learn from it: most of an empty car are for neither."""
        if self._recent is None:
            return False
        judges = self._active is not None or self._trial is not None
        return judges or bool(output[0, list(self._columns.ebike)].max(initial=0.0) >= LEAST)

    def _described(self, sight: Sight) -> Array | None:
        if sight.features is None:
            return None
        manifest = self._model.manifest
        try:
            rows = described(sight.features, manifest.width, manifest.height)
        except NoGrid:
            return None  # such a model can be used, and not retrained
        return rows if len(rows) == sight.output.shape[-1] else None

    def _remember(self, sight: Sight, rows: Array) -> None:
        best = surest(sight.output, self._columns, sight.fit, self._order.region)
        if best is None or best[1] < LEAST:
            return
        row = np.clip(rows[best[0]], -GREATEST, GREATEST).astype(np.float16)
        if not np.isfinite(row).all():
            return
        look = Look(self._wall_ms(), logit(best[1]), row)
        if self._recent is not None:
            self._recent.take(look)
        if self._gathering is not None:
            self._gathering.take(look)

    def _score(self, output: Any, sight: Sight, region: Region) -> float:
        """Of what would be found in such an output."""
        found = self._model.found(output, sight.fit)
        counted = (each.score for each in found if each.label == EBIKE and region.where(each.box) != "outside")
        return max(counted, default=0.0)
