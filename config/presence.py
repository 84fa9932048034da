"""In which room somebody is: receivers with a place, and when a change of the strongest is believed.

A receiver is a name with a place: a Bluetooth line of the site, or anything else that hears wearables under a name.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from courtyard.config.kinds import Place
from courtyard.drivers.ble.presence import Terms
from courtyard.drivers.lines.settings import Name, Seconds, help_text


class Receiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that hears wearables, and where it is."""

    name: Annotated[
        Name,
        help_text("Name of the Bluetooth line that hears.", "负责接收的蓝牙线路名称。", example="ble-b03"),
    ]
    place: Annotated[
        Place,
        help_text(
            "Room that whoever is heard best here is in.",
            "此处信号最强时，佩戴者所在的位置。",
            example="b03/u02/f06/r601",
        ),
    ]


class Presence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which room residents are, by the strength of what they wear; never how far away."""

    receivers: Annotated[
        tuple[Receiver, ...],
        Meta(min_length=1),
        help_text(
            "What hears, and in which room it is; one receiver a room.",
            "各接收器及其所在房间；每个房间一个。",
            example=[{"name": "ble-b03", "place": "b03/u02/f06/r601"}],
        ),
    ]
    hysteresis_db: Annotated[
        float,
        Meta(ge=0, le=30),
        help_text(
            "How much stronger another room must be, in dB: bodies and doors alone make 5.",
            "其他房间的信号须强出多少（dB）才算数；人体和门的遮挡即可造成 5 dB 变化。",
        ),
    ] = field(default=6.0, name="hysteresis")
    for_s: Annotated[
        Seconds,
        Meta(ge=1, le=600),
        help_text("How long it must stay stronger.", "须持续多久才算换了房间。"),
    ] = field(default=15.0, name="for")
    unknown_after_s: Annotated[
        Seconds,
        Meta(ge=10, le=86_400),
        help_text("Silence after which the room counts as unknown.", "多久收不到信号即视为位置未知。"),
    ] = field(default=120.0, name="unknown_after")

    @property
    def places(self) -> dict[str, str]:
        """The place of each receiver, relative to the gateway's."""
        return {receiver.name: receiver.place for receiver in self.receivers}

    @property
    def terms(self) -> Terms:
        return Terms(self.hysteresis_db, self.for_s, self.unknown_after_s)
