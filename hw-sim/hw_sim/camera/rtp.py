"""RTP packets of H.264 (RFC 6184, mode 1), H.265 (RFC 7798) and MPEG-4 part 2 (RFC 6416), and the SDP of a session."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Iterator

CLOCK_HZ = 90_000
MOST_PAYLOAD = 1400
PAYLOAD_TYPE = 96
_START = re.compile(rb"\x00\x00\x00?\x01")
SPS, PPS, FRAGMENT = 7, 8, 28
H265_SETS, H265_FRAGMENT = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}, 49


def nal_units(stream: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream."""
    return [unit for unit in _START.split(stream) if unit]


class Packetizer:
    """Numbers and cuts encoded pictures for one session."""

    def __init__(self, codec: str = "h264", source: int = 0x43594152) -> None:
        self._codec, self._source = codec, source
        self._number = 0

    def packets(self, data: bytes, at_s: float) -> list[bytes]:
        """The packets of one picture, the last one marked."""
        payloads = list(_CUTS.get(self._codec, _cut)(data))
        stamp = round(at_s * CLOCK_HZ) & 0xFFFFFFFF
        packets = []
        for index, payload in enumerate(payloads):
            marked = PAYLOAD_TYPE | (0x80 if index == len(payloads) - 1 else 0)
            packets.append(struct.pack("!BBHII", 0x80, marked, self._number, stamp, self._source) + payload)
            self._number = (self._number + 1) & 0xFFFF
        return packets


def _cut(data: bytes) -> Iterator[bytes]:
    return (data[at : at + MOST_PAYLOAD] for at in range(0, len(data), MOST_PAYLOAD))


def _cut_h264(data: bytes) -> Iterator[bytes]:
    for unit in nal_units(data):
        if len(unit) <= MOST_PAYLOAD:
            yield unit
            continue
        head, parts = unit[0], list(_cut(unit[1:]))
        for index, part in enumerate(parts):
            ends = (0x80 if index == 0 else 0) | (0x40 if index == len(parts) - 1 else 0)
            yield bytes([head & 0xE0 | FRAGMENT, ends | head & 0x1F]) + part


def _cut_h265(data: bytes) -> Iterator[bytes]:
    """Units have a head of two bytes, fragments one more (RFC 7798, 4.4.3)."""
    for unit in nal_units(data):
        if len(unit) <= MOST_PAYLOAD:
            yield unit
            continue
        kind, parts = unit[0] >> 1 & 0x3F, list(_cut(unit[2:]))
        head = bytes([unit[0] & 0x81 | H265_FRAGMENT << 1, unit[1]])
        for index, part in enumerate(parts):
            ends = (0x80 if index == 0 else 0) | (0x40 if index == len(parts) - 1 else 0)
            yield head + bytes([ends | kind]) + part


_CUTS: dict[str, Callable[[bytes], Iterator[bytes]]] = {"h264": _cut_h264, "hevc": _cut_h265}


def description(key_picture: bytes, codec: str, host: str) -> str:
    """The SDP of a session (RFC 8866) whose parameter sets are in a key picture."""
    lines = [
        "v=0",
        f"o=- 0 0 IN IP4 {host}",
        "s=Camera",
        f"c=IN IP4 {host}",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    lines.append(f"m=video 0 RTP/AVP {PAYLOAD_TYPE}")
    if codec == "h264":
        sets = [unit for unit in nal_units(key_picture) if unit[0] & 0x1F in (SPS, PPS)]
        coded = ",".join(base64.b64encode(unit).decode() for unit in sets)
        lines.append(f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}")
        lines.append(f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;sprop-parameter-sets={coded}")
    elif codec == "hevc":
        kinds = [(H265_SETS.get(unit[0] >> 1 & 0x3F), unit) for unit in nal_units(key_picture)]
        named = [f"{name}={base64.b64encode(unit).decode()}" for name, unit in kinds if name]
        lines.append(f"a=rtpmap:{PAYLOAD_TYPE} H265/{CLOCK_HZ}")
        lines.append(f"a=fmtp:{PAYLOAD_TYPE} {';'.join(named)}")
    else:
        header = key_picture[: key_picture.find(b"\x00\x00\x01\xb6")]
        lines.append(f"a=rtpmap:{PAYLOAD_TYPE} MP4V-ES/{CLOCK_HZ}")
        lines.append(f"a=fmtp:{PAYLOAD_TYPE} profile-level-id=1;config={header.hex().upper()}")
    lines.append("a=control:track1")
    return "\r\n".join([*lines, ""])
