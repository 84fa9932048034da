"""A rendered lift car: pictures of a ceiling camera with the truth beside each."""

from hw_sim.lift.car import Car
from hw_sim.lift.scene import Frame, Placed, Scene, Truth
from hw_sim.lift.script import Event, Script, render, render_at, traffic
from hw_sim.lift.stills import Studio, still

__all__ = [
    "Car",
    "Event",
    "Frame",
    "Placed",
    "Scene",
    "Script",
    "Studio",
    "Truth",
    "render",
    "render_at",
    "still",
    "traffic",
]
