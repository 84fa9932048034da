"""GB/T 26875.3-2011: user information transmission device (UITD) and monitoring centre, both sides."""

from courtyard.drivers.fire.gb26875.dissect import dissect
from courtyard.drivers.fire.gb26875.events import events
from courtyard.drivers.fire.gb26875.frame import PROTOCOL, SHAPE, Link, Message, Unit, parse

__all__ = ["PROTOCOL", "SHAPE", "Link", "Message", "Unit", "dissect", "events", "parse"]
