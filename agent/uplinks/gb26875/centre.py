"""What an uplink to a fire-control centre tells the gateway, and asks of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from courtyard.agent.records import AlarmRecord
from courtyard.agent.uplinks.gb26875.analogues import Measure, Quantity
from courtyard.agent.uplinks.gb26875.inventory import Inventory


class Centre(NamedTuple):
    """The gateway, as one uplink sees it."""

    present: Callable[[], Iterable[AlarmRecord]]
    """The latest record of every alarm that is active now."""
    received: Callable[[AlarmRecord], None]
    """The centre has confirmed this alarm."""
    wanted: Callable[[str], bool]
    """Whether this centre gets the alarm of this id; of others it hears nothing."""
    over: Callable[[str], None]
    """The centre has had the last change of the alarm of this id."""
    patrol: Callable[[int], None]
    """The centre wants to know, within minutes, whether somebody is on duty."""
    clock: Callable[[float], None]
    """By so many seconds the centre's clock is ahead of ours."""
    configuration: Callable[[], str]
    inventory: Callable[[], Inventory]
    """What the site tells of its systems and their parts."""
    quantities: Callable[[], Sequence[Quantity]]
    """What the centre gets as measured values."""
    measure: Measure
    recall: bytes
    """What `note` was given last, maybe by the process before."""
    note: Callable[[bytes], Awaitable[None]]
    """Keeps the operations that the centre has been told of."""
