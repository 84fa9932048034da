"""How much of a line's time its polls take, from the speed and what the profiles read.

Source: MODBUS over Serial Line V1.02, 2.5.1.1: 3.5 silent characters around every frame, 1.75 ms above 19200 Bd.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from courtyard.drivers.lines.settings import RtuTcpLine, SerialLine
from courtyard.drivers.modbus.planning import Part, plan
from courtyard.drivers.modbus.settings import ModbusDevice

REQUEST_BYTES = 8
ANSWER_OVERHEAD_BYTES = 5
"""Unit, function, byte count, CRC."""
NICE_S = (1, 2, 5, 10, 15, 20, 30, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400)


class Load(NamedTuple):
    """`share` of the line's time that legal frames and gaps take; `busy_s` of `period_s`, the longest poll period."""

    share: float
    busy_s: float
    period_s: float

    def period_for(self, share: float) -> float:
        """The next round period, for all devices alike, with which the line is busy for at most `share` of its time."""
        least = self.busy_s / share
        return next((nice for nice in NICE_S if nice >= least), math.ceil(least / 86400) * 86400)


def character_s(line: SerialLine | RtuTcpLine) -> float:
    """Time of one character.  A serial server's side is taken as 8N1 (10 bits)."""
    bits = 10 if isinstance(line, RtuTcpLine) else 1 + line.data_bits + (line.parity != "N") + line.stop_bits
    return bits / line.baud


def transaction_s(line: SerialLine | RtuTcpLine, part: Part) -> float:
    """Request, answer and both silences, without the time that the device thinks."""
    character = character_s(line)
    silence_s = 3.5 * character if line.baud <= 19200 else 0.00175
    return (REQUEST_BYTES + ANSWER_OVERHEAD_BYTES + part.read.payload_bytes) * character + 2 * silence_s


def load(line: SerialLine | RtuTcpLine, devices: Iterable[ModbusDevice]) -> Load:
    """The load of all devices of a line; a device costs one transaction for each part of its plan."""
    share, period_s = 0.0, 0.0
    polls_s: dict[int, float] = {}  # by identity: devices of one type share their points
    for device in devices:
        kind = id(device.points)
        if kind not in polls_s:
            polls_s[kind] = sum(transaction_s(line, part) for part in plan(device.points, device.profile))
        share += polls_s[kind] / device.every_s
        period_s = max(period_s, device.every_s)
    return Load(share, share * period_s, period_s)
