"""Measured values as component analogues of GB/T 26875.3-2011 (type 3): good values of now, never stale ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from courtyard.agent.uplinks.gb26875.present import Report
from courtyard.config.station import Analogue, Scale
from courtyard.drivers.fire.gb26875.objects import ComponentAnalogue
from courtyard.drivers.fire.gb26875.wire import TimeTag

LOWEST: Final = -(1 << 15)
HIGHEST: Final = (1 << 15) - 1


class Quantity(NamedTuple):
    """What is reported, and how it may travel; the first scale into which the value fits is taken."""

    settings: Analogue
    scales: tuple[Scale, ...]


class Measured(NamedTuple):
    """A value, and when it was read."""

    value: float
    at: TimeTag


Measure = Callable[[Analogue], Measured | None]
"""The present value of a point; None when there is no good one."""


def analogues(quantities: Sequence[Quantity], measure: Measure) -> Iterator[Report]:
    """Every value that is good and fits."""
    for quantity in quantities:
        report = analogue(quantity, measure)
        if report is not None:
            yield report


def analogue(quantity: Quantity, measure: Measure) -> Report | None:
    """One value; None when there is no good one, or when the standard's 16 bits cannot hold it."""
    settings, measured = quantity.settings, measure(quantity.settings)
    if measured is None:
        return None
    for scale in quantity.scales:
        number = round(measured.value * scale.gain + scale.bias)
        if LOWEST <= number <= HIGHEST:
            part = (settings.system_type, settings.system, settings.component_type, settings.component)
            return Report(3, ComponentAnalogue(*part, scale.type, number, measured.at))
    return None


def asked(
    quantities: Sequence[Quantity], system_type: int, system: int, kind: int | None, component: int
) -> Quantity | None:
    """The quantity at an address; without `kind` any component type will do."""
    for quantity in quantities:
        settings = quantity.settings
        address = (settings.system_type, settings.system, settings.component)
        if address == (system_type, system, component) and kind in (None, settings.component_type):
            return quantity
    return None
