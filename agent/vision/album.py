"""Pictures of one lift's last seconds, heads blurred, and the files that are made of them after an event.

A clip is Motion JPEG in an AVI file: every player opens it, FFmpeg's encoder for it is under the LGPL, and a picture
that is blurred and encoded once, when it was looked at, is never encoded again.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

import av
import numpy as np

from courtyard.agent.vision.evidence import Moment, Picture, Ring, Store, blurred, heads
from courtyard.agent.vision.messages import Keep, Kept
from courtyard.agent.vision.regions import Box
from courtyard.agent.vision.tracker import Detection

BEFORE_S: Final = 5.0
AFTER_S: Final = 5.0
RING_BYTES: Final = 6_000_000
MOST_WAITING: Final = 8
RATE: Final = 25
SMALL_BYTES, SMALL_WIDTH = 24_000, 320
EVERYTHING: Final = Box(0.0, 0.0, 1.0, 1.0)


def hidden(detections: Sequence[Detection], knows_people: bool) -> tuple[Box, ...]:
    """What must not be recognisable: heads; with a model that knows no people, all but the lower half of e-bikes."""
    if knows_people:
        return heads(detections)
    shown = max((each for each in detections if each.label == "ebike"), key=lambda each: each.score, default=None)
    if shown is None:
        return (EVERYTHING,)
    left, top, right, bottom = shown.box
    top = (top + bottom) / 2
    sides = (Box(0, 0, 1, top), Box(0, bottom, 1, 1), Box(0, top, left, bottom), Box(right, top, 1, bottom))
    return tuple(side for side in sides if side.area > 0)


def jpeg(picture: Picture) -> bytes:
    """A picture (height x width x RGB) as JPEG (ITU-T T.81)."""
    context = av.CodecContext.create("mjpeg", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = "yuvj420p", Fraction(1, RATE)
    context.thread_count = 1  # threads that encode one picture cost more than they save
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def clip(moments: Sequence[Moment], width: int, height: int) -> bytes:
    """An AVI of JPEGs of one size, each at its time."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        last = -1
        for at_s, encoded in moments:
            last = max(last + 1, round((at_s - moments[0].at_s) * RATE))
            packet = av.Packet(encoded)
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, RATE), last, last
            packet.is_keyframe = True
            container.mux(packet)
    return file.getvalue()


class _Best(NamedTuple):
    score: float
    at_s: float
    picture: Picture


class Album:
    """One lift."""

    def __init__(self, store: Store, knows_people: bool) -> None:
        self._store, self._knows_people = store, knows_people
        self._ring = Ring(RING_BYTES)
        self._size = (0, 0)
        self._best: _Best | None = None
        self._waiting: list[Keep] = []

    def put(self, picture: Picture, detections: Sequence[Detection], at_s: float) -> None:
        """Takes a picture that was looked at."""
        shown = blurred(picture, hidden(detections, self._knows_people))
        height, width = shown.shape[:2]
        if (width, height) != self._size:
            self._size, self._ring = (width, height), Ring(RING_BYTES)
        self._ring.put(Moment(at_s, jpeg(shown)))
        score = max((each.score for each in detections if each.label == "ebike"), default=0.0)
        if self._best is None or score >= self._best.score or at_s - self._best.at_s > BEFORE_S + AFTER_S:
            self._best = _Best(score, at_s, shown)

    def keep(self, order: Keep) -> None:
        """Makes files of this moment when the seconds after it are over; of too many, the latest."""
        self._waiting = [*self._waiting, order][-MOST_WAITING:]

    def due(self, now_s: float) -> Iterable[Kept]:
        """What has been kept by now."""
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            if now_s < order.at_s + AFTER_S:
                self._waiting.append(order)
            else:
                yield self._file(order)

    def _file(self, order: Keep) -> Kept:
        moments = self._ring.between(order.at_s - BEFORE_S, order.at_s + AFTER_S)
        best = self._best
        if not moments or best is None:
            return Kept(order.lift, order.name, "", "", 0, error="no picture")
        encoded = jpeg(best.picture)
        try:
            picture = self._store.keep(f"{order.name}.jpg", encoded)
            film = self._store.keep(f"{order.name}.avi", clip(moments, *self._size))
        except OSError as error:
            return Kept(order.lift, order.name, "", "", 0, error=error.strerror or type(error).__name__)
        small = _small(best.picture) if order.small else ""
        return Kept(
            order.lift, order.name, picture.name if picture else "", film.name if film else "", len(moments), small
        )


def _small(picture: Picture) -> str:
    step = max(1, -(-picture.shape[1] // SMALL_WIDTH))
    encoded = jpeg(np.ascontiguousarray(picture[::step, ::step][: picture.shape[0] // step // 2 * 2]))
    return base64.b64encode(encoded).decode() if len(encoded) <= SMALL_BYTES else ""
