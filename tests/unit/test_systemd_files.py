"""Units, users, folders and device rules: checked by systemd's own tools where it has them, else by their grammar."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from courtyard.agent.cli import parser
from courtyard.config.read import check_site

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
UNITS = ("courtyard.service", "courtyard-first-boot.service")

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this system has no systemd")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners, which only root may")


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """section -> key -> values, in order; keys of a unit may repeat."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in (SYSTEMD / name).read_text().splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            current = sections.setdefault(match[1], {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            current.setdefault(key, []).append(value)
    return sections


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_unit(name: str, tmp_path: Path) -> None:
    for program in ("current/bin/courtyard", "first-boot.sh"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).symlink_to("/bin/true")
    for each in UNITS:
        (tmp_path / each).write_text((SYSTEMD / each).read_text().replace("/opt/courtyard", str(tmp_path)))
    verified = run("systemd-analyze", "verify", "--man=no", tmp_path / name)
    ours = [line for line in verified.stderr.splitlines() if "courtyard" in line]
    assert (verified.returncode, ours) == (0, [])


@needs_systemd
@pytest.mark.parametrize(("name", "threshold"), [("courtyard.service", 23), ("courtyard-first-boot.service", 17)])
def test_the_unit_is_hardened(name: str, threshold: int) -> None:
    """Exposure in tenths, as `systemd-analyze security` counts it; a plain service has 96."""
    judged = run("systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", SYSTEMD / name)
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_the_service_never_gives_up_and_stops_in_time() -> None:
    service = unit("courtyard.service")
    assert service["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert service["Service"]["Restart"] == ["always"]
    assert service["Service"]["Type"] == ["notify"]
    assert int(service["Service"]["TimeoutStopSec"][0]) > 5
    assert int(service["Service"]["WatchdogSec"][0]) > 0


def test_the_service_starts_what_the_command_line_knows() -> None:
    program, *arguments = shlex.split(unit("courtyard.service")["Service"]["ExecStart"][0])
    assert program.endswith("/bin/courtyard")
    parsed = parser.build("en", "0").parse_args(arguments)
    state, runtime = (unit("courtyard.service")["Service"][key][0] for key in ("StateDirectory", "RuntimeDirectory"))
    assert parsed.site == parser.SITE
    assert parsed.data == Path("/var/lib") / state
    assert parsed.socket.parent == Path("/run") / runtime


def test_every_group_of_the_service_and_of_the_rules_is_made() -> None:
    made = {
        line.split()[1]
        for line in (SYSTEMD / "courtyard.sysusers").read_text().splitlines()
        if line[:2] in ("g ", "u ")
    }
    used = set(unit("courtyard.service")["Service"]["SupplementaryGroups"][0].split())
    used |= set(re.findall(r'GROUP="(\w+)"', (SYSTEMD / "70-courtyard.rules").read_text()))
    assert used <= made


def test_every_serial_port_that_the_rules_open_is_allowed_by_the_unit() -> None:
    allowed = {value.split()[0].removeprefix("char-") for value in unit("courtyard.service")["Service"]["DeviceAllow"]}
    rules = (SYSTEMD / "70-courtyard.rules").read_text()
    opened = {
        name for match in re.findall(r'KERNEL=="([^"]+)"', rules) for name in re.findall(r"([A-Za-z]+)\[0-9\]\*", match)
    }
    assert opened == allowed - {"alsa"}, "sound has rules of the system's own"


TOKEN = re.compile(r'(?P<key>[A-Z_]+)(?:\{(?P<attribute>[^{}]+)\})?(?P<operator>==|!=|\+=|-=|:=|=)"(?P<value>[^"]*)"')
MATCHES = {"ACTION", "KERNEL", "SUBSYSTEM", "SUBSYSTEMS", "DRIVER", "ATTR", "ATTRS", "ENV", "TEST"}
ASSIGNS = {"GROUP", "MODE", "ENV", "ATTR", "GOTO", "LABEL"}


def test_the_device_rules_follow_the_grammar_of_udev() -> None:
    labels, jumps = set(), set()
    for line in (SYSTEMD / "70-courtyard.rules").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        for token in re.split(r",\s*(?=[A-Z])", line):
            match = TOKEN.fullmatch(token)
            assert match, token
            assert match["key"] in (MATCHES if match["operator"] in ("==", "!=") else ASSIGNS), token
            assert (match["attribute"] is not None) == (match["key"] in ("ATTR", "ATTRS", "ENV")), token
            if match["key"] == "LABEL":
                labels.add(match["value"])
            if match["key"] == "GOTO":
                jumps.add(match["value"])
    assert labels == jumps


@needs_systemd
@needs_root
def test_users_and_folders_are_made_with_their_rights(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "courtyard.sysusers").returncode == 0
    secret = tmp_path / "etc/courtyard/secrets/community"
    secret.parent.mkdir(parents=True)
    secret.write_text("x")
    secret.chmod(0o600)
    assert run("systemd-tmpfiles", f"--root={tmp_path}", "--create", SYSTEMD / "courtyard.tmpfiles").returncode == 0
    users = {line.split(":")[0]: line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    uid, gid, shell = int(users["courtyard"][2]), int(users["courtyard"][3]), users["courtyard"][6]
    assert shell == "/usr/sbin/nologin"
    expected = {
        "etc/courtyard": (0o770, 0, gid),
        "etc/courtyard/secrets": (0o770, 0, gid),
        "etc/courtyard/secrets/community": (0o640, 0, gid),
        "var/lib/courtyard": (0o700, uid, gid),
    }
    for path, rights in expected.items():
        status = (tmp_path / path).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == rights, path


def test_first_boot_draws_one_identity_for_each_box_and_keeps_it(tmp_path: Path) -> None:
    sites = []
    for box in ("a", "b"):
        (tmp_path / box / "etc/courtyard").mkdir(parents=True)
        assert run(SYSTEMD / "first-boot.sh", tmp_path / box).returncode == 0
        site = tmp_path / box / "etc/courtyard/site.toml"
        assert stat.S_IMODE(site.stat().st_mode) == 0o640
        sites.append(site.read_text())
        again = run(SYSTEMD / "first-boot.sh", tmp_path / box)
        assert (again.returncode, again.stdout, site.read_text()) == (0, "", sites[-1])
        assert [path.name for path in site.parent.iterdir()] == ["site.toml"]
    drawn = [re.findall(r'^id = "(gw-[0-9a-f]{8})"', site, re.MULTILINE) for site in sites]
    assert [len(ids) for ids in drawn] == [1, 1]
    assert drawn[0] != drawn[1]
    assert "@ID@" not in sites[0]


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_first_site_file_can_run_and_so_can_its_examples(tmp_path: Path, uncommented: bool) -> None:
    (tmp_path / "etc/courtyard/secrets").mkdir(parents=True)
    assert run(SYSTEMD / "first-boot.sh", tmp_path).returncode == 0
    site = tmp_path / "etc/courtyard/site.toml"
    if uncommented:
        site.write_text(re.sub(r"^#(?=\[|[a-z])", "", site.read_text(), flags=re.MULTILINE))
        secret = tmp_path / "etc/courtyard/secrets/community"
        secret.write_text("a password")
        secret.chmod(0o640)
    verdict = check_site(site)
    assert (verdict.mistakes, verdict.warnings) == ((), ())
    assert verdict.snapshot is not None
    assert len(verdict.snapshot.site.devices) == uncommented


@pytest.mark.parametrize("script", [*sorted(path.name for path in SYSTEMD.glob("*.sh")), "../.ci/run"])
def test_shellcheck_finds_nothing(script: str) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed; make setup installs it")
    assert run("shellcheck", SYSTEMD / script).stdout == ""
    assert os.access(SYSTEMD / script, os.X_OK)


def packages() -> list[list[str]]:
    lines = (SYSTEMD / "packages.txt").read_text().splitlines()
    return [[part.strip() for part in line.split("|")] for line in lines if line and not line.startswith("#")]


def test_the_package_list_is_a_table() -> None:
    for row in packages():
        use, package, check, why = row
        assert use in ("box", "checks")
        assert re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", package)
        assert check
        assert why


def test_set_up_does_nothing_when_nothing_is_missing(tmp_path: Path) -> None:
    present = tmp_path / "packages.txt"
    present.write_text("box | nothing | true | a package that is there\n")
    shutil.copy(SYSTEMD / "packages.sh", tmp_path)
    done = run(tmp_path / "packages.sh", "box", PATH="/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("language", "words"), [("C", "are missing"), ("zh_CN.UTF-8", "缺少")])
def test_set_up_names_what_is_missing_where_it_can_not_install(tmp_path: Path, language: str, words: str) -> None:
    (tmp_path / "packages.txt").write_text(
        "# comment\nbox | first | false | x\nbox | there | true | x\nchecks | second | false | x\n"
    )
    shutil.copy(SYSTEMD / "packages.sh", tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "dirname", "tr", "xargs", "id", "echo"):
        (tools / tool).symlink_to(Path("/bin") / tool)
    done = run(tmp_path / "packages.sh", "box", "checks", PATH=str(tools), LC_ALL=language)
    assert done.returncode == 1
    assert words in done.stderr
    assert "first second" in done.stderr
    assert "there" not in done.stderr


def test_the_unit_can_be_read_by_simple_tools() -> None:
    """Every line is a comment, a section or key=value: no continuation lines, which hide from grep."""
    for name in UNITS:
        text = (SYSTEMD / name).read_text()
        assert "\\\n" not in text
        RawConfigParser(strict=False, delimiters=("=",), allow_no_value=False).read_string(text)
