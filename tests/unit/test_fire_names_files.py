"""A site is made of its file and of those that it names; a change of any of them is noticed, once it is whole."""

from __future__ import annotations

import os
from pathlib import Path

from courtyard.agent.site_files import SiteFiles
from courtyard.config.read import check_site

SITE = """
[gateway]
id = "gw-0007"
place = "370213/005/012/0007"
language = "en"
[[lines]]
name = "fire-1"
kind = "serial"
port = "/dev/ttyS1"
baud = 9600
[[fire_panels]]
id = "fp-1"
line = "fire-1"
protocol = "jbf"
names = "names/fp-1.csv"
"""


def write(path: Path, text: str, second: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


def test_the_files_of_a_site_are_known_whether_or_not_they_are_there(tmp_path: Path) -> None:
    write(tmp_path / "site.toml", SITE, 1)
    verdict = check_site(tmp_path / "site.toml")
    assert [each.code for each in verdict.mistakes] == ["names.unreadable"]
    assert tmp_path / "names" / "fp-1.csv" in verdict.files
    write(tmp_path / "names" / "fp-1.csv", "loop,address,text\n6,12,corridor\n", 1)
    assert check_site(tmp_path / "site.toml").files == verdict.files


def test_a_list_of_names_that_is_written_is_a_change_when_its_writer_has_paused(tmp_path: Path) -> None:
    site, names = tmp_path / "site.toml", tmp_path / "names" / "fp-1.csv"
    write(site, SITE, 1)
    files = SiteFiles(site)
    files.begin()
    files.take((names,))
    assert [files.changed() for _ in range(3)] == [False] * 3
    write(names, "loop", 2)
    assert not files.changed()
    write(names, "loop,address,text\n6,12,corridor\n", 3)
    assert not files.changed()
    assert files.changed()
    files.begin()
    files.take((names,))
    assert [files.changed() for _ in range(3)] == [False] * 3
    names.unlink()
    assert [files.changed() for _ in range(2)] == [False, True]


def test_what_is_written_while_the_site_is_read_is_a_change(tmp_path: Path) -> None:
    site, names = tmp_path / "site.toml", tmp_path / "names" / "fp-1.csv"
    write(site, SITE, 1)
    write(names, "loop,address,text\n6,12,corridor\n", 1)
    files = SiteFiles(site)
    files.take((names,))
    files.begin()
    write(names, "loop,address,text\n6,12,stairs\n", 2)
    files.take((names,))
    assert [files.changed() for _ in range(2)] == [False, True]


def test_the_site_file_alone_is_watched_before_it_was_ever_read(tmp_path: Path) -> None:
    files = SiteFiles(tmp_path / "site.toml")
    files.begin()
    files.take()
    assert [files.changed() for _ in range(2)] == [False, False]
    write(tmp_path / "site.toml", SITE, 1)
    assert [files.changed() for _ in range(2)] == [False, True]
