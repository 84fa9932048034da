"""Reading table rows straight from the pages of a damaged SQLite database, without its trees.

Every page that still looks like a leaf of a table is taken for one; what does not decode is left out.  The pages
of the write-ahead log stand in for those of the file, up to its last complete transaction.  Pages that were freed
may yield rows that had been deleted; the caller decides by what it knows of them.  Nothing here trusts a length.

Source: "Database File Format", sqlite.org/fileformat2.html, sections 1.5 (pages), 2.1 (records), 4 (log).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import TypeAlias

Value: TypeAlias = int | float | str | bytes | None
Carved: TypeAlias = tuple[int, tuple[Value, ...]]
"""Row id and columns."""

_LEAF_TABLE = 0x0D
_SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
MAX_PAYLOAD_BYTES = 4 << 20
_MAX_COLUMNS = 64
_LOG_HEADER, _FRAME_HEADER = 32, 24


class _Bad(Exception):
    """This cell is not a row."""


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    value = 0
    for index in range(9):
        if at + index >= len(data):
            raise _Bad
        byte = data[at + index]
        if index == 8:
            value = value << 8 | byte
            return value - (1 << 64) if value >> 63 else value, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    raise _Bad


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    if kind < 7:
        return int.from_bytes(data, "big", signed=True)
    return data if kind % 2 == 0 else data.decode("utf-8")


def record(payload: bytes) -> tuple[Value, ...]:
    """The columns of one record.  Raises ValueError when it is none."""
    try:
        return _record(payload)
    except (_Bad, UnicodeDecodeError) as error:
        raise ValueError("not a record") from error


def _record(payload: bytes) -> tuple[Value, ...]:
    size, at = _varint(payload, 0)
    if not 1 < size <= len(payload):
        raise _Bad
    columns: list[Value] = []
    body = size
    while at < size:
        kind, at = _varint(payload, at)
        if kind < 0 or kind in (10, 11) or len(columns) >= _MAX_COLUMNS:
            raise _Bad
        length = _SIZES[kind] if kind < 10 else (kind - 12) // 2
        if body + length > len(payload):
            raise _Bad
        columns.append(_value(kind, payload[body : body + length]))
        body += length
    if body != len(payload):
        raise _Bad
    return tuple(columns)


def _payload(page: bytes, at: int, size: int, usable: int, fetch: Callable[[int], bytes | None]) -> bytes:
    if not 0 < size <= MAX_PAYLOAD_BYTES:
        raise _Bad
    if size <= usable - 35:
        if at + size > usable:
            raise _Bad
        return page[at : at + size]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    if at + local + 4 > usable:
        raise _Bad
    parts, got = [page[at : at + local]], local
    number = int.from_bytes(page[at + local : at + local + 4], "big")
    while got < size:
        further = fetch(number)
        if number == 0 or further is None:
            raise _Bad
        number = int.from_bytes(further[:4], "big")
        parts.append(further[4 : 4 + min(size - got, usable - 4)])
        got += len(parts[-1])
    return b"".join(parts)


def rows_of_page(page: bytes, offset: int, fetch: Callable[[int], bytes | None]) -> Iterator[Carved]:
    """The rows of one page, if it is a leaf of a table; `offset` is 100 on the first page, else 0.

    `fetch` gives other pages by number, for rows that overflow.
    """
    usable = len(page)
    if usable < offset + 8 or page[offset] != _LEAF_TABLE:
        return
    cells = min(int.from_bytes(page[offset + 3 : offset + 5], "big"), (usable - offset - 8) // 2)
    for index in range(cells):
        start = offset + 8 + 2 * index
        try:
            size, at = _varint(page, int.from_bytes(page[start : start + 2], "big"))
            rowid, at = _varint(page, at)
            yield rowid, record(_payload(page, at, size, usable, fetch))
        except (_Bad, ValueError):
            continue


def log_pages(log: bytes | memoryview, page_bytes: int) -> dict[int, int]:
    """Where in the log the newest committed image of each page stands: page number to offset."""
    newest: dict[int, int] = {}
    pending: dict[int, int] = {}
    salts = bytes(log[16:24])
    for at in range(_LOG_HEADER, len(log) - _FRAME_HEADER - page_bytes + 1, _FRAME_HEADER + page_bytes):
        number, committed = struct.unpack_from(">II", log, at)
        if bytes(log[at + 8 : at + 16]) != salts:
            break
        pending[number] = at + _FRAME_HEADER
        if committed:
            newest.update(pending)
            pending.clear()
    return newest


def carve(database: bytes | memoryview, log: bytes | memoryview, page_bytes: int) -> Iterator[Carved]:
    """Every row of every table that can still be read, in the order of the pages."""
    replaced = log_pages(log, page_bytes)
    pages = max(-(-len(database) // page_bytes), max(replaced, default=0))

    def fetch(number: int) -> bytes | None:
        if number in replaced:
            at = replaced[number]
            return bytes(log[at : at + page_bytes])
        start = (number - 1) * page_bytes
        page = bytes(database[start : start + page_bytes]) if 0 <= start < len(database) else b""
        return page if len(page) == page_bytes else None

    for number in range(1, pages + 1):
        page = fetch(number)
        if page is not None:
            yield from rows_of_page(page, 100 if number == 1 else 0, fetch)
