"""The last site that was good, kept in the data folder: what the agent starts from when the site file is broken.

`site.last-good.toml` is a copy of the site file; the site's own profiles, points and names, without which it would not
be complete, are copied beside it in `site.last-good/`.  Relative file names in it still begin at the site's folder.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from courtyard.config.read import Verdict, check_site
from courtyard.config.snapshot import Snapshot

NAME = "site.last-good.toml"
FOLDER = "site.last-good"


def keep_last_good(path: Path, data: Path, snapshot: Snapshot) -> None:
    """Copies the site file from which `snapshot` was loaded, if it differs from the copy.  Raises OSError.

    The copy of the site file is replaced last and in one step, so that a crash leaves the old one or the new one.
    """
    folder = path.parent
    own = [f"profiles/{device.profile}.toml" for device in snapshot.site.devices]
    site = snapshot.site
    names = [each.names for panels in (site.fire_panels, site.fire_modbus_panels) for each in panels if each.names]
    wanted = {name for name in (*own, *names, "points.toml") if (folder / name).is_file()}
    for name in sorted(wanted):
        _copy(folder / name, data / FOLDER / name)
    _copy(path, data / NAME)
    for file in sorted((data / FOLDER).glob("**/*")):
        if file.is_file() and file.relative_to(data / FOLDER).as_posix() not in wanted:
            file.unlink()


def check_last_good(path: Path, data: Path) -> Verdict:
    """The copy, read as if it stood at `path`.  Never raises."""
    return check_site(data / NAME, directory=path.parent, own=data / FOLDER)


def _copy(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    shutil.copymode(source, new)
    new.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
