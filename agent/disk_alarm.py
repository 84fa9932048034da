"""The disk of the journal fails, or works again: an alarm of the gateway itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from courtyard.agent.condition import Condition
from courtyard.agent.journal_faults import fault_of
from courtyard.agent.recorder import Recorder
from courtyard.buffer import Finding
from courtyard.drivers.base import Fault, Text

DISK_OK: Final = "disk.ok"
WORKS: Final = Text("The disk works again.", "磁盘已恢复正常。")


class DiskAlarm:
    """Used from the event loop only; `say` takes the condition that the disk of this gateway fails."""

    def __init__(self, gateway: str, recorder: Recorder, say: Callable[[Condition], None]) -> None:
        self._gateway, self._recorder, self._say = gateway, recorder, say
        self.fault: Fault | None = None
        self.since_ms: int | None = None

    def found(self, finding: Finding) -> bool:
        """Takes what the journal found; whether it was about its disk."""
        if not finding.code.startswith("disk."):
            return False
        self.fault = fault = None if finding.code == DISK_OK else fault_of(finding)
        text = Text(f"{fault.what.en} {fault.cure.en}", f"{fault.what.zh}{fault.cure.zh}") if fault else WORKS
        now = self._recorder.now()
        self.since_ms = None if fault is None else self.since_ms or finding.at_ms
        self._say(Condition(self._gateway, "disk_fault", "", 2, fault is not None, *now, text=text))
        return True
