"""The lifts of a gateway whose site may change; what looks after them is loaded once there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.alarms.book import AlarmBook
from courtyard.agent.condition import Condition
from courtyard.agent.lines import Lines
from courtyard.agent.recorder import Recorder
from courtyard.agent.supervisor import Supervisor
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Reading

if TYPE_CHECKING:
    from courtyard.agent.lift_post import LiftState
    from courtyard.agent.lift_watch import LiftWatch
    from courtyard.agent.vision.keeper import Holds

PART: Final = "lifts"
FOLDER: Final = "vision"
PICTURES: Final = "pictures"


class LiftPorts(NamedTuple):
    """What a lift needs of the gateway.

    `pace` says of a camera whether key frames are enough; `every_s` is how often a device is read.
    """

    outputs: Holds
    recorder: Recorder
    say: Callable[[Condition], None]
    health: Callable[[str, Fault | None], None]
    pace: Callable[[str, bool], None] = lambda *_: None
    every_s: Callable[[str], float | None] = lambda _: None


class Lifts:
    """The lifts of a gateway whose site may change."""

    def __init__(
        self,
        supervisor: Supervisor,
        lines: Lines,
        book: AlarmBook,
        ports: LiftPorts,
        data: Path,
    ) -> None:
        """`data` is the data directory."""
        self._supervisor, self._lines, self._book, self._ports, self._folder = (
            supervisor,
            lines,
            book,
            ports,
            data / FOLDER,
        )
        self._watch: LiftWatch | None = None
        self._basis: object = None
        self._listens = False

    def start(self, snapshot: Snapshot) -> None:
        """Begins, when the site has lifts."""
        self._basis = _basis(snapshot)
        if not snapshot.site.lifts:
            return
        from courtyard.agent.lift_watch import LiftWatch

        self._watch = LiftWatch(snapshot, self._lines, _ports(self._ports, snapshot, self._lines), self._folder)
        if not self._listens:
            self._listens = True
            self._book.listen(self._heard)
        for alarm in self._book.open():
            self._watch.heard(alarm)
        self._supervisor.start(PART, self._watch.run)

    async def take(self, snapshot: Snapshot) -> None:
        """Takes another site; begins anew when anything of lifts has changed."""
        if _basis(snapshot) != self._basis:
            await self._supervisor.stop([PART])
            self._watch = None
            self.start(snapshot)

    def tap(self, reading: Reading) -> None:
        """Takes every reading of the gateway."""
        if self._watch is not None:
            self._watch.reading(reading)

    def states(self) -> tuple[LiftState, ...]:
        """How every lift stands."""
        return self._watch.states() if self._watch is not None else ()

    def _heard(self, alarm: Alarm) -> None:
        if self._watch is not None:
            self._watch.heard(alarm)


def _ports(ports: LiftPorts, snapshot: Snapshot, lines: Lines) -> LiftPorts:
    """With what depends on the snapshot."""
    every: Mapping[str, float | None] = {name: device.every_s for name, device in snapshot.devices.items()}

    def pace(camera: str, key_frames_only: bool) -> None:
        try:
            driver: Any = lines.driver_of(camera)
        except (DriverError, KeyError):
            return  # a driver that is made anew begins with all frames
        driver.pace(camera, key_frames_only)

    return ports._replace(every_s=every.get, pace=pace)


def _basis(snapshot: Snapshot) -> object:
    site = snapshot.site
    every = {name: device.every_s for name, device in snapshot.devices.items()} if site.lifts else {}
    return site.lifts, site.vision if site.lifts else None, every
