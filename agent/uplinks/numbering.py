"""How far this gateway has counted, as the platform knows it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from courtyard.agent.records import Status, instant

MAX_EPOCHS = 8


class Heads(msgspec.Struct, frozen=True):
    """Retained beside the status, and not touched by the Last Will: how far this gateway has counted.

    A gateway that finds itself behind these numbers in an epoch has lost records that a consumer may have
    seen (a restored backup, a memory card put back) and must not count on from there.
    """

    v: int
    gateway: str
    at: str
    epochs: dict[str, dict[str, int]]
    """Epoch to lane to the last sequence number; the newest epoch last, at most eight."""


class Known:
    """What the platform has seen of this gateway's numbering, and whether the journal agrees."""

    def __init__(self) -> None:
        self._epochs: dict[str, dict[str, int]] = {}

    def learn(self, payload: bytes) -> None:
        """Takes in a retained `heads` or `status` message.  Raises msgspec.MsgspecError when it is neither."""
        if b'"epochs"' in payload:
            for epoch, heads in msgspec.json.decode(payload, type=Heads).epochs.items():
                self.note(epoch, heads)
            return
        for lane, lane_status in msgspec.json.decode(payload, type=Status).lanes.items():
            self.note(lane_status.epoch, {lane: lane_status.head})

    def note(self, epoch: str, heads: Mapping[str, int]) -> bool:
        """Raises the numbers of an epoch; True when that changed anything."""
        known = self._epochs.get(epoch, {})
        raised = {**known, **{lane: max(seq, known.get(lane, 0)) for lane, seq in heads.items()}}
        if raised == known:
            return False
        self._epochs.pop(epoch, None)
        self._epochs[epoch] = raised
        while len(self._epochs) > MAX_EPOCHS:
            del self._epochs[next(iter(self._epochs))]
        return True

    def ahead(self, epoch: str, heads: Mapping[str, int]) -> bool:
        """Whether the platform has seen numbers of this epoch that the journal has not given out."""
        return any(seq > heads.get(lane, 0) for lane, seq in self._epochs.get(epoch, {}).items())

    def message(self, gateway: str, at_ms: int) -> bytes:
        return msgspec.json.encode(Heads(1, gateway, instant(at_ms), self._epochs))
