"""Which function takes a frame of which protocol apart, for `courtyard decode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from courtyard.drivers.dissection import Dissection
from courtyard.drivers.fire.protocols import PANELS

DISSECTORS: Mapping[str, Callable[[bytes], Dissection]] = {name: panel.dissect for name, panel in PANELS.items()}
