"""The lift of the demo: a rendered car behind a real stream, looked at by the detector that the product ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from courtyard.drivers.base import Text

CAMERA, LIFT, CLASS = "cam-lift", "lift-b01-1", "ebike"
LAMP = "lift-lamp"
PASSWORD = "gateway-demo"
PASSWORD_FILE = "secrets/cam-lift"
SEED, GEOMETRY = 4, "test"
"""The car and the things in it.  Of the cars that training never saw, the one whose e-bikes the shipped detector sees
best; what it says in the others is in docs/measurements.md."""
PICTURES_S, SIZE = 5, (480, 270)
"""The simulator draws so many a second, as many as a lift is looked at, and no larger than the detector has use for: a
laptop draws them beside everything else."""
GONE = Text(
    "It is gone: the alarm ends once {name} has not been seen for 3 s; picture and clip stay.",
    "{name}已离开：3 秒未再看到后报警解除，图片和短片保留。",
)
DEEDS: Mapping[str, tuple[str, Text]] = {
    "ebike in": (
        "wheel in ebike",
        Text(
            "An e-bike is wheeled into the lift: the detector looks at decoded pictures, the lamp warns, the page has "
            "score, picture and clip. Nobody has commissioned a door here, so none is held.",
            "电动自行车推入电梯：检测模型分析解码后的画面，警示灯点亮；页面可查看分值、图片和短片。"
            "演示中的电梯未验收，不保持开门。",
        ),
    ),
    "ebike out": ("wheel out ebike", Text(GONE.en.format(name="the e-bike"), GONE.zh.format(name="电动自行车"))),
    "bicycle in": (
        "wheel in bicycle",
        Text(
            "A bicycle without a motor is wheeled in: it may, no alarm.",
            "推入普通自行车：允许进入，不报警。",
        ),
    ),
    "bicycle out": ("wheel out bicycle", Text("The bicycle leaves the lift.", "普通自行车离开电梯。")),
    "person in": ("wheel in person", Text("Somebody walks into the lift: no alarm.", "有人走进电梯：不报警。")),
    "person out": ("wheel out person", Text("Somebody leaves the lift.", "乘客离开电梯。")),
}
"""What a person can do: the command to the simulated lift, and what is then to be seen."""


def simulator_arguments(folder: Path) -> list[str]:
    """Options of `hw_sim lift`."""
    scene = ["--seed", str(SEED), "--geometry", GEOMETRY, "--rate", str(PICTURES_S), "--size", *map(str, SIZE)]
    return [*scene, "--password", PASSWORD, "--control", str(folder / "lift.sock")]


def site_text(described: Mapping[str, Any]) -> str:
    """The lift's part of the site file; `described` is what the simulated camera says of itself."""
    return (
        f'[[cameras]]\nid = "{CAMERA}"\naddress = "{described["device"]}"\nusername = "gateway"\n'
        f'password_file = "{PASSWORD_FILE}"\nplace = "b01/x-lift1"\n'
        f'[[outputs]]\nname = "{LAMP}"\ndevice = "relay-b02"\ntarget = "lamp"\ncap = "10m"\n'
        f'[[lifts]]\nid = "{LIFT}"\ncamera = "{CAMERA}"\nplace = "b01/x-lift1"\nwarn = ["{LAMP}"]\n'
    )


def wire(folder: Path) -> None:
    """Writes the camera's password beside the site file."""
    file = folder / PASSWORD_FILE
    file.parent.mkdir(exist_ok=True)
    file.touch(0o600)
    file.write_text(PASSWORD)
