"""`courtyard vision region CAMERA`: a lift's regions drawn on a picture, and the lines for the site file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent.cli.vision_source import Unreadable, picture_of, said
from courtyard.agent.control import Refused
from courtyard.config.present import present
from courtyard.config.read import check_site
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Text
from courtyard.drivers.camera.login import InstalledCamera

Corners = tuple[tuple[float, float], ...]
SUGGESTED: Final[Corners] = ((0.15, 0.3), (0.85, 0.3), (0.95, 1.0), (0.05, 1.0))
"""The floor of a car as a camera in the corner of its ceiling mostly shows it."""


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when the picture is written."""
    from courtyard.agent.vision.drawing import DOOR_COLOUR, FLOOR_COLOUR, drawn, png, toml

    verdict = check_site(options.site)
    if verdict.snapshot is None:
        raise Refused(present(verdict.mistakes, options.lang))
    camera = options.targets[0]
    known = {each.id: each for each in verdict.snapshot.site.cameras}
    if camera not in known:
        names = ", ".join(known) or "-"
        raise Refused(
            Text(
                f"The site has no camera {camera}. It has: {names}.", f"站点中没有摄像机 {camera}。现有：{names}。"
            ).say(options.lang)
        )
    lift = next((each for each in verdict.snapshot.site.lifts if each.camera == camera), None)
    floor = _corners(options.floor, options) or _pairs(lift.floor_region if lift else ()) or SUGGESTED
    door = _corners(options.door, options) or _pairs(lift.door_region if lift else ())
    taken = options.picture or _snapshot(verdict.snapshot, camera, options.output)
    try:
        picture = picture_of(taken)
    except Unreadable as error:
        raise Refused(said(str(taken), error.why, options.lang)) from error
    options.output.write_bytes(png(drawn(picture, ((floor, FLOOR_COLOUR), (door, DOOR_COLOUR)))))
    lines = [toml("floor_region", floor), *([toml("door_region", door)] if door else [])]
    if options.json:
        answer = {"picture": str(options.output), "floor_region": floor, "door_region": door}
        print(msgspec.json.encode(answer).decode())
        return 0
    print(
        Text(
            f"Look at {options.output}: green is the floor, orange the door. Move corners with --floor and --door; "
            "when they fit, write into [[lifts]]:",
            f"请查看 {options.output}：绿色为地面，橙色为门口。可用 --floor、--door 调整顶点；合适后写入 [[lifts]]：",
        ).say(options.lang)
    )
    print("\n".join(lines))
    return 0


def _snapshot(snapshot: Snapshot, camera: str, output: Path) -> Path:
    """A picture of now from the camera, beside the output.  Raises DriverError."""
    from courtyard.drivers.camera.onvif import OnvifCamera

    installed = snapshot.devices[camera].driver
    assert isinstance(installed, InstalledCamera)
    onvif = OnvifCamera(installed.settings, installed.login())
    try:
        onvif.connect()
        _, profile = onvif.stream()
        path = output.with_suffix(".jpg")
        path.write_bytes(onvif.snapshot(profile.token))
    finally:
        onvif.close()
    return path


def _corners(text: str | None, options: argparse.Namespace) -> Corners:
    """`0.1,0.3 0.9,0.3 0.9,1` as corners."""
    if not text:
        return ()
    try:
        corners = tuple((float(x), float(y)) for x, y in (each.split(",") for each in text.split()))
    except ValueError:
        corners = ()
    if len(corners) < 3 or not all(0 <= side <= 1 for corner in corners for side in corner):
        raise Refused(
            Text(
                f'"{text}" is no region. Write at least 3 corners as shares of the picture: "0.1,0.3 0.9,0.3 0.9,1".',
                f'"{text}" 不是区域。请至少填写三个顶点（占画面的比例）："0.1,0.3 0.9,0.3 0.9,1"。',
            ).say(options.lang)
        )
    return corners


def _pairs(polygon: tuple[tuple[float, ...], ...]) -> Corners:
    return tuple((corner[0], corner[1]) for corner in polygon)
