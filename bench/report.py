"""Rows of docs/measurements.md: what was measured, what came out, what was promised."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parents[1] / "docs" / "measurements.md"


class Row(NamedTuple):
    """One measured quantity.  `target` is the promise in words, empty where there is none; `met` its verdict."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None


class Section(NamedTuple):
    """Rows of one run, with the command that repeats it."""

    title: str
    command: str
    rows: Sequence[Row]
    note: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """The machine in one line."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores, {cpu}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def commit() -> str:
    """The short name of the commit under measurement."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


INTRODUCTION = (
    "# Measurements\n\n"
    "Written by `make bench`; a section is replaced when its own command runs again. Ratios compare runs of the same "
    "minute; the rest is of the machine named with it."
)


def markdown(section: Section) -> str:
    """One section of the document."""
    load = os.getloadavg()[0]
    parts = [
        f"## {section.title}",
        f"`{section.command}`, commit {commit()}, load {load:.1f}: {machine()}.",
        *([section.note] if section.note else []),
    ]
    rows = ["| what | measured | target | met |", "| --- | --- | --- | --- |"]
    rows += [f"| {row.what} | {row.measured} | {row.target} | {_verdict(row.met)} |" for row in section.rows]
    return "\n\n".join((*parts, "\n".join(rows)))


def save(sections: Iterable[Section], file: Path = FILE) -> None:
    """Puts the sections into the document, each in the place of the one with the same title."""
    text = file.read_text(encoding="utf-8") if file.exists() else INTRODUCTION
    known = {part.splitlines()[0]: "## " + part.strip() for part in text.split("\n## ")[1:]}
    known |= {section.title: markdown(section) for section in sections}
    file.write_text("\n\n".join((INTRODUCTION, *known.values())) + "\n", encoding="utf-8")


def _verdict(met: bool | None) -> str:
    return {True: "yes", False: "**no**", None: ""}[met]
