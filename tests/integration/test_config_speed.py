"""`check` is fast and light: it runs at every save, on small boxes, beside the daemon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEVICES = 1000
PROGRAM = """
import sys, time
before = time.process_time()
from pathlib import Path
from courtyard.config.read import check_site
verdict = check_site(Path(sys.argv[1]))
used = time.process_time() - before
heavy = {"pymodbus", "paho", "serial", "sqlite3", "asyncio", "ssl", "rich", "jsonschema"} & set(sys.modules)
print(used, len(verdict.mistakes), len(verdict.snapshot.devices) if verdict.snapshot else 0, sorted(heavy))
"""


def site(every: str) -> str:
    """1,000 meters of four types on eight lines."""
    parts = ['[gateway]\nid = "gw"\nplace = "370213/005/012/0007"\n']
    parts += [f'[[lines]]\nname = "l{n}"\nkind = "serial"\nport = "/dev/ttyUSB{n}"\n' for n in range(8)]
    for n in range(DEVICES):
        profile = ("tuf-2000", "bove", "ultrad", "kaifeng-xintai")[n % 4]
        parts.append(
            f'[[devices]]\nid = "wm-{n}"\nprofile = "water/{profile}"\nline = "l{n % 8}"\naddress = {n // 8 + 1}\n'
            f'place = "b{n % 20:02d}/u01/f{n % 30:02d}/r{n}"\n{every}\n'
            + ("options = { multiplier = 1 }\n" if profile == "tuf-2000" else "")
        )
    return "".join(parts)


def measured(path: Path) -> tuple[float, int, int, str]:
    """Seconds of processor time (imports included), mistakes, devices, heavy modules that were loaded."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    used, mistakes, devices, heavy = result.stdout.split(maxsplit=3)
    return float(used), int(mistakes), int(devices), heavy.strip()


def test_a_thousand_devices_in_less_than_a_second(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(site('every = "15m"'))
    used, mistakes, devices, heavy = measured(path)
    assert (mistakes, devices, heavy) == (0, DEVICES, "[]")
    assert used < 1.0


def test_a_thousand_wrong_names_in_less_than_four_seconds(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    rules = [f'[[rules]]\nname = "r{n}"\nkind = "unreachable"\ndevices = ["vm-{n}"]\n' for n in range(DEVICES)]
    path.write_text(site('every = "15m"') + "".join(rules))
    used, mistakes, _, _ = measured(path)
    assert mistakes == DEVICES
    assert used < 4.0


def test_a_thousand_mistakes_in_less_than_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(site("evry = 60"))
    used, mistakes, _, _ = measured(path)
    assert mistakes >= DEVICES
    assert used < 2.0
