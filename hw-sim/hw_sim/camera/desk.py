"""What a running camera can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hw_sim.camera.camera import SimCamera
from hw_sim.camera.mischief import KINDS
from hw_sim.control import Command

MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
TAMPER = "tns1:RuleEngine/TamperDetector/Tamper"


class CameraDesk:
    """The commands of one camera; `table` is what a `ControlServer` serves."""

    def __init__(self, camera: SimCamera) -> None:
        self.camera = camera
        self.stopped = camera.stopped
        self.table: Mapping[str, Command] = {
            "describe": Command(lambda words: self.describe(), "addresses of the camera"),
            "fault": Command(self.fault, f"KIND [VALUE]: {', '.join(KINDS)}"),
            "heal": Command(self.heal, "[KIND]"),
            "drop": Command(lambda words: camera.rtsp.drop(), "cut every stream"),
            "motion": Command(lambda words: self._say(MOTION, "IsMotion", words), "on|off"),
            "tamper": Command(lambda words: self._say(TAMPER, "IsTamper", words), "on|off"),
            "event": Command(self.event, "TOPIC SOURCE VALUE ITEM VALUE"),
            "relays": Command(lambda words: dict(camera.device.relays), "states of the relay outputs"),
            "monostable": Command(self.monostable, "RELAY SECONDS: it falls back so long after it was last activated"),
            "subscriptions": Command(lambda words: len(camera.events.subscriptions), "event subscriptions held"),
            "calls": Command(
                lambda words: camera.calls[-int(words[0]) if words else -100 :], "[COUNT]: last operations"
            ),
            "quit": Command(lambda words: camera.stopped.set(), "end the simulator"),
        }

    async def close(self) -> None:
        await self.camera.close()

    def describe(self) -> dict[str, Any]:
        camera = self.camera
        return {
            "device": f"{camera.http.url}/onvif/device_service",
            "streams": camera.media.streams,
            "discovery": camera.discovery.port,
            "identity": f"urn:uuid:{camera.identity}",
            "faults": camera.mischief.active(),
        }

    async def fault(self, words: list[str]) -> None:
        await self.camera.fault(words[0], float(words[1]) if words[1:] else 1.0)

    async def heal(self, words: list[str]) -> None:
        await self.camera.heal(words[0] if words else None)

    def monostable(self, words: list[str]) -> None:
        self.camera.device.delays_s[words[0]] = float(words[1])

    def event(self, words: list[str]) -> None:
        topic, source, value, item, state = words[:5]
        self.camera.notify(topic, {source: value}, {item: state})

    def _say(self, topic: str, item: str, words: list[str]) -> None:
        self.camera.notify(
            topic, {"VideoSourceConfigurationToken": "vsc"}, {item: "true" if words[0] == "on" else "false"}
        )
