"""Files that hold secrets: whether they are there, and whether only the service can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from courtyard.config.convert import Draft
from courtyard.config.mistakes import Findings
from courtyard.config.positions import Path as SettingPath
from courtyard.config.shape import Scalar

CREDENTIAL = "credential:"
OTHERS = stat.S_IRWXO


def check_files(table: Draft, directory: Path, credentials: Path | None, findings: Findings) -> None:
    """Warns about the files that a table names; a systemd credential of the same name takes the place of a file.

    They are looked at, not read: secrets stay where they are.
    """
    for setting in table.table.settings.values():
        name, shape = table.get(setting.attribute), setting.shape
        if not isinstance(shape, Scalar) or shape.form not in ("file", "secret-file") or not name:
            continue
        path = (*table.path, setting.key)
        if name.startswith(CREDENTIAL):
            _check_credential(name.removeprefix(CREDENTIAL), credentials, path, findings)
        elif credentials is None or not os.path.isfile(credentials / Path(name).name):
            user = str(table.get("name") or table.path[0])
            _check_file(directory / name, shape.form == "secret-file", user, path, findings)


def _check_credential(name: str, credentials: Path | None, path: SettingPath, findings: Findings) -> None:
    if credentials is None:
        findings.add("credential.unseen", path, found=name)
    elif not os.path.isfile(credentials / name):
        findings.add("credential.missing", path, found=name)


def _check_file(file: Path, secret: bool, user: str, path: SettingPath, findings: Findings) -> None:
    try:
        status = file.stat()
    except PermissionError:
        findings.add("secret_file.hidden", path, found=str(file))
        return
    except (OSError, ValueError):
        findings.add("secret_file.missing", path, found=str(file), user=user)
        return
    if status.st_size == 0:
        findings.add("secret_file.empty", path, found=str(file))
    if secret and status.st_mode & OTHERS:
        findings.add("secret_file.open", path, found=str(file), mode=f"{stat.S_IMODE(status.st_mode):o}")
