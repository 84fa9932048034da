"""The long campaigns of the tests, run whole: random kills, hostile bytes, full lines."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from bench.process import python

FIRE: Mapping[str, str] = {
    "tests/faults/test_fire_campaign.py": "10,000,000 hostile bytes a protocol",
    "tests/integration/test_fire_driver_lines.py": "500 events in 10 s over TCP; a serial line full for 60 s",
    "tests/faults/test_gb26875_uplink_kill.py": "kill -9 on the way to a fire-control centre, 100 times",
}
"""What the tests of a file do when they are run whole."""


class Campaign(NamedTuple):
    """One file of tests, run whole."""

    what: str
    tests: int
    failed: int
    seconds: float


def run(files: Mapping[str, str]) -> list[Campaign]:
    """Runs the files one after the other."""
    return [_run(file, what) for file, what in files.items()]


def _run(file: str, what: str) -> Campaign:
    report = os.path.join("build", "campaign.xml")
    environment = {**os.environ, "COURTYARD_CAMPAIGN": "full"}
    began = time.monotonic()
    done = subprocess.run(
        python("-m", "pytest", "-q", f"--junitxml={report}", file),
        env=environment,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    suite = ElementTree.parse(report).getroot().find("testsuite")
    tests = 0 if suite is None else int(suite.get("tests", 0))
    broken = [] if suite is None else [case for case in suite.iter("testcase") if _trouble(case) is not None]
    for case in broken:
        print(f"failed: {case.get('name')}\n{_trouble(case)}", file=sys.stderr)
    return Campaign(what, tests, max(len(broken), int(done.returncode != 0)), time.monotonic() - began)


def _trouble(case: ElementTree.Element) -> str | None:
    """What pytest says of a test that did not pass."""
    return next((each.text for each in case if each.tag in ("failure", "error")), None)
