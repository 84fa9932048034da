"""What a simulated camera can be told to do wrong."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "refuse": "no port answers",
    "hang": "requests are accepted and never answered",
    "drip": "[BYTES]: SOAP answers come one byte a second after so many at once",
    "password": "every password is wrong",
    "clock": "SECONDS: the clock is off",
    "slots": "no event subscription is left",
    "lease": "SECONDS: an event subscription lives no longer, whatever is asked for",
    "pull": "every PullMessages is a fault",
    "renew": "every Renew is a fault",
    "media2": "every request to Media2 is a fault",
    "xaddr": "service addresses name a host that is not there",
    "huge": "SOAP answers of 8 MB",
    "truncated": "SOAP answers end in the middle",
    "bomb": "SOAP answers are entity bombs",
    "session": "SECONDS: a stream ends when nothing is asked for so long; its client is told so",
    "freeze": "the stream stays open and sends nothing",
    "still": "the stream repeats one picture",
    "corrupt": "the stream carries damaged video",
    "size": "the stream has other, larger pictures",
    "codec": "the stream is MPEG-4 part 2",
}
"""Fault to what it does."""


class Mischief:
    """The faults that are in force, with their values."""

    def __init__(self) -> None:
        self._active: dict[str, float] = {}

    def set(self, kind: str, value: float = 1.0) -> None:
        """Raises ValueError for a fault that is not known."""
        if kind not in KINDS:
            raise ValueError(f"known: {', '.join(KINDS)}")
        self._active[kind] = value

    def heal(self, kind: str | None = None) -> None:
        """Ends one fault, or all."""
        if kind is None:
            self._active.clear()
        else:
            self._active.pop(kind, None)

    def __contains__(self, kind: str) -> bool:
        return kind in self._active

    def value(self, kind: str) -> float:
        """0 when the fault is not in force."""
        return self._active.get(kind, 0.0)

    def active(self) -> list[str]:
        return sorted(self._active)
