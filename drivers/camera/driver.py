"""The driver of all cameras of a site: what they say becomes signals, what they show is watched in worker processes.

Invariants
1. A camera that is dead or lies delays no other.
2. Silence is an alarm: no answer or, where video is wanted, no live picture for the camera's `silence`.  A frozen,
   black or covered picture is an alarm too.
3. Relays switch only as listed.  Logins stay in requests and in the workers' input.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from courtyard.drivers.base import Clock, Sink, Write
from courtyard.drivers.camera.faults import camera_error
from courtyard.drivers.camera.frames import FrameBoard
from courtyard.drivers.camera.hub import Hub
from courtyard.drivers.camera.login import InstalledCamera
from courtyard.drivers.camera.messages import Report
from courtyard.drivers.camera.post import CameraPost

LOOK_S = 1.0


class CameraDriver:
    """Driver, Writes, Adjusts and Counts of `drivers.base`."""

    def __init__(
        self,
        cameras: Sequence[InstalledCamera],
        clock: Clock,
        *,
        hub: Callable[[Callable[[Report], None]], Hub] = Hub,
    ) -> None:
        self._clock = clock
        self.hub = hub(self._told)
        self._posts: dict[str, CameraPost] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cameras = {camera.settings.id: camera for camera in cameras}
        self._sink: Sink | None = None
        self._group: asyncio.TaskGroup | None = None

    async def run(self, sink: Sink) -> None:
        """Watches until cancelled."""
        self._sink = sink
        try:
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self.hub.run())
                for camera in self._cameras.values():
                    self._begin(camera)
                while True:
                    await asyncio.sleep(LOOK_S)
                    for post in self._posts.values():
                        post.look()
        finally:
            self._group = None
            self._posts.clear()
            self._tasks.clear()

    def adjust(self, cameras: Sequence[InstalledCamera]) -> None:
        """Takes a new list; cameras that did not change keep running."""
        wanted = {camera.settings.id: camera for camera in cameras}
        before, self._cameras = self._cameras, wanted
        for name, old in before.items():
            if name in self._tasks and wanted.get(name) != old:
                self._tasks.pop(name).cancel()
                del self._posts[name]
                self.hub.leave(name)
        for name, camera in wanted.items():
            if self._group is not None and name not in self._tasks:
                self._begin(camera)

    async def write(self, write: Write) -> None:
        """Switches a relay: `target` is its token.  Raises DriverError."""
        post = self._post(write.device)
        if write.target not in post.settings.relays:
            raise camera_error("camera.relay_unlisted", write.device, relay=write.target)
        await post.session.switch(write.target, bool(write.value))

    async def snapshot(self, camera: str) -> bytes:
        """A JPEG of now from the camera itself.  Raises DriverError."""
        return await self._post(camera).session.snapshot()

    def frames(self, camera: str) -> FrameBoard | None:
        """Where the newest live pictures of a camera are; None while it is not watched."""
        return self.hub.board(camera)

    def frames_file(self, camera: str) -> Path | None:
        """The same as a file, for a process that looks at them."""
        return self.hub.frames_file(camera)

    def pace(self, camera: str, key_frames_only: bool) -> None:
        """Key frames are enough while the door of a lift is known to be closed."""
        self.hub.pace(camera, key_frames_only)

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Per camera: `pictures`, `stale`, `streams_lost`, `events`, `not_kept`."""
        return {name: dict(post.counts) for name, post in self._posts.items()}

    def _begin(self, camera: InstalledCamera) -> None:
        assert self._group is not None
        assert self._sink is not None
        post = CameraPost(camera.settings, camera.login, self._clock, self._sink, self.hub)
        self._posts[camera.settings.id] = post
        self._tasks[camera.settings.id] = self._group.create_task(post.run(), name=camera.settings.id)

    def _post(self, camera: str) -> CameraPost:
        if camera not in self._posts:
            raise camera_error("camera.unknown", camera)
        return self._posts[camera]

    def _told(self, report: Report) -> None:
        post = self._posts.get(report.camera)
        if post is not None:
            post.told(report)
