"""A text as SMS-SUBMIT units in PDU mode: UCS2, concatenated where one message is too short (3GPP TS 23.040, 9.2).

Chinese always travels as UCS2 (3GPP TS 23.038, clause 4): 70 characters in one message, 67 in each part of several.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SINGLE, PART = 70, 67
"""Code units of UTF-16 in a message of its own, and in one of several: 140 octets, less 6 of the header."""
MAX_PARTS: Final = 4
VALIDITY: Final = 11
"""TP-VP, relative: (11 + 1) x 5 minutes.  A call for help that is an hour old misleads."""
_SUBMIT, _HEADER = 0x11, 0x40
"""TP-MTI 01 with a relative validity period (TP-VPF 10); TP-UDHI."""
_UCS2: Final = 0x08
_NUMBER = re.compile(r"(\+?)([0-9]{1,20})")
_ELLIPSIS = "…"


class Submit(NamedTuple):
    """One unit: `hex` is what the modem gets, `length` what AT+CMGS names: octets without the service centre."""

    hex: str
    length: int


def submits(number: str, text: str, reference: int) -> list[Submit]:
    """The units that carry `text` to `number`, at most MAX_PARTS; a longer text is cut and ends in an ellipsis.

    `reference` tells messages of several parts apart (modulo 256).  Raises ValueError for what is no phone number.
    """
    parts = divided(text)
    address = _address(number)
    found = []
    for ordinal, part in enumerate(parts, 1):
        header = b"" if len(parts) == 1 else bytes((5, 0, 3, reference & 0xFF, len(parts), ordinal))
        data = header + part.encode("utf-16-be", "replace")
        first = _SUBMIT | (_HEADER if header else 0)
        unit = bytes((first, 0)) + address + bytes((0, _UCS2, VALIDITY, len(data))) + data
        found.append(Submit("00" + unit.hex().upper(), len(unit)))
    return found


def divided(text: str) -> list[str]:
    """The text in parts that fit one message each; no character is cut in two."""
    if _units(text) <= SINGLE:
        return [text]
    parts, part = [], ""
    for letter in text:
        if _units(part + letter) > PART:
            parts.append(part)
            part = ""
        part += letter
    parts.append(part)
    if len(parts) > MAX_PARTS:
        last = parts[MAX_PARTS - 1]
        while _units(last) >= PART:
            last = last[:-1]
        parts[MAX_PARTS - 1 :] = [last + _ELLIPSIS]
    return parts


def _units(text: str) -> int:
    return sum(2 if ord(letter) > 0xFFFF else 1 for letter in text)


def _address(number: str) -> bytes:
    """TP-DA (9.1.2.5): digits, type of number, digits swapped in pairs."""
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise ValueError(f"{number!r} is no phone number")
    digits = match[2]
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
    return bytes((len(digits), 0x91 if match[1] else 0x81)) + bytes.fromhex(swapped)
