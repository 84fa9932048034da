"""One look at a camera: who it is, and a picture of now.

Run as a process of its own (`python -m courtyard.agent.page.commissioning.camera_look`), because the libraries that
speak ONVIF are heavier than the whole page: a request as JSON on its standard input, a `Look` as JSON on its output.
"""

from __future__ import annotations

import base64
import sys

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """The camera as the site will have it, and its password."""

    address: str
    username: str
    password: str
    certificate: str | None = None


class Look(msgspec.Struct, frozen=True):
    """`picture` is a JPEG in base64; what is wrong stands in `what` and `cure`, English and Chinese."""

    model: str = ""
    picture: str | None = None
    what: tuple[str, str] | None = None
    cure: tuple[str, str] | None = None


def look(asked: Asked) -> Look:
    """Connects and asks for a picture; what goes wrong is an answer too."""
    try:
        from courtyard.drivers.camera.onvif import OnvifCamera
        from courtyard.drivers.camera.settings import Camera, Login
    except ImportError as error:
        missing = (f"The support for cameras is not installed ({error.name}).", f"未安装摄像机支持（{error.name}）。")
        return Look(
            what=missing,
            cure=("On the box: pip install 'courtyard[camera]'", "请安装：pip install 'courtyard[camera]'"),
        )
    from courtyard.drivers.base import DriverError

    camera = Camera(
        id="camera", address=asked.address, username=asked.username, password_file="-", certificate=asked.certificate
    )
    device = OnvifCamera(camera, Login(asked.username, asked.password))
    try:
        identity = device.connect().identity
        model = " ".join(part for part in identity if part)[:120]
        picture = device.snapshot(device.stream()[1].token)
    except DriverError as error:
        return Look(what=(error.fault.what.en, error.fault.what.zh), cure=(error.fault.cure.en, error.fault.cure.zh))
    finally:
        device.close()
    return Look(model, base64.b64encode(picture).decode())


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(look(msgspec.json.decode(sys.stdin.buffer.read(), type=Asked))))
