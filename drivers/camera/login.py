"""The login of a camera: its user from the site, its password from a file for the service alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from courtyard.drivers.camera.faults import camera_error
from courtyard.drivers.camera.settings import Camera, Login

CREDENTIAL = "credential:"
MOST_PASSWORD = 256
"""Bytes."""


class InstalledCamera(NamedTuple):
    """A camera of a site; `directory` is where relative file names of the site begin."""

    settings: Camera
    directory: Path

    def login(self) -> Login:
        """Reads the password anew.  Blocks.  Raises DriverError."""
        file = self._file()
        try:
            with file.open("rb") as opened:
                password = opened.read(MOST_PASSWORD + 1).decode().rstrip("\r\n")
        except OSError as error:
            raise self._error(error.strerror or type(error).__name__) from error
        except UnicodeDecodeError as error:
            raise self._error("not UTF-8") from error
        if not 0 < len(password) <= MOST_PASSWORD:
            raise self._error("empty or too long")
        return Login(self.settings.username, password)

    def _file(self) -> Path:
        """A systemd credential of that name takes the place of a file."""
        name, folder = self.settings.password_file, os.environ.get("CREDENTIALS_DIRECTORY")
        if name.startswith(CREDENTIAL):
            return Path(folder or "/nonexistent", name.removeprefix(CREDENTIAL))
        if folder and (given := Path(folder, Path(name).name)).is_file():
            return given
        return self.directory / name

    def _error(self, reason: str) -> Exception:
        return camera_error("camera.password_file", self.settings.id, reason=reason)
