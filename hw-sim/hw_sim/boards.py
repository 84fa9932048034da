"""Devices that are not meters themselves: pulse collector, relay board, registers for load tests and exact frames."""

from __future__ import annotations

import math
import struct

from hw_sim.device import ILLEGAL_ADDRESS, Block, Device, Field, Refusal
from hw_sim.encoding import float32, uint16, uint32
from hw_sim.household import Dial, Household


class PulseCollector(Device):
    """A generic collector of 16 pulse inputs: uint32 counts (ABCD) from `base`, then one register of tamper bits.

    Collectors differ, so a site gives the addresses; these are this simulator's defaults.
    """

    model = "pulse-collector"
    functions = frozenset({3, 4})
    channels = 16

    def __init__(
        self,
        now: float,
        *,
        seed: object = 1,
        people: int = 3,
        start_m3: float = 0.0,
        litres_per_pulse: float = 10.0,
        base: int = 0,
    ) -> None:
        super().__init__()
        self.fields = {f"count_{i}": Field(base + 2 * i, uint32()) for i in range(self.channels)} | {
            "tamper_bits": Field(base + 2 * self.channels, uint16())
        }
        self.blocks = [Block.of(base, 2 * self.channels + 1)]
        self.litres_per_pulse = litres_per_pulse
        self.dials = [
            Dial(Household(f"{seed}.{i}", people).volume_l, now, start_m3 * 1000) for i in range(self.channels)
        ]
        self.tamper_bits = 0

    def refresh(self, now: float) -> None:
        for i, dial in enumerate(self.dials):
            self.put(f"count_{i}", math.floor(dial.read(now) / self.litres_per_pulse))
        self.put("tamper_bits", self.tamper_bits)

    def command(self, words: list[str], now: float) -> object:
        """counter CHANNEL freeze|resume|reset|rollover|COUNT, tamper BITS."""
        match words:
            case ["tamper", bits]:
                self.tamper_bits = int(bits, 0)
                return None
            case ["counter", channel, action]:
                dial = self.dials[int(channel)]
            case _:
                return super().command(words, now)
        match action:
            case "freeze":
                dial.hold("frozen", now)
            case "resume":
                dial.release("frozen", now)
            case "reset":
                dial.set(0.0, now)
            case "rollover":
                dial.set((2**32 - 1) * self.litres_per_pulse, now)
            case _:
                dial.set(float(action) * self.litres_per_pulse, now)
        return None


class RelayBoard(Device):
    """16 relays as coils (FC01, 05, 0F), 16 holding registers (FC03, 06, 10) and 16 inputs (FC02).

    Some boards open all relays when their master says nothing for a while: `watchdog SECONDS`.
    """

    model = "relay-board"
    functions = frozenset({1, 2, 3, 5, 6, 15, 16})
    extents = ((0, 16),)

    def __init__(self, now: float) -> None:
        super().__init__()
        self.coils = bytearray(16)
        self.inputs = bytearray(16)
        self._held_since: dict[int, float] = {}
        self._watchdog_s: float | None = None
        self._heard_at = 0.0

    def answer(self, pdu: bytes, now: float) -> bytes:
        self.pass_time(now)
        self._heard_at = now
        return super().answer(pdu, now)

    def pass_time(self, now: float) -> None:
        """Lets the watchdog open every relay when its time has come."""
        if self._watchdog_s is not None and now - self._heard_at > self._watchdog_s:
            self._release()

    def _release(self) -> None:
        self.coils[:] = bytes(16)
        self._held_since.clear()

    def write_coil(self, address: int, on: bool, now: float) -> None:
        if address >= len(self.coils):
            raise Refusal(ILLEGAL_ADDRESS)
        self.coils[address] = on
        if on:
            self._held_since.setdefault(address, now)
        else:
            self._held_since.pop(address, None)

    def write_register(self, address: int, value: int, now: float) -> None:
        self.poke(address, value.to_bytes(2, "big"))

    def held(self, now: float) -> dict[int, float]:
        """Seconds since each closed relay was closed."""
        return {address: now - since for address, since in self._held_since.items()}

    def command(self, words: list[str], now: float) -> object:
        """held, registers, power-loss (releases everything), watchdog SECONDS, input NUMBER on|off."""
        self.pass_time(now)
        match words:
            case ["held"]:
                return {str(address): round(since, 3) for address, since in self.held(now).items()}
            case ["registers"]:
                return list(struct.unpack(">16H", self.blocks[0].data))
            case ["power-loss"]:
                self._release()
                self.blocks[0].data[:] = bytes(32)
            case ["watchdog", seconds]:
                self._watchdog_s, self._heard_at = float(seconds), now
            case ["input", number, ("on" | "off") as state]:
                self.inputs[int(number)] = state == "on"
            case _:
                return super().command(words, now)
        return None


class LoadMeter(Device):
    """`words` registers: a uint32 poll number, a uint32 time of the answer, then float32 values; all ABCD.

    The number grows by one with every answer that contains it, so that whoever collected the values can prove
    from them alone that nothing is missing.  The time is simulated Unix time in units of 100 microseconds,
    modulo 2**32.
    """

    model = "load"
    functions = frozenset({3, 4})

    def __init__(self, now: float, *, words: int = 20) -> None:
        super().__init__()
        self.blocks = [Block.of(0, words)]
        self.fields = {"poll": Field(0, uint32()), "ticks": Field(2, uint32())} | {
            f"value_{i}": Field(4 + 2 * i, float32()) for i in range((words - 4) // 2)
        }
        self.polls = 0

    def refresh(self, now: float) -> None:
        data = self.blocks[0].data
        struct.pack_into(">II", data, 0, self.polls & 0xFFFFFFFF, int(now * 10_000) & 0xFFFFFFFF)
        for offset in range(8, len(data) - 3, 4):
            struct.pack_into(">f", data, offset, offset / 4 + self.polls % 1000)

    def _read_registers(self, function: int, pdu: bytes, now: float) -> bytes:
        first, count = struct.unpack_from(">HH", pdu, 1) if len(pdu) == 5 else (1, 0)
        if first == 0 and 2 <= count <= min(self.max_registers, self.blocks[0].words):
            self.polls += 1
        return super()._read_registers(function, pdu, now)


class Bank(Device):
    """Registers that hold what they are told: `words` from `start`, less the ranges in `holes`."""

    model = "bank"
    functions = frozenset({3, 4, 6, 16})

    def __init__(
        self,
        now: float = 0.0,
        *,
        start: int = 0,
        words: int = 100,
        holes: tuple[tuple[int, int], ...] = (),
    ) -> None:
        super().__init__()
        for first, size in (*sorted(holes), (start + words, 0)):
            if first > start:
                self.blocks.append(Block.of(start, first - start))
            start = first + size

    def write_register(self, address: int, value: int, now: float) -> None:
        self.poke(address, value.to_bytes(2, "big"))

    def command(self, words: list[str], now: float) -> object:
        """poke ADDRESS HEX."""
        match words:
            case ["poke", address, data]:
                self.poke(int(address, 0), bytes.fromhex(data))
                return None
            case _:
                return super().command(words, now)
