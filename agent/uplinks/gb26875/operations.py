"""The last operations that a centre was told of, for when it asks again (types 64 and 84)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from courtyard.agent.uplinks.gb26875.present import Report
from courtyard.drivers.fire.gb26875.objects import (
    DeviceOperation,
    DeviceOperationsQuery,
    InformationObject,
    SystemOperation,
    SystemOperationsQuery,
)
from courtyard.drivers.fire.gb26875.wire import Short, TimeTag, pack, unpack

SYSTEM, DEVICE = 4, 24
MOST: Final = 102
"""As many as one answer may hold."""
_SHAPES: Final[dict[int, type[SystemOperation] | type[DeviceOperation]]] = {
    SYSTEM: SystemOperation,
    DEVICE: DeviceOperation,
}


class Operations:
    """At most `MOST` of each kind, the oldest first; `dump` is what `Operations(dump)` begins with after a restart."""

    def __init__(self, kept: bytes = b"") -> None:
        self._kept: dict[int, deque[InformationObject]] = {kind: deque(maxlen=MOST) for kind in _SHAPES}
        at = 0
        while at < len(kept) and kept[at] in _SHAPES:
            try:
                item, end = unpack(_SHAPES[kept[at]], kept, at + 1)
            except Short:
                return
            self._kept[kept[at]].append(item)
            at = end

    def note(self, reports: Iterable[Report]) -> bool:
        """Takes what the centre has confirmed; whether there was an operation in it."""
        operations = [report for report in reports if report.kind in _SHAPES]
        for report in operations:
            self._kept[report.kind].append(report.item)
        return bool(operations)

    def dump(self) -> bytes:
        """Everything that is kept."""
        return b"".join(bytes((kind,)) + pack(item) for kind, items in self._kept.items() for item in items)

    def answer(self, query: InformationObject) -> list[InformationObject]:
        """As many operations as are asked for, from a time on; none where nothing is known of that time."""
        match query:
            case SystemOperationsQuery():
                of_system = [
                    item
                    for item in self._kept[SYSTEM]
                    if isinstance(item, SystemOperation)
                    and (item.system_type, item.system_address) == (query.system_type, query.system_address)
                ]
                return list(_since(of_system, query.since))[: query.records]
            case DeviceOperationsQuery():
                own = [item for item in self._kept[DEVICE] if isinstance(item, DeviceOperation)]
                return list(_since(own, query.since))[: query.records]
        return []


def _since(items: Iterable[SystemOperation | DeviceOperation], since: TimeTag) -> Iterable[InformationObject]:
    return (item for item in items if item.time.raw[::-1] >= since.raw[::-1])
