"""Media and Media2 services: profiles, stream addresses, snapshots (ONVIF Media 1 and 2 Service Specifications)."""

from __future__ import annotations

from typing import NamedTuple

from hw_sim.camera.soap import Request, SoapFault

CODECS = {"H264": "h264", "H265": "hevc"}
"""Encoding of a profile to what its stream is coded with."""


class Profile(NamedTuple):
    """One way to stream the picture; `encoding` is one of CODECS."""

    token: str
    width: int
    height: int
    encoding: str = "H264"


PROFILES = (Profile("main", 1920, 1080), Profile("sub", 640, 360), Profile("tiny", 176, 144))


class Media:
    """Both media services of a camera."""

    def __init__(self, streams: str, snapshots: str, profiles: tuple[Profile, ...] = PROFILES) -> None:
        """`streams` is the address that a profile's token is added to; `snapshots` is the address of the JPEG."""
        self.streams, self.snapshots, self.profiles = streams, snapshots, profiles
        self.asked: set[str] = set()
        """The services that were used: `media`, `media2`."""
        self.protocol = ""
        """How the latest stream that was asked for shall travel, in the words of its service."""

    def media1(self, request: Request) -> str:
        self.asked.add("media")
        match request.operation:
            case "GetProfiles":
                return "".join(_profile1(profile) for profile in self.profiles)
            case "GetStreamUri":
                self.protocol = self._allowed(request, "UDP", "RTSP", "HTTP")
                return _uri(f"{self.streams}/{self._asked(request).token}")
            case "GetSnapshotUri":
                return _uri(self.snapshots)
        raise SoapFault("ter:ActionNotSupported", request.operation, 500)

    def media2(self, request: Request) -> str:
        self.asked.add("media2")
        match request.operation:
            case "GetProfiles":
                types = set(request.texts("Type"))
                is_whole = bool(types & {"All", "VideoEncoder"})
                return "".join(_profile2(profile, is_whole=is_whole) for profile in self.profiles)
            case "GetStreamUri":
                self.protocol = self._allowed(request, "RtspUnicast", "RtspMulticast", "RTSP", "RtspOverHttp")
                return f"<tr2:Uri>{self.streams}/{self._asked(request).token}</tr2:Uri>"
            case "GetSnapshotUri":
                return f"<tr2:Uri>{self.snapshots}</tr2:Uri>"
        raise SoapFault("ter:ActionNotSupported", request.operation, 500)

    @staticmethod
    def _allowed(request: Request, *known: str) -> str:
        protocol = request.text("Protocol") or ""
        if protocol not in known:
            raise SoapFault("ter:InvalidStreamSetup", f"protocol {protocol}")
        return protocol

    def _asked(self, request: Request) -> Profile:
        token = request.text("ProfileToken")
        for profile in self.profiles:
            if profile.token == token:
                return profile
        raise SoapFault("ter:NoProfile", f"no profile {token}")


def _uri(uri: str) -> str:
    return (
        f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    )


def _size(profile: Profile) -> str:
    return f"<tt:Resolution><tt:Width>{profile.width}</tt:Width><tt:Height>{profile.height}</tt:Height></tt:Resolution>"


def _profile1(profile: Profile) -> str:
    token = profile.token
    return (
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{token}</tt:Name>'
        f'<tt:VideoEncoderConfiguration token="ve-{token}"><tt:Name>{token}</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{profile.encoding}</tt:Encoding>{_size(profile)}<tt:Quality>5</tt:Quality>"
        "<tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
        "<tt:BitrateLimit>512</tt:BitrateLimit></tt:RateControl><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
    )


def _profile2(profile: Profile, *, is_whole: bool) -> str:
    """Without a type that asks for them, a profile shows none of its configurations (Media2, GetProfiles)."""
    token = profile.token
    name = f'<tr2:Profiles token="{token}" fixed="true"><tr2:Name>{token}</tr2:Name>'
    if not is_whole:
        return f"{name}</tr2:Profiles>"
    return (
        f"{name}<tr2:Configurations>"
        f'<tr2:VideoEncoder token="ve-{token}"><tt:Name>{token}</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{profile.encoding}</tt:Encoding>{_size(profile)}<tt:Quality>5</tt:Quality>"
        "</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>"
    )
