"""The site that a daemon runs: its file, the last good one in its place, or a provisional one, and what is wrong.

Reading is slow and is for a thread.
"""

from __future__ import annotations

import logging
from pathlib import Path

from courtyard.agent.control import Refused
from courtyard.agent.provisional import NO_SITE, provisional_site
from courtyard.agent.records import Details
from courtyard.agent.site_files import SiteFiles
from courtyard.config.last_good import check_last_good, keep_last_good
from courtyard.config.mistakes import Mistake
from courtyard.config.page import Web
from courtyard.config.present import present
from courtyard.config.read import Verdict, check_site
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Fault, Text

log = logging.getLogger(__name__)


class SiteInForce:
    """`path` is the site file, `data` keeps the last good one; `provisional` while there has never been any."""

    def __init__(self, path: Path, data: Path, first_page: Web) -> None:
        self.path, self._data, self._first_page = path, data, first_page
        self._files = SiteFiles(path)
        self.mistakes: tuple[Mistake, ...] = ()
        self.warnings: tuple[Mistake, ...] = ()
        self.provisional = False

    def first(self) -> Snapshot:
        """What to start with.  Raises Refused when nothing can run."""
        verdict = self.read()
        self.warnings = verdict.warnings
        if verdict.snapshot is not None:
            self.keep(verdict.snapshot)
            return verdict.snapshot
        words = present(verdict.mistakes, verdict.language)
        last_good = check_last_good(self.path, self._data)
        if last_good.snapshot is None and [each.code for each in verdict.mistakes] == ["file.missing"]:
            self.provisional = True
            log.warning("there is no site file %s; serving the page that commissions this box", self.path)
            return provisional_site(self.path, self._data, self._first_page)
        self.mistakes = verdict.mistakes
        if last_good.snapshot is None:
            raise Refused(words, exit_status=2)
        log.error("the site file cannot run; running the last good one\n%s", words)
        return last_good.snapshot

    def read(self) -> Verdict:
        """The site file as it is now; `judge` takes what it says of it."""
        self._files.begin()
        verdict = check_site(self.path)
        self._files.take(verdict.files)
        return verdict

    def judge(self, verdict: Verdict) -> None:
        """From now on these are the mistakes and warnings of the site file."""
        self.mistakes, self.warnings = verdict.mistakes, verdict.warnings

    def changed(self) -> bool:
        """Whether a person has changed it since it was read."""
        return self._files.changed()

    def keep(self, snapshot: Snapshot) -> None:
        """Keeps what it was read from as the last good site, if the disk lets it."""
        try:
            keep_last_good(self.path, self._data, snapshot)
        except OSError as error:
            log.error("cannot keep a copy of the site file in %s: %s", self._data, error)

    @property
    def fault(self) -> Fault | None:
        """What is wrong with it."""
        if not self.mistakes:
            return NO_SITE if self.provisional else None
        first, count = self.mistakes[0], len(self.mistakes)
        several = "s" * (count != 1)
        where = f"{Path(first.file).name}:{first.line or 1}"
        return Fault(
            "site.broken",
            Text(
                f"The site has {count} mistake{several}; the gateway runs the last good one. First: {where}, "
                f"{first.text.en}",
                f"站点文件有 {count} 处错误，网关仍按上一份正确的文件运行。第一处：{where}，{first.text.zh}",
            ),
            Text(f"Run: courtyard check {self.path}", f"请运行：courtyard check {self.path}"),
        )

    def refusal(self) -> Details:
        """The first mistake, in the words that people get, and how many there are."""
        first = self.mistakes[0]
        return {
            "code": first.code,
            "file": first.file,
            "line": first.line,
            "what_en": first.text.en,
            "what_zh": first.text.zh,
            "mistakes": len(self.mistakes),
        }
