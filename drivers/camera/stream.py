"""One camera's stream, in a thread of the worker process: open, decode, judge, hand on, and again after every end.

Invariants
1. A picture that is older than STALE_S when it is decoded is neither judged nor handed on.
2. Opening and every read end within their time; a stream that stays late is opened anew.
3. After a refused login the next try is minutes away.
4. No address with a login leaves this module, and no text of FFmpeg, which may quote one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from courtyard.drivers.camera.addresses import with_login
from courtyard.drivers.camera.frames import LARGEST, MOST_PIXELS, FrameBoard
from courtyard.drivers.camera.luma import grey
from courtyard.drivers.camera.messages import Down, Live, Report, Up, Watch
from courtyard.drivers.camera.picture import MOVING_SHARE, Age, Health, MotionGate

OPEN_S, READ_S = 5.0, 2.5
"""FFmpeg's RTSP tries a read twice before it gives up: silence is noticed after twice READ_S."""
STALE_S, LATE_S = 1.0, 4.0
"""Age of a picture that is used no more; time for which a stream may be late before it is opened anew."""
FIRST_RETRY_S, LAST_RETRY_S, LOGIN_RETRY_S = 0.5, 4.0, 300.0
LOOK_S, HEALTH_S, TELL_S = 0.2, 1.0, 1.0
"""How often pictures are searched for motion, judged, and told of."""
MOVING_S, IDLE_S = 0.1, 1.0
"""How often pictures are handed on while something moves, and while nothing does."""
CODECS = frozenset({"h264", "hevc"})
MOST_DAMAGED = 50
"""Packets that cannot be decoded, without one good picture between them."""
OPTIONS = {"analyzeduration": "200000", "probesize": "100000", "allowed_media_types": "video"}
"""Not `nobuffer`: it throws away what was read to know the stream, the first key picture with it, and the next may be
ten seconds away."""


class Ended(Exception):
    """Why a stream is not live: code and details of a fault."""

    def __init__(self, code: str, **details: str | float) -> None:
        super().__init__(code)
        self.code, self.details = code, details


class Stream:
    """Watches until `stop`.  `tell` is called from the stream's thread."""

    def __init__(
        self,
        watch: Watch,
        tell: Callable[[Report], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._watch, self._tell, self._clock, self._chance = watch, tell, clock, chance
        self._board = FrameBoard(Path(watch.frames)) if watch.frames else None
        self._gate, self._health = MotionGate(), Health()
        self.key_frames_only = False
        self._stop = threading.Event()
        self._was_live = False
        self._thread = threading.Thread(target=self._run, name=watch.camera, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends with the next picture or time-out; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._was_live = False
            try:
                self._play()
            except Ended as end:
                failures = 0 if self._was_live else min(failures + 1, 8)
                if end.code == "stream.login":
                    retry_s = LOGIN_RETRY_S
                else:
                    retry_s = min(FIRST_RETRY_S * 2 ** max(failures - 1, 0), LAST_RETRY_S) * (0.5 + self._chance() / 2)
                self._tell(Down(self._watch.camera, end.code, end.details, retry_s))
                self._stop.wait(retry_s)

    def _play(self) -> None:
        watch = self._watch
        address = with_login(watch.address, watch.username, watch.password)
        options = {**OPTIONS, "rtsp_transport": watch.transport}
        try:
            with av.open(address, options=options, timeout=(OPEN_S, READ_S)) as container:
                if not container.streams.video:
                    raise Ended("stream.codec", codec="?")
                self._decode(container)
        except FFmpegError as error:
            raise _ended(error) from None
        except OSError as error:
            raise Ended("stream.refused", reason=type(error).__name__) from None

    def _decode(self, container: av.container.InputContainer) -> None:
        video = container.streams.video[0]
        context = video.codec_context
        if context.name not in CODECS:
            raise Ended("stream.codec", codec=context.name)
        _check_size(context.width, context.height)
        context.thread_count = 1
        session = _Session(self._watch.camera, self._clock)
        damaged = 0
        for packet in container.demux(video):
            if self._stop.is_set():
                return
            context.skip_frame = "NONKEY" if self.key_frames_only else "DEFAULT"
            began_s = self._clock()
            try:
                frames = packet.decode()
            except FFmpegError:
                damaged += 1
                if damaged > MOST_DAMAGED:
                    raise Ended("stream.damaged", reason="decoding") from None
                continue
            for frame in frames:
                damaged = damaged if frame.is_corrupt else 0
                self._see(frame, session, began_s)
        raise Ended("stream.lost", reason="end of stream")

    def _see(self, frame: VideoFrame, session: _Session, began_s: float) -> None:
        _check_size(frame.width, frame.height)
        now_s = self._clock()
        if frame.is_corrupt or not session.is_live(frame.time, now_s):
            return
        if not self._was_live:
            self._was_live = True
            self._tell(Up(self._watch.camera, frame.width, frame.height, "video"))
        if now_s - session.looked_s >= LOOK_S:
            session.looked_s = now_s
            plane = grey(frame)
            session.moving = self._gate.share(plane)
            if now_s - session.judged_s >= HEALTH_S:
                session.judged_s = now_s
                session.trouble = self._health.look(plane, now_s) or ""
        every_s = MOVING_S if session.moving >= MOVING_SHARE else IDLE_S
        if self._board is not None and now_s - session.handed_s >= every_s:
            session.handed_s = now_s
            width, height = fitted(frame.width, frame.height)
            pixels = frame.reformat(width=width, height=height, format="rgb24").to_ndarray().tobytes()
            late_s, decode_s = session.late_s, now_s - began_s
            self._board.put(pixels, width, height, now_s, session.moving, late_s=late_s, decode_s=decode_s)
        report = session.report(now_s)
        if report is not None:
            self._tell(report)


class _Session:
    """What one connection has shown so far."""

    def __init__(self, camera: str, clock: Callable[[], float]) -> None:
        self._camera = camera
        self._age, self._told_s = Age(), clock()
        self._late_since_s: float | None = None
        self._pictures = self._stale = 0
        self._oldest_s = 0.0
        self.looked_s = self.judged_s = self.handed_s = float("-inf")
        self.moving, self.trouble = 0.0, ""
        self.late_s = 0.0
        """Age of the latest picture that could be used."""

    def is_live(self, stamp_s: float | None, now_s: float) -> bool:
        """Whether a picture may be used.  Raises Ended when they have been late for too long."""
        age_s = 0.0 if stamp_s is None else self._age.of(stamp_s, now_s)
        self._oldest_s = max(self._oldest_s, age_s)
        if age_s <= STALE_S:
            self._late_since_s, self.late_s = None, age_s
            self._pictures += 1
            return True
        self._stale += 1
        self._late_since_s = now_s if self._late_since_s is None else self._late_since_s
        if now_s - self._late_since_s > LATE_S:
            raise Ended("stream.late", age=age_s)
        return False

    def report(self, now_s: float) -> Live | None:
        """What is to be told once every TELL_S."""
        if now_s - self._told_s < TELL_S:
            return None
        self._told_s = now_s
        moves = self.moving >= MOVING_SHARE
        said = Live(self._camera, self._pictures, self._stale, round(self._oldest_s, 3), moves, self.trouble)
        self._pictures, self._stale, self._oldest_s = 0, 0, 0.0
        return said


def fitted(width: int, height: int) -> tuple[int, int]:
    """Even width and height of the same shape with at most MOST_PIXELS; smaller pictures stay as they are."""
    factor = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    return max(2, int(width * factor) // 2 * 2), max(2, int(height * factor) // 2 * 2)


def _check_size(width: int, height: int) -> None:
    if width * height > LARGEST:
        raise Ended("stream.too_large", width=width, height=height, limit="1920x1088")


def _ended(error: FFmpegError) -> Ended:
    """What an error of FFmpeg means for a camera; its text may quote the login and is not used."""
    name = type(error).__name__
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return Ended("stream.login")
        case av.error.HTTPNotFoundError():
            return Ended("stream.missing")
        case av.error.ExitError() | av.error.TimeoutError():
            return Ended("stream.silent", reason="time-out")
        case av.error.ConnectionRefusedError():
            return Ended("stream.refused", reason="refused")
        case av.error.InvalidDataError():
            return Ended("stream.damaged", reason="no video")
        case av.error.OSError():
            return Ended("stream.silent", reason=name)
        case _:
            return Ended("stream.lost", reason=name)
