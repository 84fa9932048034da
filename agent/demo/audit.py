"""Is anything missing upstream?  Judged against the simulators' own list of answers served."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

TOTAL = "water.volume.total"
RELATIVE, ABSOLUTE_M3 = 1e-6, 1e-6
"""Single-precision registers carry 24 bits (IEEE 754); totals are written with a resolution of a millilitre."""


class Verdict(NamedTuple):
    """What one device served and what of it arrived, in order.  `wrong` is the first difference, if any."""

    device: str
    served: int
    arrived: int
    wrong: str | None

    @property
    def complete(self) -> bool:
        """Everything served arrived, in order, with the right values."""
        return self.wrong is None and self.arrived >= self.served > 0


def compare(device: str, served: Sequence[float], arrived: Sequence[float | None]) -> Verdict:
    """Every total served must have arrived, once, in order; what was served later than asked may follow."""
    values = [value for value in arrived if value is not None]
    for index, (expected, found) in enumerate(zip(served, values, strict=False)):
        if not math.isclose(expected, found, rel_tol=RELATIVE, abs_tol=ABSOLUTE_M3):
            return Verdict(device, len(served), len(values), f"answer {index + 1}: served {expected}, arrived {found}")
    missing = len(served) - len(values)
    return Verdict(device, len(served), len(values), f"{missing} missing at the end" if missing > 0 else None)


def missing_fires(told: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Fires that the panel told and that did not arrive exactly once, as controller-loop-point."""
    raised = [record.get("source") for record in records if record["class"] == "fire" and record["action"] == "raise"]
    fires = {f"{each['controller']}-{each['loop']}-{each['point']}" for each in told if each["kind"] == "fire"}
    return sorted(fire for fire in fires if raised.count(fire) != 1)


def totals(records: Sequence[Mapping[str, Any]], device: str) -> list[float | None]:
    """The totals of one device among the records of a platform, in the order of their sequence numbers."""
    own = sorted((record for record in records if record["device"] == device), key=lambda record: int(record["seq"]))
    return [record["values"].get(TOTAL) for record in own]
