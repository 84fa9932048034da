"""What a modem says, as lines and answers; pure (ITU-T V.250, 3GPP TS 27.005 and 27.007).

A modem answers one command at a time and speaks of its own accord between and inside answers (`RING`, `+CMTI: …`).
Whatever is neither a final result, nor the prompt, nor information that the command asks for is left aside.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

LONGEST_LINE: Final = 1024
MOST_LINES: Final = 64
PROMPT: Final = ">"
ABORT: Final = b"\x1b"
"""ESC ends a message that was begun and sends nothing."""
SEND: Final = b"\x1a"
ErrorKind = Literal["", "cms", "cme"]
_CODED = re.compile(r"\+CM([SE]) ERROR: *([0-9]{1,5})$")
_PLAIN = ("ERROR", "NO CARRIER", "NO DIALTONE", "NO ANSWER", "BUSY", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS")


class Lines:
    """Cuts the bytes of a modem into lines without their ends; `>` at the beginning of a line is one by itself.

    Never raises; holds at most LONGEST_LINE bytes, and drops what a longer line has in front.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that these bytes end."""
        *whole, self._rest = re.split(rb"[\r\n\0]+", self._rest + data)
        if self._rest.startswith(b">"):
            whole.append(b">")
            self._rest = self._rest[1:].lstrip(b" ")
        self._rest = self._rest[-LONGEST_LINE:]
        texts = (line[-LONGEST_LINE:].decode("ascii", "replace").strip() for line in whole)
        return [text for text in texts if text]


class Ended(NamedTuple):
    """How a command ended: well, or with a number of 3GPP TS 27.005 (`cms`) or 27.007 (`cme`), or with a bare word."""

    ok: bool
    kind: ErrorKind = ""
    number: int = 0


def final(line: str) -> Ended | None:
    """The final result that this line is, if it is one."""
    if line == "OK":
        return Ended(True)
    coded = _CODED.match(line)
    if coded:
        return Ended(False, "cms" if coded[1] == "S" else "cme", int(coded[2]))
    return Ended(False) if line.upper() in _PLAIN else None


class Exchange:
    """One command until its final result.  `prefix` names the information that answers it, such as `+CPIN`.

    `prompts` says that the modem asks for data first; `prompted` becomes True when it has done so.
    """

    def __init__(self, prefix: str = "", *, prompts: bool = False) -> None:
        self._prefix, self._prompts = prefix, prompts
        self.prompted = False
        self.information: list[str] = []
        self.final: Ended | None = None

    @property
    def over(self) -> bool:
        return self.final is not None

    def take(self, line: str) -> None:
        """The next line of the modem."""
        if self.over:
            return
        if line == PROMPT:
            self.prompted = self._prompts
            return
        self.final = final(line)
        if self.final is None and self._prefix and line.startswith(f"{self._prefix}:"):
            self.information = [*self.information, line.partition(":")[2].strip()][-MOST_LINES:]


REGISTERED: Final = ("1", "5")
"""Home network, roaming (3GPP TS 27.007, 7.2)."""


def registration(information: list[str]) -> str | None:
    """The state in the answer to AT+CREG? or AT+CEREG?: `<n>,<stat>[,…]`; None when there is none.

    The modem's own `+CREG: <stat>`, which may come in between, has the state alone or before a quoted area code.
    """
    for text in reversed(information):
        fields = [field.strip() for field in text.split(",")]
        if len(fields) >= 2 and fields[0].isdigit() and fields[1].isdigit():
            return fields[1]
    return None


def strength_dbm(information: list[str]) -> int | None:
    """Received signal from the answer to AT+CSQ (3GPP TS 27.007, 8.5), None when the modem does not know."""
    for text in reversed(information):
        rssi = text.partition(",")[0].strip()
        if rssi.isdigit() and int(rssi) <= 31:
            return -113 + 2 * int(rssi)
    return None


def is_plain(text: str) -> bool:
    """Whether text mode carries it as it is: at most 160 characters that ASCII and the GSM alphabet share."""
    return len(text) <= 160 and re.fullmatch(r"[ A-Za-z0-9!\"#%&'()*+,\-./:;<=>?]*", text) is not None
