"""What a device last said, kept for the day its meter is swapped.

When the site gives a device a new `install` number, the first reading of the new meter is recorded as the event
`device.replaced`, with the last reading of the old one beside it, so that a bill can be closed and opened.  Last
readings are put into the journal's state once an hour and at a clean stop; the event says when each was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from courtyard.agent.normalise import fit
from courtyard.agent.recorder import Recorder
from courtyard.agent.records import Details, instant
from courtyard.buffer import JournalBusy
from courtyard.drivers.base import Reading, Scalar

PREFIX: Final = "last/"
SAVE_EVERY_MS: Final = 3_600_000
MAX_POINTS: Final = 64


class Last(msgspec.Struct, frozen=True):
    """The last usable reading of one apparatus."""

    install: int
    at_ms: int
    values: dict[str, Scalar | None]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Last).decode


class Installs:
    """`install_of` tells the site's present install number of a device."""

    def __init__(self, recorder: Recorder, install_of: Callable[[str], int]) -> None:
        self._recorder, self._install_of = recorder, install_of
        self._readings: dict[str, Reading] = {}  # of the present apparatus, since the start
        self._before: dict[str, Last] = {}  # as restored, or of an apparatus that was replaced
        self._saved_ms = recorder.clock.mono_ms()
        for key, value in recorder.journal.state(PREFIX).items():
            try:
                self._before[key.removeprefix(PREFIX)] = _decode(value)
            except msgspec.MsgspecError:
                recorder.event("device.last.unreadable", {}, device=key.removeprefix(PREFIX))

    def seen(self, reading: Reading) -> None:
        """Takes every reading; cheap."""
        device = reading.device
        if device not in self._before:
            self._readings[device] = reading
        elif any(value is not None for value in reading.values.values()):
            before = self._before.pop(device)
            self._readings[device] = reading
            if before.install != self._install_of(device):
                self._recorder.event("device.replaced", self._swap(before, reading), device=device)

    def adjust(self, former: Mapping[str, int]) -> None:
        """The site changed; `former` are the install numbers until now, by device id."""
        for device, install in former.items():
            if device in self._readings and install != self._install_of(device):
                self._before[device] = _last(self._readings.pop(device), install)

    def tick(self, mono_ms: int) -> None:
        """Saves when it is time; called about once a second."""
        if mono_ms - self._saved_ms >= SAVE_EVERY_MS:
            self.save()

    def save(self) -> None:
        """Puts the last readings into the journal's state; when the journal is busy, an hour later."""
        self._saved_ms = self._recorder.clock.mono_ms()
        lasts = {device: _last(reading, self._install_of(device)) for device, reading in self._readings.items()}
        state = {PREFIX + device: _encode(last) for device, last in (self._before | lasts).items()}
        try:
            self._recorder.put((), state)
        except JournalBusy:
            self._recorder.events_dropped += 1

    def _swap(self, before: Last, first: Reading) -> Details:
        after = _last(first, self._install_of(first.device))
        details: Details = {"install": after.install, "previous_install": before.install}
        for name, last in (("last", before), ("first", after)):
            details[f"{name}.at"] = instant(last.at_ms)
            details |= {f"{name}.{point}": value for point, value in list(last.values.items())[:MAX_POINTS]}
        return details


def _last(reading: Reading, install: int) -> Last:
    return Last(install, reading.at_ms, fit(reading.values, reading.quality)[0])
