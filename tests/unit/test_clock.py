"""The clock's quality follows the kernel, and synchronisation is told once with its offset."""

from __future__ import annotations

from courtyard.agent.clock import EARLIEST_PLAUSIBLE_MS, KernelClock, SystemClock, read_boot_id, read_kernel_clock

NOW_MS = EARLIEST_PLAUSIBLE_MS + 1_000_000


class World:
    """Clocks that a test sets."""

    def __init__(self, wall_ms: int, *, synchronised: bool = False, rtc: bool = False) -> None:
        self.wall_ms, self.mono_ms = wall_ms, 5_000
        self.kernel = KernelClock(synchronised, 12)
        self.rtc = rtc

    def clock(self) -> SystemClock:
        return SystemClock(
            wall_ns=lambda: self.wall_ms * 1_000_000,
            mono_ns=lambda: self.mono_ms * 1_000_000,
            kernel=lambda: self.kernel,
            rtc=lambda: self.rtc,
            boot="1f0c2b7e",
        )


def test_a_clock_at_1970_is_unsynced_even_with_a_hardware_clock() -> None:
    assert World(1_000, rtc=True).clock().quality == "unsynced"


def test_a_plausible_hardware_clock_is_worth_more_than_none() -> None:
    assert World(NOW_MS, rtc=True).clock().quality == "rtc"
    assert World(NOW_MS, rtc=False).clock().quality == "unsynced"


def test_synchronisation_is_told_once_with_offset_and_error() -> None:
    world = World(1_000)
    clock = world.clock()
    assert clock.refresh() is None
    world.wall_ms, world.mono_ms = NOW_MS, 6_000
    world.kernel = KernelClock(True, 7)
    told = clock.refresh()
    assert told is not None
    assert (told.boot, told.offset_ms, told.error_ms) == ("1f0c2b7e", NOW_MS - 1_000 - 1_000, 7)
    assert clock.refresh() is None
    assert clock.quality == "synced"


def test_a_kernel_that_claims_sync_at_1970_is_not_believed() -> None:
    assert World(1_000, synchronised=True).clock().quality == "unsynced"


def test_a_step_is_told_once() -> None:
    world = World(NOW_MS)
    clock = world.clock()
    assert not clock.stepped()
    world.wall_ms += 3_600_000
    assert clock.stepped()
    assert not clock.stepped()


def test_the_real_machine_has_a_boot_id_and_a_kernel_clock() -> None:
    assert len(read_boot_id()) == 8
    assert int(read_boot_id(), 16) >= 0
    assert read_kernel_clock().error_ms >= 0
    first = SystemClock()
    assert first.mono_ms() <= first.mono_ms()
