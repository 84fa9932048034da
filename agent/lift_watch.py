"""The lifts of a site: one guard each, and the processes that look at their cameras.

A site without lifts has none of this; nothing heavy is imported into the gateway's own process in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Final

from courtyard.agent.alarms.alarm import Alarm
from courtyard.agent.lift_post import FIRE, LiftPost, LiftState
from courtyard.agent.lifts import PICTURES, LiftPorts
from courtyard.agent.lines import Lines
from courtyard.agent.vision.guard import EBIKE
from courtyard.agent.vision.messages import Gathered, Kept, Load, Looked, Pulse, Ready, Refused, Report, Still
from courtyard.agent.vision.process import VisionProcess
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.agent.vision.voice import SOUNDS
from courtyard.config.lifts import MOST_WORKERS, OWN_SOUNDS, SHIPPED, Lift
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError, Fault, Reading, Text

TICK_S: Final = 1.0
SAVE_S: Final = 600.0
BURNING: Final = frozenset({FIRE, "smoke"})
BLINDING: Final = frozenset({"camera_silent", "picture_frozen", "picture_dark", "picture_covered", "tamper"})
OVERLOADED: Final = Fault(
    "vision.overloaded",
    Text(
        "More moves in the lifts than this box can look at three times a second.",
        "同时活动的电梯过多，本机无法保证每台每秒识别三次。",
    ),
    Text(
        "Raise `load` or `workers` in [vision], or take a faster box.",
        "请提高 [vision] 的 load 或 workers，或更换更快的主机。",
    ),
)


class LiftWatch:
    """All lifts of one snapshot.  Used from the event loop only."""

    def __init__(self, snapshot: Snapshot, lines: Lines, ports: LiftPorts, folder: Path) -> None:
        site, vision = snapshot.site, snapshot.site.vision
        self._lines, self._folder = lines, folder
        self._shipped = vision.model == SHIPPED
        self._activated = vision.activated
        manifest = MANIFEST if self._shipped else snapshot.directory / vision.model
        pictures = str(folder / PICTURES) if vision.pictures != "none" else ""
        count = min(vision.workers, len(site.lifts))
        start = Load(str(manifest), vision.load, pictures, vision.clip_quota // count, former(pictures, count))
        self._workers = [
            VisionProcess(
                start if number == 0 or not pictures else _elsewhere(start, number),
                partial(self._told, number),
                partial(self._failed, number),
            )
            for number in range(count)
        ]
        self.posts = {
            lift.id: LiftPost(
                lift, vision, ports, folder, self._workers[n % count], _sound(lift, snapshot.directory, folder)
            )
            for n, lift in enumerate(site.lifts)
        }
        self._worker_of = {lift.id: n % count for n, lift in enumerate(site.lifts)}
        self._by_device: dict[str, list[LiftPost]] = {}
        for post in self.posts.values():
            for device in post.contacts.devices:
                self._by_device.setdefault(device, []).append(post)

    async def run(self) -> None:
        """Until cancelled; then every door and every warning is released."""
        await self._on_disk(self._prepare)
        try:
            async with asyncio.TaskGroup() as group:
                for post in self.posts.values():
                    group.create_task(post.run())
                for worker in self._workers:
                    group.create_task(worker.run())
                saved_s = asyncio.get_running_loop().time()
                while True:
                    self._tick()
                    if asyncio.get_running_loop().time() - saved_s >= SAVE_S:
                        saved_s += SAVE_S
                        await self._on_disk(self._save)
                    await asyncio.sleep(TICK_S)
        finally:
            _fault_of(self._save)

    def reading(self, reading: Reading) -> None:
        """Takes what a device says, if a lift asks it for a contact."""
        for post in self._by_device.get(reading.device, ()):
            post.reading(reading)

    def heard(self, alarm: Alarm) -> None:
        """Takes a change of an alarm: fires forbid, blind cameras show nothing, what stands from before must end."""
        record = alarm.record
        if record.test:
            return
        for post in self.posts.values():
            if heeds(post.lift, record.device, record.alarm_class):
                post.fire(record.alarm_id, burns=alarm.active)
            elif (record.device, record.alarm_class) == (post.lift.id, EBIKE) and alarm.active:
                post.guard.reopen()
            elif record.device == post.lift.camera and record.alarm_class in BLINDING:
                post.guard.blind(record.alarm_id, blind=alarm.active)

    def states(self) -> tuple[LiftState, ...]:
        """How every lift stands."""
        return tuple(post.state() for post in self.posts.values())

    def processes(self) -> list[int]:
        """Ids of the processes that look."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    async def _on_disk(self, work: Callable[[], None]) -> None:
        """A disk that does not take it is told, and keeps no lift from being watched."""
        fault = await asyncio.to_thread(_fault_of, work)
        for post in self.posts.values():
            post.fault("disk", fault)

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        voices = {post.lift.voice for post in self.posts.values()}
        for name, made in SOUNDS.items():
            if name in voices:
                (self._folder / f"{name}.wav").write_bytes(made())

    def _save(self) -> None:
        for post in self.posts.values():
            post.save()

    def _tick(self) -> None:
        for lift, post in self.posts.items():
            post.look_at_contacts()
            post.look_at_files()
            post.watched(TICK_S)
            file = self._frames_file(post.lift.camera)
            worker = self._workers[self._worker_of[lift]]
            if file is not None:
                worker.attach(post.attach(str(file)))
            else:
                worker.detach(lift)

    def _frames_file(self, camera: str) -> Path | None:
        try:
            driver: Any = self._lines.driver_of(camera)
        except (DriverError, KeyError):
            return None  # the line of the cameras is being made anew
        found: Path | None = driver.frames_file(camera)
        return found if found is not None and found.exists() else None

    def _of(self, number: int) -> list[LiftPost]:
        return [post for lift, post in self.posts.items() if self._worker_of[lift] == number]

    def _told(self, number: int, report: Report) -> None:
        match report:
            case Looked(lift) if lift in self.posts:
                self.posts[lift].looked(report)
            case Still(lift) if lift in self.posts:
                self.posts[lift].still()
            case Kept(lift) if lift in self.posts:
                self.posts[lift].kept(report)
            case Gathered(lift) if lift in self.posts:
                self.posts[lift].gathered(report)
            case Ready(model):
                active = self._shipped or (self._activated is not None and model.startswith(self._activated))
                self._failed(number, None)
                for post in self._of(number):
                    post.ready(report, shadow=not active)
            case Refused(code, what, cure):
                for post in self._of(number):
                    post.fault("model", Fault(code, Text(*what), Text(*cure)))
            case Pulse():
                for post in self._of(number):
                    post.fault("load", OVERLOADED if report.overloaded else None)

    def _failed(self, number: int, fault: Fault | None) -> None:
        for post in self._of(number):
            post.fault("worker", fault)


def _fault_of(work: Callable[[], None]) -> Fault | None:
    """Why work on the disk failed."""
    try:
        work()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Fault(
            "vision.disk",
            Text(f"What the lifts scored cannot be kept: {reason}.", f"电梯识别统计无法保存：{reason}。"),
            Text("See `courtyard doctor` for the disk.", "请运行 courtyard doctor 检查磁盘。"),
        )
    return None


def heeds(lift: Lift, device: str, alarm_class: str) -> bool:
    """Whether an alarm says that it burns where this lift heeds it: of a panel, or of a smoke detector without one."""
    return alarm_class in BURNING and any(fnmatchcase(device, pattern) for pattern in lift.fire_alarms)


def former(folder: str, count: int) -> tuple[str, ...]:
    """Where processes that a site has no more kept their pictures, when it has `count`."""
    return tuple(f"{folder}-{number}" for number in range(count, MOST_WORKERS)) if folder else ()


def _elsewhere(start: Load, number: int) -> Load:
    """Each process keeps its pictures in a folder of its own, so that quotas do not meet."""
    return Load(start.manifest, start.load, f"{start.folder}-{number}", start.quota_bytes)


def _sound(lift: Lift, directory: Path, folder: Path) -> Path:
    """The file that its voice plays."""
    return folder / f"{lift.voice}.wav" if lift.voice in OWN_SOUNDS else directory / str(lift.voice)
