"""Reading the small tables of a journal into accounts, and what the files say about the log beside them."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path
from typing import NamedTuple

import msgspec

from courtyard.buffer import files
from courtyard.buffer.consumer import Consumer, Key, Losses
from courtyard.buffer.faults import DiskFault
from courtyard.buffer.ledger import Epoch, Ledger, Track
from courtyard.buffer.ranges import RangeSet
from courtyard.buffer.schema import MAX_SEQ, Numbers, key, unkey
from courtyard.buffer.types import Options

_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER, _FRAME_HEADER = 32, 24


class Loaded(NamedTuple):
    """What a database holds beside records; `running`: it was not closed in good order."""

    ledger: Ledger
    numbers: Numbers
    tracks: dict[Key, Track]
    running: bool


def load(connection: sqlite3.Connection, options: Options) -> Loaded:
    """Reads numbering, progress, losses and state.

    Raises sqlite3.Error, and DiskFault (`disk.damaged`) when the tables contradict themselves.
    """
    try:
        return _load(connection, options)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise DiskFault("disk.damaged", str(error)) from error


def _load(connection: sqlite3.Connection, options: Options) -> Loaded:
    ledger, numbers, running = Ledger(), Numbers(), False
    for number, name, since_ms, reason, current, is_running, salvaged in connection.execute(
        "SELECT id, name, since_ms, reason, current, running, salvaged FROM epoch ORDER BY id"
    ):
        numbers.epochs[name] = number
        ledger.begin(Epoch(name, since_ms, reason, salvaged=bool(salvaged)))
        if current:
            ledger.current, running = name, bool(is_running)
    names = {number: name for name, number in numbers.epochs.items()}
    tracks: dict[Key, Track] = {}
    for number, lane, last, stored_bytes, absent in connection.execute(
        "SELECT id, lane, last, bytes, absent FROM head"
    ):
        lane_no, epoch_no, _ = unkey(number)
        numbers.lanes[lane] = lane_no
        if epoch_no not in names:
            raise DiskFault("disk.damaged", f"head of unknown epoch {epoch_no}")
        place = names[epoch_no], lane
        tracks[place] = Track(last, RangeSet.parse(absent), stored_bytes)
        ledger.epochs[place[0]].tracks[lane] = Track(last, RangeSet.parse(absent), stored_bytes)
    for lane, lane_no in numbers.lanes.items():
        if ledger.current:
            last = key(lane_no, numbers.epochs[ledger.current], MAX_SEQ)
            found = connection.execute("SELECT max(id) FROM block WHERE id <= ?", (last,)).fetchone()[0]
            top = -1 if found is None else found
            if top > key(lane_no, numbers.epochs[ledger.current], ledger.epochs[ledger.current].track(lane).last):
                raise DiskFault("disk.damaged", f"{lane} has records beyond its head")
    _load_consumers(connection, ledger, options)
    ledger.state = dict(connection.execute("SELECT key, value FROM state"))
    return Loaded(ledger, numbers, tracks, running)


def _load_consumers(connection: sqlite3.Connection, ledger: Ledger, options: Options) -> None:
    for name, lanes, losses in connection.execute("SELECT name, lanes, losses FROM uplink"):
        wanted = msgspec.json.decode(lanes, type=tuple[str, ...])
        account = msgspec.json.decode(losses, type=Losses)
        consumer = ledger.consumers[name] = Consumer(name, wanted, "head", options.max_gaps, options.max_ranges)
        consumer.gaps, consumer.counts, consumer.losses_dirty = account.untold, account.counts, False
        for epoch in ledger.epochs:
            for lane in wanted:
                consumer.done((epoch, lane))
    for name, epoch, lane, settled in connection.execute("SELECT uplink, epoch, lane, settled FROM progress"):
        owner, holder = ledger.consumers.get(name), ledger.epochs.get(epoch)
        if owner is not None and holder is not None and lane in owner.lanes:
            ranges = owner.settled[epoch, lane] = RangeSet.parse(settled)
            ranges.remove(holder.track(lane).last + 1, MAX_SEQ)


class Log(NamedTuple):
    """The log beside a database before it is opened: whether it is there, and the salts of its present round."""

    present: bool
    salts: bytes

    @classmethod
    def before_opening(cls, database: Path) -> Log:
        """Raises OSError."""
        path = files.log_of(database)
        if files.size_of(path) < _WAL_HEADER:
            return cls(False, b"")
        with path.open("rb") as file:
            header = file.read(_WAL_HEADER)
        return cls(struct.unpack_from(">I", header)[0] in _WAL_MAGIC, header[16:24])

    def goes_on_after(self, database: Path, frames: int, page_bytes: int) -> bool:
        """True when a transaction of the same round stands behind those that SQLite accepts, and another after it.

        Then the log is damaged in its midst, and transactions that were on disk are lost.  A transaction that was
        being written when the power failed or the process died has none after it.  Raises OSError.
        """
        if not self.present:
            return False
        complete = False
        stride = _FRAME_HEADER + page_bytes
        with files.log_of(database).open("rb") as file:
            for frame in range(frames, (files.size_of(files.log_of(database)) - _WAL_HEADER) // stride):
                file.seek(_WAL_HEADER + frame * stride)
                header = file.read(_FRAME_HEADER)
                if header[8:16] != self.salts:
                    return False
                if complete:
                    return True
                complete = any(header[4:8])
        return False
