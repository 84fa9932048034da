"""Templates are compiled once, by a process of their own; what is no longer right is not used."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jinja2
import pytest

from courtyard.agent.web.compiled import MARK, compiled, make
from courtyard.agent.web.render import Renderer


class Watched(jinja2.FileSystemBytecodeCache):
    """Counts what a renderer finds in the folder, and what it had to compile."""

    found = made = 0

    def load_bytecode(self, bucket: Any) -> None:
        super().load_bytecode(bucket)
        self.found += bucket.code is not None

    def dump_bytecode(self, bucket: Any) -> None:
        self.made += 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "templates"
    assert asyncio.run(compiled(folder)) is not None
    return folder


def test_what_a_process_of_its_own_compiled_is_all_that_a_page_needs(folder: Path) -> None:
    cache = Watched(str(folder))
    Renderer(compiled=cache).warm()
    assert cache.made == 0
    assert cache.found > 20


def test_a_second_start_makes_nothing_anew(folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert asyncio.run(compiled(folder)) is not None
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_was_not_finished_or_is_of_another_release_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "left-over").write_bytes(b"\0" * 100)
    for state in (None, "of another release", b"\xff\xfe"):
        if state is not None:
            (tmp_path / MARK).write_bytes(state if isinstance(state, bytes) else state.encode())
        assert asyncio.run(compiled(tmp_path)) is not None
        assert not (tmp_path / "left-over").exists()
        (tmp_path / "left-over").write_bytes(b"\0" * 100)


def test_a_daemon_writes_nothing_there(folder: Path) -> None:
    cache = asyncio.run(compiled(folder))
    assert cache is not None
    victim = next(path for path in folder.iterdir() if path.name != MARK)
    kept = victim.read_bytes()
    victim.unlink()
    Renderer(compiled=cache).warm()
    assert not victim.exists()
    victim.write_bytes(kept)


def test_a_folder_that_cannot_be_made_leaves_compiling_to_the_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "page").write_text("a file, not a folder")
    assert asyncio.run(compiled(tmp_path / "page/templates")) is None
    assert "NotADirectoryError" in caplog.text
    with pytest.raises(NotADirectoryError):
        make(tmp_path / "page/templates")
