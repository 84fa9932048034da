"""A device from which nothing usable has come for its supervision window: silence is an alarm.

The window is the rule's `for`, or three periods of the device (at least 10 s) when that is 0.  A reading counts when
at least one of its points has a value that is not stale.  What the driver last said about the device goes into the
text.  What somebody wears is looked for, not judged: there any reading counts, also one that says that it is not worn.
After a start the window begins anew; an alarm from before the start returns with the first usable reading.
"""

from __future__ import annotations

from courtyard.agent.condition import Condition
from courtyard.agent.rules.evaluator import Watch
from courtyard.drivers.base import Fault, Reading, Text

MISSED_PERIODS = 3
LEAST_WINDOW_S = 10.0


class Unreachable:
    """`tick` raises, `observe` ends."""

    __slots__ = ("_active", "_fault", "_heard_ms", "_watch", "_window_ms")

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        window_s = watch.rule.for_s or max(MISSED_PERIODS * watch.every_s, LEAST_WINDOW_S)
        self._window_ms = round(window_s * 1000)
        self._heard_ms: int | None = None
        self._active: bool | None = None
        self._fault: Fault | None = None

    def observe(self, reading: Reading) -> Condition | None:
        if reading.quality and self._watch.care is None and not _usable(reading):
            return None
        self._heard_ms = reading.mono_ms
        if self._active is False:
            return None
        self._active = False
        return self._condition(
            reading.at_ms, reading.mono_ms, Text(f"{reading.device} answers.", f"{reading.device} 已恢复应答。")
        )

    def tick(self, wall_ms: int, mono_ms: int) -> Condition | None:
        if self._heard_ms is None:
            self._heard_ms = mono_ms  # the window begins with the first look, not at some other clock's zero
        if self._active or mono_ms - self._heard_ms < self._window_ms:
            return None
        self._active = True
        device, silent_s = self._watch.device, self._window_ms // 1000
        fault = self._fault
        nothing = Text(f"Nothing usable from {device} for {silent_s} s.", f"{device} 已 {silent_s} 秒没有可用数据。")
        if self._watch.care is not None:
            nothing = Text(f"{device} has not been seen for {silent_s} s.", f"{device} 已 {silent_s} 秒没有信号。")
        why = Text(f" {fault.what.en} {fault.cure.en}", f"{fault.what.zh}{fault.cure.zh}") if fault else Text("", "")
        return self._condition(
            wall_ms,
            mono_ms,
            Text(f"{nothing.en}{why.en}", f"{nothing.zh}{why.zh}"),
        )

    def health(self, fault: Fault | None) -> None:
        """What the driver says about the device; only words, the readings decide."""
        self._fault = fault

    def _condition(self, at_ms: int, mono_ms: int, text: Text) -> Condition:
        rule = self._watch.rule
        return Condition(
            self._watch.device,
            self._watch.alarm_class,
            rule.name,
            rule.severity,
            bool(self._active),
            at_ms,
            mono_ms,
            text=text,
            details={**self._watch.details, "fault": self._fault.code if self._fault and self._active else None},
        )


def _usable(reading: Reading) -> bool:
    return any(
        value is not None and not reading.quality.get(point, "").endswith(":stale")
        for point, value in reading.values.items()
    )
