"""One poll of one device: all its requests, retries and refusals, joined into one set of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from courtyard.drivers.base import Fault, Scalar
from courtyard.drivers.modbus.faults import FAILURE_FAULTS, device_fault, refusal, refused_fault
from courtyard.drivers.modbus.link import CHEAP_FAILURES, EMPTY, Link, NotYet, Refused, Unanswered
from courtyard.drivers.modbus.unit import SILENT_PARTS, Job, Unit

NO_ANSWER = "bad:comm"

MayRetry = Callable[[Unit, int, float], bool]
"""Given the tries of this request so far, all in vain, and for how many seconds the last one was waited for (0 when
something came at once): whether to try again."""


class Busy(Exception):
    """The device asks to be left alone for a while."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Cycle(NamedTuple):
    """What a poll brought: whether the device answered anything, and whether it kept us waiting for anything."""

    values: dict[str, Scalar | None]
    quality: dict[str, str]
    answered: bool
    silent: bool
    trouble: Fault | None


async def run_cycle(unit: Unit, link: Link, may_retry: MayRetry) -> Cycle:
    """Asks everything once.  Raises Busy and NotYet when the device wants another time, LineDown as links do."""
    values = dict(unit.blank)
    quality: dict[str, str] = dict.fromkeys(unit.refused, NO_ANSWER) if unit.refused else {}
    work = unit.jobs[::-1]
    answered = silent = False
    trouble: Fault | None = None
    while work:
        job = work.pop()
        if silent:
            quality.update(dict.fromkeys(job.decoder.names, NO_ANSWER))
            continue
        try:
            payload = await _ask(unit, job, link, may_retry)
        except Refused as refused:
            unit.count("refused")
            meaning = refusal(refused.code)
            answered = answered or meaning.policy != "silence"
            if meaning.policy == "wait":
                raise Busy(refused.code) from None
            if meaning.policy == "split" and (halves := unit.split(job, refused.code)):
                work += reversed(halves)
                continue
            quality.update(dict.fromkeys(job.decoder.names, NO_ANSWER))
            if meaning.policy == "configuration":
                unit.give_up(job, refused.code)
            elif meaning.policy != "split":
                trouble = refused_fault(unit.device.address, refused.code)
                silent = meaning.policy == "silence"
        except (Unanswered, NotYet) as failed:
            if isinstance(failed, NotYet) and not answered:
                raise
            trouble = _trouble(unit, failed)
            quality.update(dict.fromkeys(job.decoder.names, NO_ANSWER))
            if not _cheap(failed):
                job.silences += 1
                silent = True
        else:
            answered = True
            job.silences = 0
            bad = job.decoder.decode(payload, values)
            if bad:
                quality.update(bad)
    if silent and answered:
        _split_silent_parts(unit)
    return Cycle(values, quality, answered, silent, trouble)


async def _ask(unit: Unit, job: Job, link: Link, may_retry: MayRetry) -> bytes:
    tries = 0
    last: Unanswered | Refused | None = None
    while True:
        began = link.now()
        try:
            return await link.read(job.ask)
        except NotYet:
            if last is None:
                raise
            raise last from None
        except (Unanswered, Refused) as failed:
            if isinstance(failed, Unanswered):
                unit.count(failed.failure)
            elif refusal(failed.code).policy != "silence":
                raise
            last = failed
            tries += 1
            if not may_retry(unit, tries, 0.0 if _cheap(failed) else link.now() - began):
                raise
            unit.count("retries")


def _cheap(failed: Exception) -> bool:
    return isinstance(failed, Unanswered) and failed.failure in CHEAP_FAILURES


def _trouble(unit: Unit, failed: Unanswered | NotYet) -> Fault:
    """Says late rather than silent when late answers have been coming."""
    late = unit.late_replies > unit.late_before
    code = "device.silent" if isinstance(failed, NotYet) else FAILURE_FAULTS[failed.failure]
    if late and code == "device.silent":
        code = "device.late"
    return device_fault(code, unit=unit.device.address, timeout_s=unit.device.profile.timeout_s)


def _split_silent_parts(unit: Unit) -> None:
    """Splits requests that stay unanswered while the device answers others: some devices refuse by silence."""
    for job in unit.jobs:
        if job.silences >= SILENT_PARTS:
            unit.split(job, EMPTY)
