"""The stream worker: `python -m courtyard.drivers.camera.worker` decodes the streams of several cameras.

It takes orders on its standard input and reports on its standard output (`messages`).  When its input ends - the
gateway stopped, or died - it ends at once, whatever its threads wait for.
"""

from __future__ import annotations

import os
import sys
import threading

import av.logging
import msgspec

from courtyard.drivers.camera.messages import Leave, Pace, Report, Watch, orders
from courtyard.drivers.camera.stream import Stream

NICE = 5
"""Behind the gateway itself: a smoke alarm does not wait for a picture."""


class Worker:
    """The streams that are watched.  `out` is the file descriptor for reports."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._streams: dict[str, Stream] = {}

    def obey(self, line: bytes) -> None:
        """Raises msgspec.DecodeError for what is no order."""
        match orders.decode(line):
            case Watch() as watch:
                self._leave(watch.camera)
                self._streams[watch.camera] = Stream(watch, self._tell)
            case Leave(camera):
                self._leave(camera)
            case Pace(camera, key_frames_only):
                if camera in self._streams:
                    self._streams[camera].key_frames_only = key_frames_only

    def _leave(self, camera: str) -> None:
        stream = self._streams.pop(camera, None)
        if stream is not None:
            stream.stop()

    def _tell(self, report: Report) -> None:
        with self._lock:
            os.write(self._out, msgspec.json.encode(report) + b"\n")


def main() -> None:
    """Never returns."""
    av.logging.set_level(av.logging.PANIC)  # FFmpeg's own words may quote addresses with logins
    out = os.dup(1)
    os.dup2(2, 1)
    os.nice(NICE)
    worker = Worker(out)
    for line in sys.stdin.buffer:
        worker.obey(line)
    os._exit(0)


if __name__ == "__main__":
    main()
