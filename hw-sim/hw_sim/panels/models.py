"""Every simulated panel by the name of its protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hw_sim.panels.espa import Espa
from hw_sim.panels.fs5101 import Fs5101
from hw_sim.panels.gb26875 import Gb26875
from hw_sim.panels.gst24 import Gst24
from hw_sim.panels.gst232 import Gst232
from hw_sim.panels.gst_printer import GstPrinter
from hw_sim.panels.jb3208 import Jb3208
from hw_sim.panels.jbf import Jbf
from hw_sim.panels.ld128 import Ld128
from hw_sim.panels.panel import Panel

PANELS: Mapping[str, Callable[[], Panel]] = {
    "gb26875": Gb26875,
    "jbf": Jbf,
    "gst24": Gst24,
    "gst232": Gst232,
    "gst-printer": GstPrinter,
    "ld128": Ld128,
    "jb3208": Jb3208,
    "fs5101": Fs5101,
    "espa": Espa,
}
