"""Cutting the byte stream of a panel into frames, whatever arrives between them.

One splitter serves every protocol: a `Shape` says where a frame may begin and judges the bytes that follow.
Three rules hold for all of them:

* a frame that is surely complete is given at once;
* after damage, the search goes on one byte behind the false start, so that the next good frame is found;
* a frame that may still grow waits for its rest, but a good frame behind it is given as soon as the line has been
  silent for `silence_ms`, because a sender does not pause inside a frame for that long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from courtyard.drivers.base import Text

FlawCode = Literal["noise", "truncated", "length", "digit", "checksum", "end", "content", "trailing", "unsupported"]
Buffer: TypeAlias = bytes | bytearray

SILENCE_MS = 150
"""Silence after which a good frame behind an unfinished one is believed."""
PATIENCE_MS = 2000
"""Silence after which an unfinished frame is given up; longer than any pause of a network between two segments."""


class Flaw(NamedTuple):
    """Why bytes are not a frame.

    `at` is the offset of the wrong byte and `extent` the number of bytes that the refused frame claimed, both from
    its first byte.  The search for the next frame resumes `resume` bytes behind that first byte.
    """

    code: FlawCode
    at: int
    extent: int
    text: Text
    resume: int = 1


Verdict: TypeAlias = int | Flaw | None
"""What a judge says: the length of a good frame; 0, more bytes are needed; a flaw; None, no frame begins here."""


class FrameError(ValueError):
    """The bytes are not one good frame; carries the `Flaw`."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(f"byte {flaw.at}: {flaw.text.en}")
        self.flaw = flaw


class Frame(NamedTuple):
    """One good frame and when its last byte was seen (monotonic milliseconds)."""

    data: bytes
    at_ms: int


class Damage(NamedTuple):
    """Bytes that were no frame."""

    data: bytes
    flaw: Flaw
    at_ms: int


class Shape(NamedTuple):
    """How the frames of one protocol look.

    `judge(data, at, closed)` judges the bytes of `data` from offset `at`; `closed` says that the line is silent.  It
    must reach a verdict other than 0 once `longest` bytes are there.  `start` matches where a frame may begin.  An
    unfinished frame is given up after `patience_ms` of silence.
    """

    judge: Callable[[Buffer, int, bool], Verdict]
    start: re.Pattern[bytes]
    longest: int
    patience_ms: int = PATIENCE_MS


NOISE = Text("bytes outside any frame", "帧外的杂散字节")
TRUNCATED = Text("the frame is not complete", "帧不完整")
OVERLONG = Text("the frame does not end", "帧没有结束")


class Splitter:
    """Cuts one stream into frames.  Never raises; holds at most `shape.longest` bytes between calls."""

    def __init__(self, shape: Shape, *, silence_ms: int = SILENCE_MS) -> None:
        self._shape = shape
        self._silence_ms = silence_ms
        self._buffer = bytearray()
        self._refused = 0  # bytes at the head of the buffer that belong to a frame already reported as damaged
        self._last_ms = 0
        self._searched = False

    @property
    def pending(self) -> int:
        """Bytes held back because the frame they belong to may still grow."""
        return len(self._buffer)

    def feed(self, data: bytes, now_ms: int) -> list[Frame | Damage]:
        """What became certain with `data`, in the order of the line."""
        found = self.idle(now_ms)
        for start in range(0, len(data), self._shape.longest):
            self._buffer += data[start : start + self._shape.longest]
            self._scan(found, now_ms, closed=False)
        if data:
            self._last_ms = now_ms
            self._searched = False
        return found

    def idle(self, now_ms: int) -> list[Frame | Damage]:
        """What became certain because nothing arrived; call it while bytes are `pending`."""
        found: list[Frame | Damage] = []
        quiet_ms = now_ms - self._last_ms
        if not self._buffer or quiet_ms < self._silence_ms:
            return found
        if not self._searched:
            self._searched = True
            self._scan(found, now_ms, closed=True)
        if self._buffer and quiet_ms >= self._shape.patience_ms:
            _report_truncated(found, self._buffer, self._refused, len(self._buffer), now_ms)
            self._buffer.clear()
            self._refused = 0
        return found

    def _scan(self, found: list[Frame | Damage], now_ms: int, *, closed: bool) -> None:
        judge, start, longest, _ = self._shape
        buffer = self._buffer
        at = 0
        told = self._refused  # everything before this offset has been reported
        while at < len(buffer):
            verdict = judge(buffer, at, closed)
            if verdict == 0:
                if len(buffer) - at < longest:
                    behind = self._good_behind(at) if closed else None
                    if behind is None:
                        break
                    _report_noise(found, buffer, told, at, now_ms)
                    _report_truncated(found, buffer, max(told, at), behind, now_ms)
                    at = told = behind
                    continue
                verdict = Flaw("length", longest, longest, OVERLONG)
            if isinstance(verdict, int):
                _report_noise(found, buffer, told, at, now_ms)
                found.append(Frame(bytes(buffer[at : at + verdict]), now_ms))
                at = told = at + verdict
                continue
            step = 1
            if verdict is not None:
                step = verdict.resume
                if at >= told:
                    _report_noise(found, buffer, told, at, now_ms)
                    found.append(Damage(bytes(buffer[at : at + verdict.extent]), verdict, now_ms))
                    told = at + verdict.extent
            following = start.search(buffer, at + step)
            at = following.start() if following else len(buffer)
        _report_noise(found, buffer, told, at, now_ms)
        del buffer[:at]
        self._refused = max(told - at, 0)

    def _good_behind(self, at: int) -> int | None:
        """Where behind the unfinished frame at `at` a complete one begins."""
        judge, start, *_ = self._shape
        for candidate in start.finditer(self._buffer, at + 1):
            verdict = judge(self._buffer, candidate.start(), True)
            if isinstance(verdict, int) and verdict > 0:
                return candidate.start()
        return None


def check(shape: Shape, data: bytes) -> Flaw | None:
    """Whether `data` is exactly one good frame: None, or what is wrong with it."""
    verdict = shape.judge(data, 0, True) if data else 0
    if verdict is None:
        text = Text(f"no frame begins with {data[0]:02X}", f"{data[0]:02X} 不是帧的起始字节")
        return Flaw("noise", 0, len(data), text)
    if isinstance(verdict, Flaw):
        return verdict
    if verdict == 0:
        return Flaw("truncated", len(data), len(data), TRUNCATED)
    if verdict < len(data):
        return Flaw("trailing", verdict, len(data), Text("bytes follow the frame", "帧后有多余字节"))
    return None


def require(shape: Shape, data: bytes) -> None:
    """Raises FrameError unless `data` is exactly one good frame."""
    flaw = check(shape, data)
    if flaw is not None:
        raise FrameError(flaw)


def wrong_checksum(found: int, expected: int, digits: int = 2) -> Text:
    """The flaw of a wrong checksum, with both numbers."""
    return Text(
        f"the checksum is {found:0{digits}X}, the bytes give {expected:0{digits}X}",
        f"校验值为{found:0{digits}X}，按数据计算应为{expected:0{digits}X}",
    )


def _report_noise(found: list[Frame | Damage], buffer: bytearray, start: int, end: int, now_ms: int) -> None:
    if start < end:
        found.append(Damage(bytes(buffer[start:end]), Flaw("noise", 0, end - start, NOISE), now_ms))


def _report_truncated(found: list[Frame | Damage], buffer: bytearray, start: int, end: int, now_ms: int) -> None:
    if start < end:
        found.append(Damage(bytes(buffer[start:end]), Flaw("truncated", end - start, end - start, TRUNCATED), now_ms))
