"""install.sh into a staged root: a real environment with the locked packages, and nothing of this machine touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / "systemd" / "install.sh"


def install(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(INSTALL), *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHON": sys.executable, "PIP_NO_COMPILE": "1", **environment},
    )


def tree(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every path below root but Python's own caches, with mode, size and time of change."""
    return {
        str(path.relative_to(root)): (status.st_mode, status.st_size, status.st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if not path.is_dir() and "__pycache__" not in path.parts
        for status in [path.lstat()]
    }


@pytest.mark.timeout(400)  # installs real packages
@pytest.mark.skipif(os.geteuid() != 0, reason="a staged root has owners, which only root may set")
def test_a_box_is_set_up_twice_and_taken_away_again(tmp_path: Path) -> None:
    root, wheels = tmp_path / "root", tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("*.whl")

    first = install("--root", root, "--wheel", wheel)
    assert first.returncode == 0, first.stderr
    current = root / "opt/courtyard/current"
    program = current / "bin/courtyard"
    assert program.read_text().splitlines()[0] == f"#!/opt/courtyard/releases/{current.resolve().name}/bin/python"
    for file in (current / "bin").iterdir():
        if not file.is_symlink():
            assert str(root).encode() not in file.read_bytes(), file
    said = subprocess.run(
        [current / "bin/python", "-m", "courtyard.agent", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("courtyard ")
    names = {path.name for path in (current / "lib").glob("python3*/site-packages/*")}
    assert {"courtyard", "pymodbus"} <= names
    assert not {"pytest", "mypy", "hw_sim"} & names
    assert os.readlink(root / "usr/local/bin/courtyard") == "/opt/courtyard/current/bin/courtyard"
    for unit in ("courtyard.service", "courtyard-first-boot.service"):
        assert (root / "etc/systemd/system/multi-user.target.wants" / unit).is_symlink()
    assert "courtyard:" in (root / "etc/passwd").read_text()

    before = tree(root)
    second = install("--root", root, "--wheel", wheel)
    assert second.returncode == 0, second.stderr
    assert "already built" in second.stdout
    after = tree(root)
    unchanged = {path for path in before if before[path] == after.get(path)}
    assert set(before) - unchanged <= {"usr/local/bin/courtyard", "etc/.pwd.lock"}
    assert set(after) == set(before)

    (root / "etc/courtyard/site.toml").write_text("mine")
    (root / "var/lib/courtyard/journal.sqlite").write_text("records")
    removed = install("--root", root, "--remove")
    assert removed.returncode == 0, removed.stderr
    left = {path for path in tree(root) if not path.startswith("etc/") or "courtyard" in path}
    assert left == {"etc/courtyard/site.toml", "var/lib/courtyard/journal.sqlite"}
    purged = install("--root", root, "--remove", "--purge")
    assert purged.returncode == 0, purged.stderr
    assert not {path for path in tree(root) if "courtyard" in path}


def test_a_box_goes_back_to_the_release_before_and_returns(tmp_path: Path) -> None:
    opt = tmp_path / "opt/courtyard"
    for name in ("old", "new"):
        program = opt / "releases" / name / "bin/courtyard"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    (opt / "current").symlink_to("releases/new")
    none = install("--root", tmp_path, "--back")
    assert none.returncode == 1
    assert "no release to go back to" in none.stderr
    (opt / "previous").symlink_to("releases/old")
    for now, former in (("old", "new"), ("new", "old")):
        done = install("--root", tmp_path, "--back")
        assert done.returncode == 0, done.stderr
        links = [str((opt / link).readlink()) for link in ("current", "previous")]
        assert links == [f"releases/{now}", f"releases/{former}"]
    (opt / "releases/old/bin/courtyard").unlink()
    assert install("--root", tmp_path, "--back").returncode == 1
    assert str((opt / "current").readlink()) == "releases/new"


@pytest.mark.parametrize("arguments", [[], ["--remove", "--purge"]])
def test_a_dry_run_changes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    if arguments:
        (tmp_path / "opt/courtyard").mkdir(parents=True)
        (tmp_path / "opt/courtyard/first-boot.sh").write_text("x")
        (tmp_path / "etc/courtyard").mkdir(parents=True)
        (tmp_path / "etc/courtyard/site.toml").write_text("x")
    before = tree(tmp_path)
    done = install("--root", tmp_path, "--dry-run", *arguments)
    assert done.returncode == 0, done.stderr
    assert "Dry run" in done.stdout
    assert "/opt/courtyard" in done.stdout
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--frobnicate"], {}, "unknown option --frobnicate"),
        (["--wheel"], {}, "--wheel needs a value"),
        (["--purge"], {}, "--purge works only together with --remove"),
        (["--wheel", "/nowhere.whl"], {}, "there is no wheel /nowhere.whl"),
        (["--dry-run"], {"PYTHON": "/bin/false"}, "/bin/false is not Python 3.11, 3.12 or 3.13"),
        (["--frobnicate"], {"LC_ALL": "zh_CN.UTF-8"}, "未知选项 --frobnicate"),
    ],
)
def test_mistakes_are_named_with_their_cure(arguments: list[str], environment: dict[str, str], words: str) -> None:
    done = install(*arguments, **environment)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout.count("\n") <= 1


@pytest.mark.parametrize(
    ("fails", "words"),
    [("venv", "apt-get install python3-venv"), ("pip", "the Python packages could not be installed")],
)
def test_a_release_that_can_not_be_built_leaves_nothing_behind(tmp_path: Path, fails: str, words: str) -> None:
    python, root = tmp_path / "python", tmp_path / "root"
    python.write_text(
        f"""#!/bin/sh
        case $1$2 in
        -m{fails}) mkdir -p "$3/half" 2>/dev/null; exit 1 ;;
        -mvenv) mkdir -p "$3/bin"; ln -s {python} "$3/bin/python" ;;
        *) exec {sys.executable} "$@" ;;
        esac
        """
    )
    python.chmod(0o755)
    done = install("--root", root, PYTHON=str(python))
    assert done.returncode == 1
    assert words in done.stderr
    assert not (root / "opt/courtyard/current").exists()
    assert not (root / "etc/systemd").exists()
    assert list((root / "opt/courtyard/releases").iterdir()) == []
