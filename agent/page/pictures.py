"""Pictures of cameras as PNG, and the regions of lifts in the site file.

A picture is made smaller by leaving points out and is deflated as it is: that needs no library in the daemon.
"""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from courtyard.agent.lift_words import DOOR, WHY
from courtyard.agent.vision.own_head import DIGITS
from courtyard.agent.web.model import Device, Refused, Words
from courtyard.agent.web.watched import Camera, Compared, Corners, Learned, Model, OwnHead, Watching
from courtyard.config.edit import Unchangeable, with_values
from courtyard.config.lifts import SHIPPED
from courtyard.config.present import present
from courtyard.config.site_file import Changed, SiteFile
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import DriverError
from courtyard.drivers.camera.frames import Frame, FrameBoard

if TYPE_CHECKING:
    from courtyard.agent.lift_learning import HeadState, LearningState
    from courtyard.agent.lift_post import LiftState

SMALL_WIDTH: Final = 320
STEP: Final = 100
MOVING_SHARE: Final = 0.004
"""As of `courtyard.drivers.camera.picture`."""
BY_HAND: Final = Words("This part of the site file can only be changed by hand.", "站点文件的这一部分只能手工修改。")
NO_LIFT: Final = Words("No lift in the site file names this camera.", "站点文件中没有使用此摄像机的电梯。")


class CameraPictures:
    """Implements `courtyard.agent.web.watched.Pictures`."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        driver_of: Callable[[str], Any],
        site_file: SiteFile,
        lifts: Callable[[], Sequence[LiftState]] = tuple,
        *,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`driver_of` gives a camera's driver, raises DriverError; `lifts` how every lift stands."""
        self._lifts = lifts
        self._snapshot, self._driver_of, self._file, self._mono_s = snapshot, driver_of, site_file, mono_s
        self._boards: dict[str, tuple[Path, FrameBoard]] = {}

    def cameras(self, devices: Sequence[Device], now_ms: int) -> tuple[Camera, ...]:
        """All cameras of the site, with what their newest pictures are."""
        site = self._snapshot().site
        ids, lifts = {camera.id for camera in site.cameras}, {lift.camera: lift for lift in site.lifts}
        watched = {state.camera: watching(state) for state in self._lifts()}
        self._boards = {name: known for name, known in self._boards.items() if name in ids}
        shown = []
        for device in devices:
            if device.id not in ids:
                continue
            board, lift = self._board(device.id), lifts.get(device.id)
            glance = board.glance() if board else None
            shown.append(
                Camera(
                    device.id,
                    device.name,
                    device.place,
                    device.state,
                    now_ms - round(1000 * (self._mono_s() - glance.at_s)) if glance else None,
                    glance.number if glance else 0,
                    glance is not None and glance.moving >= MOVING_SHARE,
                    device.fault,
                    device.cure,
                    lift.id if lift else None,
                    _corners(lift.floor_region) if lift else (),
                    _corners(lift.door_region) if lift else (),
                    watched.get(device.id),
                )
            )
        return tuple(shown)

    async def picture(self, camera: str, *, small: bool) -> bytes | None:
        """The newest picture as PNG; None while there is none."""
        board = self._board(camera)
        frame = board.newest() if board else None
        return None if frame is None else await asyncio.to_thread(png, frame, SMALL_WIDTH if small else frame.width)

    async def draw(self, camera: str, floor: Corners, door: Corners) -> None:
        """Writes the regions of the camera's lift into the site file.  Raises Refused."""
        await asyncio.to_thread(self._draw, camera, floor, door)

    def _draw(self, camera: str, floor: Corners, door: Corners) -> None:
        lifts = [lift.camera for lift in self._snapshot().site.lifts]
        if camera not in lifts:
            raise Refused(NO_LIFT)
        values = {"floor_region": [list(each) for each in floor] or None}
        values["door_region"] = [list(each) for each in door] or None
        try:
            before = self._file.read()
            text = with_values(before.text, "lifts", values, lifts.index(camera))
            verdict = self._file.check(text)
            if verdict.snapshot is None:
                raise Refused(Words(present(verdict.mistakes, "en"), present(verdict.mistakes, "zh-CN")))
            self._file.write(text, before)
        except (Unchangeable, Changed, ValueError, KeyError, IndexError) as error:
            raise Refused(BY_HAND) from error
        except OSError as error:
            raise Refused(
                Words(f"The site file cannot be written: {error}.", f"无法写入站点文件：{error}。")
            ) from error

    def _board(self, camera: str) -> FrameBoard | None:
        """The board of a camera, kept open; opened anew when its file is another."""
        try:
            path: Path | None = self._driver_of(camera).frames_file(camera)
        except (DriverError, OSError):
            path = None
        known = self._boards.get(camera)
        if known is not None and known[0] == path:
            return known[1]
        if known is not None:
            known[1].close()
            del self._boards[camera]
        if path is None or not path.exists():
            return None
        board = FrameBoard(path)
        self._boards[camera] = path, board
        return board


def _corners(region: Sequence[Sequence[float]]) -> Corners:
    return tuple((corner[0], corner[1]) for corner in region)


def watching(state: LiftState) -> Watching:
    """How a lift stands, for the page."""
    fault = state.fault
    return Watching(
        state.live,
        round(state.score, 2),
        round(state.threshold, 2),
        state.warn,
        state.hold,
        Words.of(WHY[state.why]),
        state.since_ms,
        Words.of(DOOR[state.door]),
        state.commissioned,
        state.shadow,
        state.blocked_by,
        state.evidence,
        Words.of(fault.what) if fault else None,
        Words.of(fault.cure) if fault else None,
        learned(state.learning, state.named) if state.learning is not None else None,
    )


def learned(state: LearningState, named: str = SHIPPED) -> Learned:
    """What a lift's threshold rests on, for the page; counts in steps, so that it is not drawn again each second."""
    return Learned(
        state.calibrated_ms,
        round(state.watched_s / 3600, 1),
        state.looks // STEP * STEP,
        state.quantile,
        state.enough,
        state.gathered,
        _own_head(state.head),
        _own_head(state.trial),
        Model(named, state.model[:DIGITS], state.model_since_ms) if state.model else None,
        _compared(state),
    )


def _compared(state: LearningState) -> Compared | None:
    counted = state.compared
    if counted is None:
        return None
    agreement = round(counted.agreed / counted.looks, 3) if counted.looks else None
    looks = counted.looks // STEP * STEP
    return Compared(counted.since_ms, counted.alarms, looks, agreement, counted.before, counted.trial_alarms)


def _own_head(head: HeadState | None) -> OwnHead | None:
    if head is None:
        return None
    told = head.figures
    return OwnHead(
        head.digest,
        head.made_ms,
        head.gathered + head.marked,
        head.marked,
        (told.found_before, told.found_after),
        (told.wrong_before, told.wrong_after),
        (told.site_before, told.site_after),
        head.by,
        head.since_ms,
        head.looks // STEP * STEP,
        head.before,
        head.after,
    )


def png(frame: Frame, width: int) -> bytes:
    """A picture as PNG (W3C), by leaving out points at most `width` wide."""
    step = max(1, -(-frame.width // width))
    stride, columns = frame.width * 3, len(range(0, frame.width, step))
    rows = bytearray()
    for top in range(0, frame.height, step):
        row = frame.pixels[top * stride : (top + 1) * stride]
        thinned = bytearray(columns * 3)
        for colour in range(3):
            thinned[colour::3] = row[colour :: 3 * step]
        rows += b"\0" + thinned
    size = struct.pack(">IIBBBBB", columns, len(range(0, frame.height, step)), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(rows, 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
