"""The site file of this box, for the page that mends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from courtyard.agent.page.telling import mistake_view
from courtyard.agent.web.mend import Draft
from courtyard.agent.web.model import Refused, Words
from courtyard.config.last_good import NAME as LAST_GOOD
from courtyard.config.read import Verdict
from courtyard.config.site_file import Changed, SiteFile, SiteText

UNREADABLE = Words("The site file is no text in UTF-8.", "站点文件不是 UTF-8 文本。")
CHANGED = Words(
    "Somebody else has changed the site file meanwhile: open this page again.", "站点文件已被他人修改，请重新打开本页。"
)
NO_GOOD = Words("No good site file has been kept yet.", "尚未保存过正确的站点文件。")


class SiteMending:
    """Implements `courtyard.agent.web.mend.SiteMender`."""

    def __init__(self, site_file: Path, data: Path) -> None:
        self._file, self._data = SiteFile(site_file, data), data

    async def draft(self) -> Draft:
        return await asyncio.to_thread(self._draft)

    async def last_good(self) -> Draft:
        return await asyncio.to_thread(self._last_good)

    async def check(self, text: str, mark: str) -> Draft:
        return await asyncio.to_thread(self._checked, text, mark)

    async def save(self, text: str, mark: str) -> Draft:
        return await asyncio.to_thread(self._save, text, mark)

    def _read(self) -> SiteText:
        try:
            return self._file.read()
        except UnicodeDecodeError as error:
            raise Refused(UNREADABLE) from error
        except OSError as error:
            raise Refused(_failed(error)) from error

    def _draft(self) -> Draft:
        now = self._read()
        return self._checked(now.text, now.mark)

    def _last_good(self) -> Draft:
        try:
            text = (self._data / LAST_GOOD).read_text(encoding="utf-8-sig")
        except FileNotFoundError as error:
            raise Refused(NO_GOOD) from error
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(_failed(error)) from error
        return self._checked(text.replace("\r\n", "\n"), self._read().mark)

    def _checked(self, text: str, mark: str) -> Draft:
        return self._told(text, mark, self._verdict(text))

    def _save(self, text: str, mark: str) -> Draft:
        verdict, now = self._verdict(text), self._read()
        if verdict.snapshot is None:
            return self._told(text, mark, verdict)
        if now.mark != mark:
            raise Refused(CHANGED)
        try:
            self._file.write(text, now)
        except Changed as error:
            raise Refused(CHANGED) from error
        except OSError as error:
            raise Refused(_failed(error)) from error
        return self._told(text, self._read().mark, verdict)

    def _verdict(self, text: str) -> Verdict:
        try:
            return self._file.check(text)
        except OSError as error:
            raise Refused(_failed(error)) from error

    def _told(self, text: str, mark: str, verdict: Verdict) -> Draft:
        found = (*verdict.mistakes, *verdict.warnings)
        good = (self._data / LAST_GOOD).is_file()
        return Draft(str(self._file.path), text, mark, tuple(map(mistake_view, found)), good)


def _failed(error: Exception) -> Words:
    return Words(f"The site file cannot be used: {error}.", f"无法读写站点文件：{error}。")
