"""Text as Chinese panels send it."""

from __future__ import annotations

REPLACEMENT = "�"


def printable(text: str) -> str:
    """Without control characters and without blanks at both ends."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def from_gb18030(raw: bytes) -> str:
    """A padded field: ends at the first zero byte; what is no GB 18030 becomes U+FFFD."""
    return printable(raw.split(b"\0", 1)[0].decode("gb18030", "replace"))


def to_gb18030(text: str, size: int) -> bytes:
    """A field of exactly `size` bytes, padded with zeros, cut at a whole character."""
    encoded = b""
    for letter in printable(text):
        more = encoded + letter.encode("gb18030", "replace")
        if len(more) > size:
            break
        encoded = more
    return encoded.ljust(size, b"\0")


def from_positions(raw: bytes) -> str:
    """区位码: two bytes a character, row and cell 1..94 of GB/T 2312; FF fills.

    Row and cell may be sent as binary or as BCD; a field in which every byte is BCD and one is over 94 can only
    be BCD.
    """
    used = [byte for byte in raw if byte not in (0x00, 0xFF)]
    bcd = any(byte > 94 for byte in used) and all(byte >> 4 <= 9 and byte & 15 <= 9 for byte in used)
    letters = []
    for row, cell in zip(raw[::2], raw[1::2], strict=False):
        if row in (0x00, 0xFF) or cell in (0x00, 0xFF):
            continue
        if bcd:
            row, cell = from_bcd(row), from_bcd(cell)
        pair = bytes((0xA0 + row, 0xA0 + cell)) if 1 <= row <= 94 and 1 <= cell <= 94 else b""
        letters.append(pair.decode("gb2312", "replace") if pair else REPLACEMENT)
    return printable("".join(letters))


def from_bcd(byte: int) -> int:
    """Two decimal digits; a nibble over 9 gives a number over 99, which no date or row accepts."""
    high, low = byte >> 4, byte & 15
    return high * 10 + low if high <= 9 and low <= 9 else 100 + byte
