"""The program and its package say the same version."""

from __future__ import annotations

from importlib.metadata import version

from courtyard.agent.version import VERSION


def test_the_program_knows_the_version_of_its_package() -> None:
    assert version("courtyard") == VERSION
