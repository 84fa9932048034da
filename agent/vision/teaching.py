"""A lift's own head from what is kept of the lift: `python -m courtyard.agent.vision.teaching FOLDER MANIFEST LIFT`.

The page has it done by a process of its own: what it needs (numpy) stays out of the gateway's memory, and it is polite.
It ends with 0 and the new head's digest, or with 1 and why not, as one line of JSON.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent.vision import own_head
from courtyard.agent.vision.lessons import Looks, joined, read_looks
from courtyard.agent.vision.model import read_manifest
from courtyard.agent.vision.own_head import Head
from courtyard.agent.vision.retraining import base_file, read_base, retrained
from courtyard.agent.vision.scores import read_calibration
from courtyard.drivers.base import DriverError

NICE: Final = 10


class Taught(msgspec.Struct, frozen=True):
    """What came of it: the digest of a head that is on trial now, or words why there is none."""

    digest: str = ""
    en: str = ""
    zh: str = ""


def teach(folder: Path, manifest: Path, lift: str, now_ms: int) -> Head:
    """A new head, on trial from now on.  `folder` is that of all lifts.  Raises DriverError."""
    model = read_manifest(manifest)
    base = read_base(base_file(manifest), model.sha256)
    looks, marked = kept(folder, lift, model.sha256)
    head = retrained(lift, model.sha256, base, looks, marked, model.score, now_ms)
    own_head.propose(folder, head)
    return head


def kept(folder: Path, lift: str, model: str) -> tuple[Looks, int]:
    """What was gathered in the time that the lift was calibrated with - somebody has said that no e-bike came - and
    the events that were marked; and how many looks these have."""
    lessons = own_head.lessons_folder(folder, lift)
    identities = {model, own_head.identity(model, own_head.read_head(folder, lift, "active", model))}
    days = [day for day in (read_calibration(folder, lift, each) for each in identities) if day is not None]
    gathered = read_looks(lessons / own_head.GATHERED, model)
    gathered = gathered.during([(day.since_ms, day.until_ms) for day in days])
    marked = joined([read_looks(path, model) for path in sorted((lessons / own_head.MARKED).glob("*.npz"))])
    return joined([gathered, marked]), len(marked.logits)


def main() -> int:
    """Exit status."""
    os.nice(NICE)
    folder, manifest, lift = sys.argv[1:4]
    try:
        told = Taught(teach(Path(folder), Path(manifest), lift, time.time_ns() // 1_000_000).digest)
    except DriverError as error:
        what, cure = error.fault.what, error.fault.cure
        told = Taught("", f"{what.en} {cure.en}", f"{what.zh}{cure.zh}")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        told = Taught("", f"The head cannot be kept: {reason}.", f"无法保存判别头：{reason}。")
    print(msgspec.json.encode(told).decode())
    return 0 if told.digest else 1


if __name__ == "__main__":
    sys.exit(main())
