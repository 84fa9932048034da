"""The residents of the demo: what they wear, who of them has agreed, and the rooms in which they can be heard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from courtyard.agent.care.consents import FILE, Consents

ADAPTERS = {"ble-201": ("hci0", "b01/u01/f02/r201"), "ble-hall": ("hci1", "b01/x-hall")}
"""Bluetooth lines: their adapter and the room in which it hears."""
HOME, HALL = "hci0", "hci1"
NEAR_DBM, FAR_DBM, GONE_DBM = -55, -85, -120


class Resident(NamedTuple):
    """One resident: pseudonym, simulated button and band, the button's profile, and whether health data may be used."""

    id: str
    button: str
    band: str
    profile: str
    more: str
    agrees: bool = True

    @property
    def button_id(self) -> str:
        return f"sos-{self.id.removeprefix('r-')}"

    @property
    def band_id(self) -> str:
        return f"band-{self.id.removeprefix('r-')}"


_SPACE = "00112233-4455-6677-8899-AABBCCDDEEFF"
RESIDENTS = (
    Resident("r-1", "BTH-001", "HR-001", "bthome-pendant-buzzing", 'key_file = "secrets/sos-1"\n'),
    Resident("r-2", "BTH-002", "HR-002", "bthome-pendant-buzzing", ""),
    Resident(
        "r-3",
        "SOS-003",
        "HR-003",
        "beacon-button-buzzing",
        f'beacon = {{ normal = "{_SPACE}/3/1", alarm = "{_SPACE}/3/2" }}\n',
        agrees=False,
    ),
)
WORN: Mapping[str, str] = {name: each.id for each in RESIDENTS for name in (each.band_id, each.button_id)}
"""Who wears each device."""
KEY = bytes((1, *range(1, 16)))
"""Of the first resident's pendant, which encrypts what it sends."""


def simulator_arguments(folder: Path) -> list[str]:
    """Options of `hw_sim bluetooth`."""
    return ["--folder", str(folder), "--residents", str(len(RESIDENTS)), "--adapters", str(len(ADAPTERS))]


def environment(described: Mapping[str, Any], path: str) -> dict[str, str]:
    """What makes the agent meet the simulated stack and no other; `path` is $PATH as it is."""
    return {"DBUS_SYSTEM_BUS_ADDRESS": described["bus"], "PATH": f"{described['tools']}:{path}"}


def site_text(described: Mapping[str, Any]) -> str:
    """The residents' part of the site file; `described` is what the simulated stack says of its wearables."""
    addresses: Mapping[str, str] = described["wearables"]
    receivers = ", ".join(f'{{ name = "{name}", place = "{place}" }}' for name, (_, place) in ADAPTERS.items())
    lines = [f'[[lines]]\nname = "{name}"\nkind = "ble"\nadapter = "{each}"\n' for name, (each, _) in ADAPTERS.items()]
    presence = f'[presence]\nreceivers = [{receivers}]\nfor = "5s"\nunknown_after = "30s"\n'
    people = [_resident(resident, addresses) for resident in RESIDENTS]
    return "\n".join([*lines, presence, *people])


def _resident(resident: Resident, addresses: Mapping[str, str]) -> str:
    line, (_, place) = next(iter(ADAPTERS.items()))
    common = f'line = "{line}"\nplace = "{place}"\n'
    return (
        f'[[devices]]\nid = "{resident.button_id}"\nprofile = "wearable/{resident.profile}"\n{common}'
        f'address = "{addresses[resident.button]}"\n{resident.more}'
        f'[[devices]]\nid = "{resident.band_id}"\nprofile = "wearable/heart-rate-band"\n{common}'
        f'address = "{addresses[resident.band]}"\n'
        f'[[residents]]\nid = "{resident.id}"\nwearables = ["{resident.band_id}"]\n'
        f'buttons = ["{resident.button_id}"]\nreport = "changes"\nnot_seen = "20s"\n'
        'limits = [{ point = "vital.heart_rate", above = 95, below = 45, hysteresis = 5, for = "5s" }]\n'
    )


def move_in(folder: Path, data: Path) -> None:
    """Writes the key of the pendant beside the site file, and what the residents agreed to into the data directory."""
    secrets = folder / "secrets"
    secrets.mkdir()
    key = secrets / "sos-1"
    key.touch(0o600)
    key.write_text(KEY.hex())
    data.mkdir(exist_ok=True)
    consents = Consents(data / FILE)
    for resident in RESIDENTS:
        if resident.agrees:
            consents.add("grant", resident.id, by="demo", note="simulated", at_ms=time.time_ns() // 1_000_000)


class Deed(NamedTuple):
    """What a resident can do: commands to the simulated stack, with `{button}` and `{band}`; and what is then shown."""

    commands: tuple[str, ...]
    en: str
    zh: str


def _heard(home_dbm: int, hall_dbm: int) -> tuple[str, ...]:
    return tuple(
        f"device {{{what}}} range {dbm} {adapter}"
        for what in ("button", "band")
        for adapter, dbm in ((HOME, home_dbm), (HALL, hall_dbm))
    )


DEEDS: Mapping[str, Deed] = {
    "sos": Deed(
        ("press {button} sos",),
        "{name} calls for help: the call is on disk before anything else, and names the room.",
        "{name} 按下求助：先写入磁盘再做其他事，并注明所在房间。",
    ),
    "fall": Deed(
        ("press {button} fall",),
        "{name} may have fallen: severity 1, the same way as a call for help.",
        "{name} 疑似跌倒：一级报警，与求助走同一通道。",
    ),
    "walk": Deed(
        _heard(FAR_DBM, NEAR_DBM),
        "{name} walks to the hall: the room changes when it has been heard better there for 5 s.",
        "{name} 走到门厅：门厅信号持续更强 5 秒后更新位置。",
    ),
    "leave": Deed(
        _heard(GONE_DBM, GONE_DBM),
        "{name} walks away: after 20 s without a sign of the band somebody is told.",
        "{name} 离开：手环 20 秒无信号后报警。",
    ),
    "home": Deed(
        _heard(NEAR_DBM, FAR_DBM),
        "{name} is home again: the band is connected anew, every notification counts once.",
        "{name} 回到房间：手环自动重连，数据不重不漏。",
    ),
    "excite": Deed(
        ("device {band} excited",),
        "The heart of {name} beats faster: an alarm only after 5 s above 95.",
        "{name} 心率升高：持续 5 秒高于 95 才报警。",
    ),
    "calm": Deed(("device {band} calm",), "The heart of {name} calms down.", "{name} 心率恢复平稳。"),
}


def commands(verb: str, resident: Resident) -> tuple[str, ...]:
    """What the simulated stack is told when a resident does this."""
    return tuple(each.format(button=resident.button, band=resident.band) for each in DEEDS[verb].commands)
