"""One simulated camera: SOAP, snapshots, events, relays, discovery and streams behind one account."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import uuid
from collections.abc import Callable, Mapping
from fractions import Fraction

import av

from hw_sim.camera.auth import Guard
from hw_sim.camera.channels import FilmChannel, LiveChannel
from hw_sim.camera.device import SERVICES, WITHOUT_LOGIN, Device
from hw_sim.camera.discovery import Discovery
from hw_sim.camera.events import Events
from hw_sim.camera.film import Picture, Source, moving_pattern
from hw_sim.camera.http import HttpRequest, HttpServer, Response
from hw_sim.camera.media import CODECS, PROFILES, Media, Profile
from hw_sim.camera.mischief import Mischief
from hw_sim.camera.rtsp import Channel, RtspServer
from hw_sim.camera.soap import Request, SoapFault, envelope, fault, parse

NOBODY = "http://127.255.255.254:9"
"""Where service addresses point that lie."""
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 9)).replace(
        b"&a0;", b"&a;"
    )
    + b"]><b>&a8;</b>"
)


class SimCamera:
    """`source` shows the picture; `live` encodes it as it comes, otherwise its first seconds are repeated.

    `login` is what SOAP asks for: a WS-UsernameToken (`token`), an HTTP digest (`digest`), or both.
    """

    def __init__(
        self,
        user: str = "gateway",
        password: str = "gateway-demo",
        *,
        source: Source = moving_pattern,
        live: bool = False,
        login: str = "token",
        profiles: tuple[Profile, ...] = PROFILES,
        services: Mapping[str, str] = SERVICES,
        tls: ssl.SSLContext | None = None,
        name: str = "SIM-1",
        seconds: Callable[[], float] | None = None,
    ) -> None:
        self.mischief = Mischief()
        self.stopped = asyncio.Event()
        self.identity = uuid.uuid4()
        self.calls: list[str] = []
        """Every operation that was asked for; `Name: reason` where it was refused."""
        self._user, self._password, self._login = user, password, login
        self._source, self._live = source, live
        self._seconds = seconds or asyncio.get_running_loop().time
        self._right, self.refusing = Guard(user, password), Guard(user, f"not-{password}")
        """The account as it is, and one for which the camera's own password is wrong."""
        self.http = HttpServer(self._respond, tls=tls)
        self.rtsp = RtspServer(self._guard, self._channel, self.mischief)
        self.events = Events(self.now, self.mischief, self._states)
        self.device = Device(self.now, self._base, self._switched, model=name, services=services)
        self.media = Media("", "", profiles)
        self.discovery = Discovery(self.identity, lambda: f"{self._base()}/onvif/device_service", name=name)

    async def open(self, *, discovery: bool = False, multicast: bool = False, discovery_port: int = 0) -> None:
        await self.http.open()
        await self.rtsp.open()
        self.media = Media(
            f"rtsp://{self.rtsp.host}:{self.rtsp.port}", f"{self.http.url}/snapshot.jpg", self.media.profiles
        )
        if discovery:
            await self.discovery.open(port=discovery_port, multicast=multicast)

    async def close(self) -> None:
        self.discovery.close()
        await self.http.close()
        await self.rtsp.close()

    async def fault(self, kind: str, value: float = 1.0) -> None:
        """Begins a fault.  Raises ValueError for one that is not known."""
        self.mischief.set(kind, value)
        if kind == "refuse":
            self.discovery.silent = True
            await self.http.close()
            await self.rtsp.close()
        elif kind in ("password", "codec", "size", "hang"):
            self.rtsp.drop()

    async def heal(self, kind: str | None = None) -> None:
        """Ends one fault, or all."""
        was_closed = "refuse" in self.mischief
        self.mischief.heal(kind)
        if was_closed and "refuse" not in self.mischief:
            self.discovery.silent = False
            await self.http.open()
            await self.rtsp.open()

    def now(self) -> datetime.datetime:
        """The camera's clock."""
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.mischief.value("clock"))

    def notify(self, topic: str, source: Mapping[str, str], data: Mapping[str, str]) -> None:
        """Tells subscribers of an event."""
        self.events.emit(self.events.message(topic, source, data))

    def snapshot(self) -> bytes:
        """The present picture as JPEG."""
        return jpeg(self._source(self._seconds()))

    def _base(self) -> str:
        return NOBODY if "xaddr" in self.mischief else self.http.url

    def _guard(self) -> Guard:
        return self.refusing if "password" in self.mischief else self._right

    def _channel(self, token: str) -> Channel | None:
        for profile in self.media.profiles:
            if profile.token == token:
                size, codec = (profile.width, profile.height), CODECS[profile.encoding]
                if self._live and codec == "h264" and "codec" not in self.mischief and "size" not in self.mischief:
                    return LiveChannel(self._source, *size, self.mischief, self._seconds)
                return FilmChannel(self._source, *size, self.mischief, codec)
        return None

    def _states(self) -> list[str]:
        return [
            self.events.message(
                "tns1:Device/Trigger/Relay", {"RelayToken": token}, {"LogicalState": state}, "Initialized"
            )
            for token, state in self.device.relays.items()
        ]

    def _switched(self, token: str, state: str) -> None:
        self.notify("tns1:Device/Trigger/Relay", {"RelayToken": token}, {"LogicalState": state})

    async def _respond(self, request: HttpRequest) -> Response:
        if "hang" in self.mischief:
            return Response(200, b"", hang=True)
        is_public = any(name.encode() in request.body for name in WITHOUT_LOGIN)
        if (self._login != "token" and not is_public) or request.method == "GET":
            guard = self._guard()
            if guard.digest(request.method, request.headers.get("authorization", "")) is not None:
                return Response(401, b"", "text/plain", {"WWW-Authenticate": guard.challenge(qop=True)})
        if request.method == "GET":
            return Response(200, self.snapshot(), "image/jpeg")
        return self._spoilt(*await self._soap(request))

    async def _soap(self, request: HttpRequest) -> tuple[int, bytes]:
        try:
            asked = parse(request.path, request.body)
            refusal = None
            if self._login != "digest" and asked.operation not in WITHOUT_LOGIN:
                refusal = self._guard().token(asked.envelope, self.now())
            self.calls.append(f"{asked.operation}: {refusal}" if refusal else asked.operation)
            if refusal:
                raise SoapFault("ter:NotAuthorized", f"Sender not authorized: {refusal}")
            prefix, inner = await self._answer(asked)
            return 200, envelope(f"<{prefix}:{asked.operation}Response>{inner}</{prefix}:{asked.operation}Response>")
        except SoapFault as error:
            return error.status, fault(error)

    async def _answer(self, request: Request) -> tuple[str, str]:
        """Prefix of the reply's namespace, and what is in the reply."""
        if request.path.startswith("/onvif/subscription/"):
            prefix = "tev" if request.operation in ("PullMessages", "SetSynchronizationPoint") else "wsnt"
            return prefix, await self.events.subscription(request)
        if request.operation == "CreatePullPointSubscription":
            return "tev", self.events.create(request, self._base())
        name = request.path.removeprefix("/onvif/").removesuffix("_service")
        if name not in self.device.services.values():
            raise SoapFault("ter:ActionNotSupported", f"no service at {request.path}", 404)
        match name:
            case "media":
                return "trt", self.media.media1(request)
            case "media2" if "media2" in self.mischief:
                raise SoapFault("ter:ActionNotSupported", request.operation, 500)
            case "media2":
                return "tr2", self.media.media2(request)
        return "tds", self.device.answer(request)

    def _spoilt(self, status: int, body: bytes) -> Response:
        if "huge" in self.mischief:
            body = body.replace(b"</s:Envelope>", b"<!--" + b"x" * (8 << 20) + b"--></s:Envelope>")
        if "bomb" in self.mischief:
            body = BOMB
        keep = len(body) // 2 if "truncated" in self.mischief else None
        return Response(status, body, drip=int(self.mischief.value("drip")), keep=keep)


def jpeg(picture: Picture) -> bytes:
    """A picture as JPEG (ITU-T T.81)."""
    context = av.CodecContext.create("mjpeg", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = "yuvj420p", Fraction(1)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
