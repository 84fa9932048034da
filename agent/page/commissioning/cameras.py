"""Cameras before they are in the site: who answers a probe, and what one of them shows; in processes of their own."""

from __future__ import annotations

import asyncio
import base64
import secrets
import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from courtyard.agent.page.commissioning.camera_look import Asked, Look
from courtyard.agent.web.commissioning.model import CameraLook, FoundCamera, Probe
from courtyard.agent.web.model import Words

LOOK_S, PROBE_S = 30.0, 30.0
LISTEN_S: Final = "6"
MOST_PICTURES: Final = 2
MOST_BYTES: Final = 4_000_000
LATE: Final = Words("It took too long.", "等待超时。")
AGAIN: Final = Words("Look at power and network of the camera, then try again.", "请检查摄像机供电和网络后重试。")
NO_PROBE: Final = Words("The network could not be probed.", "无法探测网络。")
BY_ADDRESS: Final = Words(
    "Type the address of the camera instead; if the support for cameras is missing: pip install 'courtyard[camera]'.",
    "请直接填写摄像机地址；若未安装摄像机支持：pip install 'courtyard[camera]'。",
)


class CameraTrials:
    """Pictures stay in memory, a few at a time, until others take their place."""

    def __init__(self) -> None:
        self._pictures: dict[str, bytes] = {}
        self._busy = asyncio.Lock()

    async def probe(self, site: str) -> Probe:
        """Cameras of the local network that answer ONVIF's probe."""
        options = ("scan", "cameras", "--json", "--seconds", LISTEN_S, "--site", site)
        answer = await self._ask(("courtyard.agent", *options), b"", PROBE_S)
        try:
            rows: list[Mapping[str, Any]] = msgspec.json.decode(answer)
        except msgspec.DecodeError:
            return Probe((), NO_PROBE, BY_ADDRESS)
        return Probe(
            tuple(FoundCamera(row["address"], row["name"], row["hardware"], row["camera"] or None) for row in rows)
        )

    async def look(self, asked: Asked) -> CameraLook:
        """Who a camera is and what it shows now."""
        answer = await self._ask((f"{__package__}.camera_look",), msgspec.json.encode(asked), LOOK_S)
        try:
            seen = msgspec.json.decode(answer, type=Look)
        except msgspec.MsgspecError:
            return CameraLook(fault=LATE, cure=AGAIN)
        if seen.what is not None and seen.cure is not None:
            return CameraLook(seen.model, None, Words(*seen.what), Words(*seen.cure))
        token = secrets.token_urlsafe(16)
        self._pictures[token] = base64.b64decode(seen.picture or "")
        while len(self._pictures) > MOST_PICTURES:
            del self._pictures[next(iter(self._pictures))]
        return CameraLook(seen.model, token)

    def picture(self, token: str) -> bytes | None:
        """A JPEG that `look` brought."""
        return self._pictures.get(token)

    async def _ask(self, module: tuple[str, ...], given: bytes, most_s: float) -> bytes:
        """What the process says; nothing when it takes too long."""
        async with self._busy:
            pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
            command = (sys.executable, "-m", *module)
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
            try:
                async with asyncio.timeout(most_s):
                    said, _ = await process.communicate(given)
            except TimeoutError:
                return b""
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            return said[: 2 * MOST_BYTES]
