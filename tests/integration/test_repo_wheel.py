"""The built wheel holds exactly the courtyard namespace, with its data files and nothing of the tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("agent", "drivers", "buffer", "config")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    out = tmp_path_factory.mktemp("wheel")
    build = ["-m", "pip", "--disable-pip-version-check", "-qq", "wheel", "--no-deps", "--no-build-isolation", "-w"]
    subprocess.run([sys.executable, *build, str(out), str(ROOT)], check=True, timeout=280)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def sources() -> set[str]:
    """What is to be shipped: every file of the four folders, but what Python itself leaves behind."""
    return {
        f"courtyard/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_is_the_namespace_and_nothing_else(names: set[str]) -> None:
    shipped = {name for name in names if ".dist-info/" not in name}
    assert shipped == sources()
    assert "courtyard/__init__.py" not in names


def test_the_wheel_has_profiles_license_and_command(names: set[str]) -> None:
    assert [name for name in names if name.startswith("courtyard/config/profiles/water/") and name.endswith(".toml")]
    extras = {name.split(".dist-info/")[1] for name in names if ".dist-info/" in name}
    assert {"METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE"} <= extras
