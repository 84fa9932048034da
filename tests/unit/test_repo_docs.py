"""The documentation speaks of what there is: commands, targets, files; alike in both languages."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from courtyard.agent.__main__ import main
from courtyard.agent.cli import parser
from courtyard.config.read import check_site

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
FILES = [
    ROOT / name for name in TRACKED.split("\0") if name and (ROOT / name).is_file() and not (ROOT / name).is_symlink()
]
TEXTS = {".py", ".md", ".toml", ".txt", ".sh", ".json", ".yaml", ".lock", ".service", ".svg", ".rules", ".csv", ".html"}
PAGES = [path for path in FILES if path.suffix == ".md"]
TWINS = [path for path in PAGES if path.name.endswith(".zh.md")]
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(page: Path, language: str = "sh") -> list[str]:
    """Lines of the code blocks of one language, without comments and empty lines."""
    fences = re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for fence in fences for line in fence.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def commands(page: Path, program: str) -> list[list[str]]:
    """Every call of a program in the page: in sh blocks and in `inline code`."""
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S))
    calls = []
    for line in [*blocks(page), *inline]:
        for part in re.split(r"\s*(?:&&|\|\||[|;])\s*", line.split("  # ")[0].split("   ")[0]):
            words = part.removeprefix("sudo ").replace("'", " ").split()
            if words and words[0].rsplit("/", 1)[-1] == program:
                calls.append(shlex.split(part.removeprefix("sudo "), comments=True)[1:])
    return calls


@pages
def test_every_make_target_exists(page: Path) -> None:
    for arguments in commands(page, "make"):
        targets = {word for word in arguments if re.fullmatch(r"[a-z]+", word)}
        assert targets <= TARGETS, arguments


def exit_code(arguments: list[str]) -> int:
    """What the real command line says to these arguments: 0 when it accepts them."""
    try:
        parser.build("en", "0").parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pages
def test_every_courtyard_command_is_accepted_by_the_command_line(page: Path) -> None:
    for arguments in commands(page, "courtyard"):
        if arguments and not any("…" in word for word in arguments):
            named_only = len(arguments) == 1
            assert exit_code([*arguments, "--help"] if named_only else arguments) == 0, arguments


@pages
def test_every_frame_that_is_shown_is_taken_apart(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in commands(page, "courtyard"):
        if len(arguments) > 1 and arguments[0] == "decode":
            assert main(arguments) == 0
            assert "valid" in capsys.readouterr().out


@pages
def test_every_site_file_that_is_shown_can_run(page: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/community").write_text("a password")
    (tmp_path / "secrets/community").chmod(0o600)
    for number, text in enumerate(re.findall(r"^```toml\n(\[gateway\].*?)^```", page.read_text(), re.M | re.S)):
        site = tmp_path / f"{number}.toml"
        site.write_text(text)
        verdict = check_site(site)
        assert (verdict.mistakes, verdict.warnings) == ((), ())


@pages
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.name)
def test_the_chinese_page_says_the_same(twin: Path) -> None:
    english = twin.with_name(twin.name.replace(".zh.md", ".md"))
    shape = re.compile(r"^(#{1,4}) |^(\d)\. ", re.MULTILINE)
    assert shape.findall(twin.read_text()) == shape.findall(english.read_text())
    code = [line.split("  # ")[0].split("   #")[0].rstrip() for line in blocks(twin)]
    assert code == [line.split("  # ")[0].split("   #")[0].rstrip() for line in blocks(english)]


HAND_WRITTEN = [twin for twin in TWINS if not twin.read_text().startswith("<!--")]


@pytest.mark.parametrize("twin", HAND_WRITTEN, ids=lambda path: path.name)
def test_chinese_text_has_chinese_punctuation(twin: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", "", twin.read_text(), flags=re.DOTALL)
    assert re.findall(r".{0,9}[\u4e00-\u9fff](?:[,;!?(]|:(?!/)).{0,9}", prose) == []


def test_continuous_integration_runs_what_developers_run() -> None:
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec make test"


def test_no_file_names_a_package_host_or_a_foreign_folder() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [f"{name}.org" for name in ("pypi", "pythonhosted", "debian", "npmjs")]
    folders = [f"/{name}/" for name in ("work", "root", "home")] + ["../" + "shared"]
    found = {
        (str(path.relative_to(ROOT)), word)
        for path in FILES
        if path.suffix in TEXTS or not path.suffix
        for word in hosts + folders
        if word in path.read_text(encoding="utf-8")
    }
    assert found == set()
