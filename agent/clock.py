"""Wall time, boot identity, monotonic time and what the wall time is worth.

Records carry all four, so that a consumer can date the records of a boot once that boot's clock is known.
Monotonic time is CLOCK_BOOTTIME: it runs through suspend and is the same for every process of a boot.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from courtyard.agent.records import ClockQuality

EARLIEST_PLAUSIBLE_MS = 1_735_689_600_000
"""2025-01-01: a wall clock before the product existed is not set."""
STEP_MS = 500
"""A change of (wall - monotonic) larger than this is a step, not drift."""
STA_UNSYNC = 0x0040


class KernelClock(NamedTuple):
    """The kernel's word on its clock, from adjtimex(2): disciplined or not, and the greatest error it admits."""

    synchronised: bool
    error_ms: int


class Synchronised(NamedTuple):
    """The wall clock became trustworthy: it moved by `offset_ms` since this boot was first looked at."""

    boot: str
    offset_ms: int
    error_ms: int


class _Timex(ctypes.Structure):
    # struct timex of <sys/timex.h>; only the leading fields are read, the rest is room for the kernel.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    )


def read_kernel_clock() -> KernelClock:
    """adjtimex(2) in read-only mode; a kernel that refuses it counts as not synchronised."""
    libc = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
    timex = _Timex()
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        return KernelClock(False, 0)
    return KernelClock(not timex.status & STA_UNSYNC, timex.maxerror // 1000)


def read_boot_id(path: Path = Path("/proc/sys/kernel/random/boot_id")) -> str:
    """The first 8 hex digits of the kernel's boot id (random(4))."""
    return path.read_text().strip().replace("-", "")[:8]


def has_rtc(path: Path = Path("/sys/class/rtc/rtc0")) -> bool:
    """Whether a hardware clock set the wall time at boot."""
    return path.exists()


class SystemClock:
    """The machine's clocks.  `refresh` looks at their quality; it is cheap and called every few seconds."""

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        mono_ns: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        kernel: Callable[[], KernelClock] = read_kernel_clock,
        rtc: Callable[[], bool] = has_rtc,
        boot: str | None = None,
    ) -> None:
        self._wall_ns, self._mono_ns, self._kernel, self._rtc = wall_ns, mono_ns, kernel, rtc
        self.boot = boot or read_boot_id()
        self.quality: ClockQuality = "unsynced"
        self.error_ms = 0
        self._first_offset = self._offset()
        self.refresh()

    def wall_ms(self) -> int:
        """Unix time, milliseconds, UTC."""
        return self._wall_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Milliseconds since boot."""
        return self._mono_ns() // 1_000_000

    def refresh(self) -> Synchronised | None:
        """Looks at the clock again; returns what to tell consumers when it has just become synchronised."""
        before = self.quality
        state = self._kernel()
        self.error_ms = state.error_ms
        plausible = self.wall_ms() >= EARLIEST_PLAUSIBLE_MS
        if state.synchronised and plausible:
            self.quality = "synced"
        else:
            self.quality = "rtc" if plausible and self._rtc() else "unsynced"
        if self.quality == "synced" and before != "synced":
            return Synchronised(self.boot, self._offset() - self._first_offset, state.error_ms)
        return None

    def stepped(self) -> bool:
        """Whether the wall clock was set by more than half a second since the last synchronisation or start."""
        offset = self._offset()
        if abs(offset - self._first_offset) <= STEP_MS:
            return False
        self._first_offset = offset
        return True

    def _offset(self) -> int:
        return self.wall_ms() - self.mono_ms()
