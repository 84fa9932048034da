"""What a box runs on that has no site file yet: an identity drawn once, its journal, and the page to commission it."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Final

from courtyard.config.catalogue import product_catalogue
from courtyard.config.page import Web
from courtyard.config.site import Gateway, Site
from courtyard.config.snapshot import Snapshot, resolve
from courtyard.drivers.base import Fault, Text

PLACE: Final = "000000/000/000/0000"
"""Stands for a place that nobody has given yet, also in the site file that a new box begins with."""
ID_FILE: Final = "provisional-id"
NO_SITE: Final = Fault(
    "site.none",
    Text("This gateway has not been commissioned yet: it has no site file.", "本网关尚未开通：还没有站点文件。"),
    Text("Log in as installer and open Commissioning.", "请以安装员身份登录，打开“开通调试”。"),
)


def provisional_site(path: Path, data: Path, web: Web) -> Snapshot:
    """A site with nothing but an identity and a page, for a site file that would stand at `path`.  Raises OSError."""
    return resolve(Site(Gateway(_identity(data), PLACE), web=web), {}, path.parent, product_catalogue())


def _identity(data: Path) -> str:
    """The same at every start, so that the journal and the certificate stay those of one box."""
    file = data / ID_FILE
    try:
        known = file.read_text("ascii").strip()
    except FileNotFoundError:
        known = ""
    if re.fullmatch(r"gw-[0-9a-f]{8}", known):
        return known
    data.mkdir(parents=True, exist_ok=True)
    drawn = f"gw-{secrets.token_hex(4)}"
    file.write_text(f"{drawn}\n", "ascii")
    return drawn
