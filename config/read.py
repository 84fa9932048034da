"""From a path to a checked site: the one way in.

    verdict = check_site(Path("/etc/courtyard/site.toml"))   # never raises; every mistake and warning
    snapshot = load(Path("/etc/courtyard/site.toml"))        # raises SiteError with all of them

Beside the site file may stand `profiles/family/name.toml` (device profiles of the site) and `points.toml` (points of
the site, named `site.…`).  Offline: nothing is opened but these files, and the secret files are looked at, not read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from courtyard.config import consistency
from courtyard.config.catalogue import Catalogue, product_catalogue, read_catalogue
from courtyard.config.convert import MISSING, Draft, convert
from courtyard.config.declared import Declared
from courtyard.config.devices import Resolved, Resolver
from courtyard.config.library import PRODUCT_PROFILES, Library
from courtyard.config.mistakes import Findings, Mistake, SiteError
from courtyard.config.modules import leave_out
from courtyard.config.panels import LISTS, resolve_panels
from courtyard.config.quantities import duration_text
from courtyard.config.secret_files import check_files
from courtyard.config.shape import table_of
from courtyard.config.site import Site
from courtyard.config.snapshot import Snapshot, resolve
from courtyard.config.syntax import parse
from courtyard.config.text_file import read_text
from courtyard.config.wearables import secrets_in
from courtyard.config.wire_time import load as load_of
from courtyard.drivers.base import Language
from courtyard.drivers.lines.settings import BleLine, RtuTcpLine, SerialLine
from courtyard.drivers.modbus.settings import ModbusDevice

TOO_BUSY = 1.0
BUSY = 0.8
COMFORTABLE = 0.7


class Verdict(NamedTuple):
    """What came of reading a site file.  `snapshot` is None when there are mistakes; `language` is the site's, as far
    as it could be read, zh-CN otherwise; `files` are those besides the site file that it is made of, also those that
    are not there."""

    snapshot: Snapshot | None
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    language: Language
    files: tuple[Path, ...] = ()


def load(path: Path) -> Snapshot:
    """The site at `path`.  Raises SiteError with all its mistakes."""
    verdict = check_site(path)
    if verdict.snapshot is None:
        raise SiteError(verdict.mistakes)
    return verdict.snapshot


def check_site(
    path: Path,
    *,
    directory: Path | None = None,
    own: Path | None = None,
    credentials: Path | None = None,
) -> Verdict:
    """Reads and checks a site file and all that it names.  Never raises.

    `directory` is where relative file names begin (the folder of `path`), `own` the folder of the site's own profiles
    and points (the same), `credentials` the folder of systemd's credentials ($CREDENTIALS_DIRECTORY).
    """
    directory = directory or path.parent
    own = own or directory
    text, findings = read_text(path)
    if text is None:
        return _verdict(None, findings, None)
    raw, whole = parse(findings)
    draft = convert(table_of(Site), raw, (), findings)
    catalogue = _catalogue(own / "points.toml", findings)
    if not whole:  # what a blanked line may have said is not missed
        findings.mistakes = [each for each in findings.mistakes if each.code not in MISSING]
        return _verdict(None, findings, draft, own)
    credentials = credentials or _credentials()
    library = Library((own / "profiles", PRODUCT_PROFILES), catalogue)
    leave_out(draft)
    resolver = Resolver(library, catalogue, findings, secrets_in(directory, credentials))
    resolved = [device for each in draft.drafts("devices") if (device := resolver.resolve(each)) is not None]
    panels = resolve_panels(draft, own, findings)
    consistency.check(draft, Declared(draft, resolver.profiles, catalogue), findings)
    _check_loads(draft, resolved, findings)
    modem = draft.get("modem")
    named = [table for key in ("uplinks", "devices", "cameras") for table in draft.drafts(key)]
    proxies = [proxy for line in draft.drafts("lines") if line.table.cls is BleLine for proxy in line.drafts("proxies")]
    for table in (*named, *proxies, *([modem] if isinstance(modem, Draft) else [])):
        check_files(table, directory, credentials, findings)
    site = draft.build()
    if not isinstance(site, Site) or findings.count():
        return _verdict(None, findings, draft, own)
    drivers = {device.settings.id: device.driver for device in resolved}
    return _verdict(resolve(site, drivers, directory, catalogue, panels), findings, draft, own)


def _credentials() -> Path | None:
    named = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(named) if named else None


def _verdict(snapshot: Snapshot | None, findings: Findings, draft: object, own: Path | None = None) -> Verdict:
    gateway = draft.get("gateway") if isinstance(draft, Draft) else None
    language: Language = "en" if isinstance(gateway, Draft) and gateway.get("language") == "en" else "zh-CN"
    ordered = sorted(findings.mistakes, key=lambda each: (each.file != findings.source.file, each.file, each.line or 0))
    mistakes = tuple(each for each in ordered if each.severity == "mistake")
    warnings = tuple(each for each in ordered if each.severity == "warning")
    files = _own_files(draft, own) if isinstance(draft, Draft) and own is not None else ()
    return Verdict(snapshot, mistakes, warnings, language, files)


def _own_files(site: Draft, own: Path) -> tuple[Path, ...]:
    """Points, profiles and lists of names; a profile of the product may be replaced by one of the site."""
    profiles = [draft.get("profile") for draft in site.drafts("devices")]
    lists = [draft.get("names") for key in LISTS for draft in site.drafts(key)]
    names = ("points.toml", *(f"profiles/{each}.toml" for each in profiles if each), *filter(None, lists))
    return tuple(own / name for name in dict.fromkeys(names))


def _catalogue(file: Path, findings: Findings) -> Catalogue:
    """The product's points and the site's own."""
    if not os.path.isfile(file):  # False where the folder may not be entered
        return product_catalogue()
    text, own = read_text(file)
    points = {}
    if text is not None:
        raw, _ = parse(own)
        points = read_catalogue(raw, own)
    findings.mistakes.extend(own.mistakes)
    return {**product_catalogue(), **points}


def _check_loads(site: Draft, resolved: list[Resolved], findings: Findings) -> None:
    """Whether each serial line has the time for what is read on it."""
    for draft in site.drafts("lines"):
        line = draft.build()
        here = [each.driver for each in resolved if each.settings.line == draft.get("name")]
        devices = [device for device in here if isinstance(device, ModbusDevice)]
        if not isinstance(line, SerialLine | RtuTcpLine) or not devices:
            continue
        load = load_of(line, devices)
        if load.share > BUSY:
            code = "line.too_slow" if load.share > TOO_BUSY else "line.busy"
            findings.add(
                code,
                (*draft.path, "baud"),
                line=line.name,
                busy=f"{load.busy_s:.3g}",
                period=f"{load.period_s:g}",
                percent=load.share * 100,
                devices=len(devices),
                baud=line.baud,
                every=duration_text(load.period_for(COMFORTABLE)),
            )
