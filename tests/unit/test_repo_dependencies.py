"""Dependencies: declared, locked, listed with licence and reason, and free to ship."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
GROUPS = PROJECT["dependency-groups"]
DEVELOPMENT = [Requirement(line) for name in GROUPS for line in GROUPS[name] if isinstance(line, str)]


def locked(file: str) -> dict[str, str]:
    """name -> version, with the hashes left out."""
    pins = re.findall(r"^([a-z0-9][\w.-]*)==([^\s;]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def closure(names: Iterator[str]) -> set[str]:
    """These distributions and all that they need, as installed here."""
    todo, seen = [canonicalize_name(name) for name in names], set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(canonicalize_name(requirement.name))
    return seen


def licence(name: str) -> str:
    metadata = distribution(name).metadata
    classifiers = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier", []) if line.startswith("License")]
    return " ".join([metadata.get("License-Expression") or "", metadata.get("License") or "", *classifiers])


@pytest.mark.parametrize("requirement", [*RUNTIME, *DEVELOPMENT], ids=str)
def test_what_is_declared_is_locked_in_its_range(requirement: Requirement) -> None:
    version = locked("requirements.lock")[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)


def test_a_gateway_gets_the_same_versions_and_all_that_it_needs() -> None:
    everything, box = locked("requirements.lock"), locked("systemd/requirements.lock")
    assert box.items() <= everything.items()
    assert closure(requirement.name for requirement in RUNTIME) <= set(box)
    assert not {"pytest", "mypy", "async-solipsism"} & set(box)


@pytest.mark.parametrize("file", ["requirements.lock", "systemd/requirements.lock"])
def test_every_pin_has_hashes_and_no_address(file: str) -> None:
    text = (ROOT / file).read_text()
    assert len(locked(file)) == len(re.findall(r"==[^\n]+\\\n    --hash=sha256:[0-9a-f]{64}", text))
    assert not re.search(r"://|--(extra-)?index|--find-links", text)


def rows() -> dict[str, list[str]]:
    """The table of docs/dependencies.md: name -> range, licence, reason."""
    lines = (ROOT / "docs/dependencies.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {canonicalize_name(row[0].strip("`")): row[1:] for row in cells}


def test_every_dependency_is_listed_with_its_range_licence_and_reason() -> None:
    declared = {canonicalize_name(each.name): each for each in [*RUNTIME, *DEVELOPMENT]}
    listed = rows()
    assert set(listed) == set(declared)
    for name, (versions, spdx, reason) in listed.items():
        assert versions.strip("`") == (str(declared[name].specifier) or "any"), name
        assert spdx, name
        assert len(reason) > 10, name


def test_the_listed_licences_are_those_of_the_packages() -> None:
    words = {"BSD": "BSD", "MIT": "MIT", "Apache": "Apache", "EPL": "EPL", "MPL": "MPL|Mozilla", "GPL": "GPL"}
    for name, (_, spdx, _) in rows().items():
        named = [word for word in words if word in spdx]
        assert named, f"{name}: {spdx} is a licence that this test does not know"
        for word in named:
            assert re.search(words[word], licence(name)), f"{name}: listed {spdx}, says {licence(name)[:100]}"


@pytest.mark.parametrize("name", sorted(closure(requirement.name for requirement in RUNTIME)))
def test_nothing_that_is_shipped_is_under_the_gpl(name: str) -> None:
    said = licence(name)
    assert said.strip(), f"{name} does not say its licence"
    assert not re.search(r"\bA?GPL|GNU (Affero )?General Public", said)
