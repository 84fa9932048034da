"""The vision worker: `python -m courtyard.agent.vision.worker` looks at the pictures of several lifts.

It takes orders on its standard input and reports on its standard output (`messages`), and reads the pictures where the
stream workers put them.

Invariants
1. A picture that is old is never looked at, and one that stands still is only told.
2. A model that does not fit is named, and the worker waits for another.
3. A disk that takes no pictures keeps nobody from looking.
4. When its input ends - the gateway stopped, or died - it ends at once.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from courtyard.agent.vision.album import Album
from courtyard.agent.vision.evidence import Store
from courtyard.agent.vision.looking import Looking
from courtyard.agent.vision.messages import (
    Attach,
    Detach,
    Gathered,
    Keep,
    Kept,
    Load,
    Order,
    Pulse,
    Ready,
    Refused,
    Report,
    orders,
)
from courtyard.agent.vision.model import Model, Picture, Seen, load
from courtyard.agent.vision.pupil import Pupil
from courtyard.drivers.base import DriverError
from courtyard.drivers.camera.frames import FrameBoard

NICE: Final = 5
"""Behind the gateway itself: a smoke alarm does not wait for a picture."""
BUSY_S, IDLE_S = 0.01, 0.05
PULSE_S: Final = 5.0
SAVE_S: Final = 300.0
PERSON: Final = "person"
MOST_WAITING: Final = 64
TRIALS: Final = 5


class Worker:
    """One model and the lifts that it looks at.  `out` is the file descriptor for reports."""

    def __init__(self, out: int, start: Load, model: Model, look_s: float) -> None:
        self._out, self._model = out, model
        self._looking = Looking(model.look, look_s, start.load, time.monotonic)
        self._store, self._refusal = _store(start)
        self._albums: dict[str, Album] = {}
        self._pupils: dict[str, Pupil] = {}
        self._told_s = 0.0
        self._saved_s = time.monotonic()

    def obey(self, order: Order) -> None:
        match order:
            case Attach(lift, frames):
                self._detach(lift)
                pupil = self._pupils[lift] = Pupil(self._model, order, _wall_ms)
                self._looking.attach(lift, FrameBoard(Path(frames)), partial(self._look, pupil))
                self._gathered(lift)
                if self._store is not None:
                    self._albums[lift] = Album(self._store, PERSON in self._model.manifest.classes.values())
            case Detach(lift):
                self._detach(lift)
            case Keep(lift, name):
                if lift in self._albums:
                    self._albums[lift].keep(order)
                else:
                    tell(self._out, Kept(lift, name, "", "", 0, error=self._refusal))

    def _look(self, pupil: Pupil, picture: Picture) -> Seen:
        return pupil.look(picture, twice=self._looking.spare)

    def turn(self) -> float:
        """One look at most; returns how long to wait for the next."""
        now_s, has_looked = time.monotonic(), False
        for each in self._looking.turn():
            if isinstance(each, tuple):
                has_looked = True
                looked, picture = each
                tell(self._out, looked)
                if looked.lift in self._albums:
                    self._albums[looked.lift].put(picture, looked.detections, looked.at_s)
            else:
                tell(self._out, each)
        for album in self._albums.values():
            for kept in album.due(now_s):
                tell(self._out, kept)
                self._on_disk(kept.lift, partial(self._pupils[kept.lift].keep, kept.name))
        if now_s - self._told_s >= PULSE_S:
            self._told_s = now_s
            tell(self._out, Pulse(round(self._looking.each_hz, 2), self._looking.overloaded))
        if now_s - self._saved_s >= SAVE_S:
            self._saved_s = now_s
            for lift in self._pupils:
                self._gathered(lift)
        return 0.0 if has_looked else BUSY_S if self._looking.busy else IDLE_S

    def _gathered(self, lift: str) -> None:
        pupil = self._pupils[lift]
        if self._on_disk(lift, pupil.save):
            tell(self._out, Gathered(lift, pupil.gathered))

    def _on_disk(self, lift: str, work: Callable[[], None]) -> bool:
        """A disk that does not take it is told, and keeps no lift from being watched."""
        try:
            work()
        except OSError as error:
            tell(self._out, Gathered(lift, 0, error.strerror or type(error).__name__))
            return False
        return True

    def _detach(self, lift: str) -> None:
        if lift in self._pupils:
            self._gathered(lift)
            del self._pupils[lift]
        board = self._looking.detach(lift)
        self._albums.pop(lift, None)
        if isinstance(board, FrameBoard):
            board.close()


def tell(out: int, report: Report) -> None:
    """Writes one line."""
    line = msgspec.json.encode(report) + b"\n"
    while line:
        line = line[os.write(out, line) :]


def main() -> None:
    """Never returns."""
    out = os.dup(1)
    os.dup2(2, 1)
    os.nice(NICE)
    waiting: queue.Queue[Order] = queue.Queue(MOST_WAITING)
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    start = waiting.get()
    assert isinstance(start, Load)
    try:
        model = load(Path(start.manifest))
    except DriverError as error:
        fault = error.fault
        tell(out, Refused(fault.code, fault.what, fault.cure))
        while True:  # until the gateway has another model, or ends
            tell(out, Pulse(0.0, False))
            time.sleep(PULSE_S)
    look_s = _look_s(model)
    worker = Worker(out, start, model, look_s)
    tell(out, Ready(model.manifest.sha256, model.manifest.voting, 1000 * look_s))
    wait_s = IDLE_S
    while True:
        try:
            worker.obey(waiting.get(timeout=wait_s))
        except queue.Empty:
            wait_s = worker.turn()


def _store(start: Load) -> tuple[Store | None, str]:
    """Where pictures are kept, or why nowhere: a disk that fails keeps no lift from being watched."""
    if not start.folder:
        return None, "not wanted"
    try:
        return Store(Path(start.folder), start.quota_bytes, map(Path, start.former)), ""
    except OSError as error:
        return None, error.strerror or type(error).__name__


def _look_s(model: Model) -> float:
    """How long one look takes here, in seconds: the median of some."""
    grey = np.full((360, 640, 3), 114, np.uint8)
    return sorted(model.look(grey).took_ms for _ in range(TRIALS))[TRIALS // 2] / 1000


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _listen(waiting: queue.Queue[Order]) -> None:
    for line in sys.stdin.buffer:
        waiting.put(orders.decode(line))
    os._exit(0)


if __name__ == "__main__":
    main()
