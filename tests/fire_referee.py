"""The published rules of panel protocols once more, written apart from the drivers, to judge them by.

`is_fire` says whether bytes are one frame that the protocol's own rule accepts and that says fire;
`harmless` whether bytes are something that a listener may say.
"""

from __future__ import annotations

import re


def is_fire(protocol: str, frame: bytes) -> bool:
    return _FIRE[protocol](frame)


def _gb26875(frame: bytes) -> bool:
    if frame[:2] != b"@@" or frame[-2:] != b"##" or len(frame) < 30:
        return False
    size = frame[24] + 256 * frame[25]
    if size > 1024 or len(frame) != 30 + size or sum(frame[2:-3]) % 256 != frame[-3] or frame[26] not in (2, 5):
        return False
    unit = frame[27:-3]
    if len(unit) < 2:
        return False
    width, fire_at, bit = {1: (10, 2, 2), 2: (46, 7, 2), 21: (7, 0, 2), 4: (10, 2, 4), 24: (8, 0, 4)}.get(
        unit[0], (1, 0, 0)
    )
    whole = [unit[at : at + width] for at in range(2, len(unit), width)][: unit[1]]
    return any(len(item) == width and item[fire_at] & bit for item in whole)


def _jbf(frame: bytes) -> bool:
    if not re.fullmatch(rb"\x82[0-?]{24}\x83", frame):
        return False
    data = bytes.fromhex("".join(f"{character - 0x30:x}" for character in frame[1:-1]))
    return sum(data[:11]) % 256 == data[11] and data[0] in (0x80, 0x0A)


def _gst24(frame: bytes) -> bool:
    return len(frame) == 24 and frame[:2] == b"\xaa\x15" and sum(frame[:23]) % 256 == frame[23]


def _gst232(frame: bytes) -> bool:
    if len(frame) != 9 or frame[:2] != b"\x0d\xdd" or frame[8] != 0xBB or sum(frame[2:7]) % 256 != frame[7]:
        return False
    return frame[6] == 1 or (frame[6] not in (1, 2) and frame[5] == 1)


def _printer(frame: bytes) -> bool:
    """Escape sequences and control characters are the printer's own; what is left holds the word on one line."""
    text = re.sub(rb"\x1b[^\r\n]", b"", frame).decode("gb18030", "replace")
    return any("火警" in "".join(filter(str.isprintable, line)) for line in re.split("[\r\n]", text))


def _ld128(frame: bytes) -> bool:
    return len(frame) == 3 and frame[0] == 1


def _jb3208(frame: bytes) -> bool:
    size = len(frame) - 8
    bounded = size >= 0 and frame[0] == 0xFE and frame[-1] == 0xFF and frame[3] + 256 * frame[4] == size
    return bounded and frame[2] == 110 and _crc_holds(frame)


def _crc_holds(frame: bytes) -> bool:
    crc = 0xFFFF
    for byte in frame[1:-3]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return frame[-3] == crc & 0xFF and frame[-2] == crc >> 8


def xmodem(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _fs5101(frame: bytes) -> bool:
    if frame[:1] != b"\xf0" or len(frame) != 5 + frame[2] or xmodem(frame[1:-2]) != frame[-2] << 8 | frame[-1]:
        return False
    return frame[3] == 0xA5 and len(frame) >= 25 and (frame[4] == 0xC3 or frame[6] == 5)


def _espa(frame: bytes) -> bool:
    if frame[:1] != b"\x01" or frame[-2] != 3:
        return False
    parity = 0
    for byte in frame[1:-1]:
        parity ^= byte
    records = dict(record.split(b"\x1f", 1) for record in frame[3:-2].split(b"\x1e") if b"\x1f" in record)
    words = (b"FIRE", b"FEUER", b"BRAND", b"INCENDIE", "火警".encode("gb18030"), "火灾".encode("gb18030"))
    worded = any(word in value.upper() for value in records.values() for word in words)
    return parity == frame[-1] and (worded or any(value.strip() == b"1" for value in records.values()))


_FIRE = {
    "gb26875": _gb26875,
    "jbf": _jbf,
    "gst24": _gst24,
    "gst232": _gst232,
    "gst-printer": _printer,
    "ld128": _ld128,
    "jb3208": _jb3208,
    "fs5101": _fs5101,
    "espa": _espa,
}


def harmless(protocol: str, said: bytes) -> bool:
    """Whether `said` is a poll, an acknowledgement, an answer, a report or a question, and nothing else."""
    match protocol:
        case "gb26875":
            return _gb_harmless(said)
        case "jbf":
            return said == b"\x82" + b"\x30" * 24 + b"\x83"
        case "ld128":
            return said == b"\x20"
        case "jb3208":
            return len(said) == 9 and said[0] == 0xFE and said[2:6] == b"\x64\x01\x00\x64" and _crc_holds(said)
        case "fs5101":
            return len(said) == 8 and said[0] == 0xF0 and said[2:6] == b"\x03\xa2\0\0"
        case "espa":
            return said in (b"\x04", b"\x06", b"\x15")
    return False


def _gb_harmless(said: bytes) -> bool:
    size = said[24] + 256 * said[25]
    if said[:2] != b"@@" or said[-2:] != b"##" or len(said) != 30 + size or sum(said[2:-3]) % 256 != said[-3]:
        return False
    command, unit = said[26], said[27:-3]
    if command == 1:
        return (unit[:2] == b"\x5a\x01" and size == 8) or (unit[:2] == b"\x5b\x01" and size == 3)
    if command in (3, 6):
        return size == 0
    if command == 2:
        return size == 0 or unit[0] < 60
    if command == 5:
        return size > 0 and unit[0] < 60
    return command == 4 and size > 0 and 61 <= unit[0] <= 88
