"""What is known of one camera now, and what the gateway is told of it."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal

from courtyard.drivers.base import Clock, Fault, NotKept, Signal, Sink
from courtyard.drivers.camera.faults import camera_fault
from courtyard.drivers.camera.happenings import ALARMS, FOR_THE_RECORD, Happening, Happenings
from courtyard.drivers.camera.hub import Hub
from courtyard.drivers.camera.messages import Down, Live, Report, Up, Watch
from courtyard.drivers.camera.session import Session
from courtyard.drivers.camera.settings import Camera, Login
from courtyard.drivers.camera.values import Notification, Profile

PARTS = ("device", "stream", "events", "clock")
"""In the order in which their faults matter."""
SILENT, TROUBLES = "camera_silent", {"frozen": "picture_frozen", "black": "picture_dark", "covered": "picture_covered"}
LASTING = frozenset({*ALARMS, SILENT, *TROUBLES.values()})
"""Kinds that are said again until they are kept."""
MOST_WAITING = 256
RETRY_S = 1.0


class CameraPost:
    """Listener of the camera's session; judge of its silence."""

    def __init__(self, settings: Camera, login: Callable[[], Login], clock: Clock, sink: Sink, hub: Hub) -> None:
        self.settings, self._login, self._clock, self._sink, self._hub = settings, login, clock, sink, hub
        self.session = Session(settings, login, self)
        self.counts: Counter[str] = Counter()
        self._happenings = Happenings()
        self._faults: dict[str, Fault] = {}
        self._told_health: Fault | Literal["nothing"] | None = "nothing"
        self._answered_ms = self._pictured_ms = clock.mono_ms()
        self._active: dict[str, bool] = {}
        """The conditions of the gateway's own judgement, as they were last told."""
        self._moving = False
        self._waiting: deque[Signal] = deque(maxlen=MOST_WAITING)
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver())
            group.create_task(self.session.run())

    # What the session tells

    def answered(self) -> None:
        self._answered_ms = self._clock.mono_ms()

    def ailing(self, part: str, fault: Fault | None) -> None:
        if fault is None:
            self._faults.pop(part, None)
        else:
            self._faults[part] = fault
        self._tell_health()

    def streams(self, address: str, profile: Profile) -> None:
        login = self._login()
        self._hub.watch(
            Watch(self.settings.id, address, login.username, login.password, transport=self.settings.transport)
        )

    async def happened(self, notification: Notification) -> None:
        for happening in self._happenings.take(notification, self._clock.mono_ms() / 1000):
            self.counts["events"] += 1
            self._say(happening)

    # What the stream worker tells

    def told(self, report: Report) -> None:
        match report:
            case Up():
                self.ailing("stream", None)
                self._pictured_ms = self._clock.mono_ms()
            case Down(camera, code, details):
                self.counts["streams_lost"] += 1
                words = {"reason": "", "user": self.settings.username, **details}
                self.ailing("stream", camera_fault(code, camera, **words))
            case Live():
                self.counts["pictures"] += report.pictures
                self.counts["stale"] += report.stale
                if report.pictures:
                    self._pictured_ms = self._clock.mono_ms()
                    for trouble, kind in TROUBLES.items():
                        self._judge(kind, report.trouble == trouble)
                    if report.moving != self._moving:
                        self._moving = report.moving
                        self._say(Happening("motion", "picture", report.moving, FOR_THE_RECORD))

    # Time

    def look(self) -> None:
        """One second's work."""
        now_ms, limit_ms = self._clock.mono_ms(), self.settings.silence_s * 1000
        for happening in self._happenings.expire(now_ms / 1000):
            self._say(happening)
        silent = now_ms - self._answered_ms > limit_ms
        if self.settings.video:
            silent = silent or now_ms - self._pictured_ms > limit_ms
        self._judge(SILENT, silent)

    def _judge(self, kind: str, active: bool) -> None:
        """Tells a condition when it begins and ends, and once at the start, which ends what stood from before."""
        if self._active.get(kind) == active:
            return
        self._active[kind] = active
        fault = next((self._faults[part] for part in PARTS if part in self._faults), None)
        self._say(Happening(kind, "", active, 2), fault.code if fault is not None and active else "")

    def _say(self, happening: Happening, code: str = "") -> None:
        if len(self._waiting) == MOST_WAITING:
            self.counts["not_kept"] += 1
        details = {name: value for name, value in (("code", code), ("topic", happening.topic)) if value}
        self._waiting.append(
            Signal(
                self.settings.id,
                happening.kind,
                self._clock.wall_ms(),
                self._clock.mono_ms(),
                active=happening.active,
                severity=happening.severity,
                source=happening.source,
                details=dict(details),
                device_at_ms=happening.device_at_ms,
            )
        )
        self._news.set()

    async def _deliver(self) -> None:
        """Hands signals on in their order."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                signal = self._waiting.popleft()
                await self._keep(signal)

    async def _keep(self, signal: Signal) -> None:
        """Returns when it is on disk, or when it is only news and the disk would not take it."""
        while True:
            try:
                return await self._sink.signal(signal)
            except NotKept:
                self.counts["not_kept"] += 1
                if signal.kind not in LASTING:
                    return None
            await asyncio.sleep(RETRY_S)

    def _tell_health(self) -> None:
        fault = next((self._faults[part] for part in PARTS if part in self._faults), None)
        if fault != self._told_health:
            self._told_health = fault
            self._sink.health(self.settings.id, fault)
