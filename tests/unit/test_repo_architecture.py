"""Who may import whom, and what every file may be."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from grimp import ImportGraph
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
VAGUE = re.compile(r"(.*_)?(manager|helpers?|util(s|ities)?|misc|common)")
OURS = ("courtyard.agent", "courtyard.config", "courtyard.buffer", "courtyard.drivers")
CODE = tuple(
    path
    for folder in ("agent", "buffer", "config", "drivers", "hw-sim", "bench", "systemd")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".sh")
)


@cache
def graph() -> ImportGraph:
    return grimp.build_graph(*OURS, "hw_sim", include_external_packages=True, cache_dir=None)


def project(file: str) -> list[str]:
    """Names of the distributions that a pyproject.toml asks for, always or as an extra."""
    asked = tomllib.loads((ROOT / file).read_text())["project"]
    extras = asked.get("optional-dependencies", {}).values()
    dependencies = [*asked["dependencies"], *(each for extra in extras for each in extra)]
    return [canonicalize_name(re.split(r"[^\w.-]", dependency)[0]) for dependency in dependencies]


def test_the_import_rule_holds() -> None:
    """The contracts themselves stand in pyproject.toml."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    lint = [sys.executable, "-c", command, "--no-cache", "--no-logo"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Contracts: [4-9] kept, 0 broken", done.stdout)


def test_drivers_and_journal_import_nothing_of_ours() -> None:
    for package in ("courtyard.drivers", "courtyard.buffer"):
        for other in {*OURS, "hw_sim"} - {package}:
            assert graph().find_shortest_chain(package, other, as_packages=True) is None


def test_the_simulators_import_nothing_of_ours() -> None:
    for package in OURS:
        assert graph().find_shortest_chain("hw_sim", package, as_packages=True) is None


@pytest.mark.parametrize(("top", "file"), [("courtyard", "pyproject.toml"), ("hw_sim", "hw-sim/pyproject.toml")])
def test_every_package_that_is_imported_is_declared(top: str, file: str) -> None:
    declared, distributions = project(file), packages_distributions()
    undeclared = {
        f"{importer} -> {module}"
        for module in graph().modules
        if graph().is_module_squashed(module) and module not in sys.stdlib_module_names
        for importer in graph().find_modules_that_directly_import(module)
        if importer.split(".")[0] == top
        and not {canonicalize_name(name) for name in distributions.get(module.split(".")[0], ())} & set(declared)
    }
    assert undeclared == set()


def test_files_are_short_and_named_for_what_they_do() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in CODE}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
    assert [name for name in lengths if VAGUE.fullmatch(Path(name).stem)] == []


def test_the_namespace_has_one_link_for_each_folder() -> None:
    links = {path.name: path.resolve() for path in (ROOT / ".namespace/courtyard").iterdir()}
    assert links == {name.removeprefix("courtyard."): ROOT / name.removeprefix("courtyard.") for name in OURS}
