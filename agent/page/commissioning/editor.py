"""Changes the site file for the page: one change at a time, checked first, taken by the gateway at once."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from courtyard.agent.control import Refused as NotTaken
from courtyard.agent.web.model import Mistake, Refused, Words
from courtyard.config.edit import Unchangeable
from courtyard.config.mistakes import Mistake as SiteMistake
from courtyard.config.read import Verdict
from courtyard.config.site_file import Changed, SiteFile, SiteText

CHANGED: Final = Words(
    "The site file has changed since you opened this form; nothing was saved. Look at it again and repeat your change.",
    "打开此表单后，站点文件已被修改，本次未保存。请重新查看后再修改。",
)
BY_HAND: Final = Words(
    "This part of the site file is written in a way that only a person can change safely. Edit the file.",
    "站点文件这一部分的写法无法由程序安全修改，请直接编辑该文件。",
)
MEND_FIRST: Final = Words(
    "The site file cannot be read as it stands; mend it first. The Site page says what is wrong.",
    "站点文件目前无法读取，请先修复。“站点”页面列出了错误。",
)


class Editor:
    """`take` makes the gateway take the file and says whether it restarts for that."""

    def __init__(self, file: SiteFile, take: Callable[[], Awaitable[bool]]) -> None:
        self.file, self._take = file, take
        self._busy = asyncio.Lock()

    async def read(self) -> SiteText:
        """The site file as it is now.  Raises Refused."""
        try:
            return await asyncio.to_thread(self.file.read)
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(MEND_FIRST) from error

    @asynccontextmanager
    async def at(self, mark: str) -> AsyncIterator[SiteText]:
        """The site file, alone with it, when it is still the one of this mark.  Raises Refused."""
        async with self._busy:
            text = await self.read()
            if text.mark != mark:
                raise Refused(CHANGED)
            yield text

    async def check(self, text: str) -> Verdict:
        """What the check says of a text in the place of the site file.  Raises Refused."""
        try:
            return await asyncio.to_thread(self.file.check, text)
        except OSError as error:
            raise Refused(_unwritable(str(self.file.path), error)) from error

    async def write(self, text: str, before: SiteText) -> tuple[str, bool]:
        """Puts a checked text in place; gives its mark, and whether the gateway restarts for it.  Raises Refused."""
        try:
            await asyncio.to_thread(self.file.write, text, before)
        except Changed as error:
            raise Refused(CHANGED) from error
        except OSError as error:
            raise Refused(_unwritable(str(self.file.path), error)) from error
        try:
            restarting = await self._take()
        except NotTaken as error:
            raise Refused(Words(f"Saved, but not taken: {error}", f"已保存，但未生效：{error}")) from error
        return (await self.read()).mark, restarting

    async def keep(self, folder: str, name: str, content: str, mode: int) -> str:
        """Writes a file that the site names, and gives back how it names it.  Raises Refused."""
        try:
            return await asyncio.to_thread(self.file.keep, folder, name, content, mode)
        except OSError as error:
            raise Refused(_unwritable(f"{self.file.path.parent / folder}", error)) from error

    def told(self, mistakes: Iterable[SiteMistake]) -> tuple[Mistake, ...]:
        """Mistakes of a proposed text as the page shows them."""
        return tuple(
            Mistake(
                each.severity,
                str(self.file.path) if each.file.endswith(".toml") and "/.site." in each.file else each.file,
                each.line,
                each.path,
                each.excerpt.strip(),
                Words.of(each.text),
                Words.of(each.cure),
            )
            for each in mistakes
        )


def data_of(text: str) -> dict[str, Any]:
    """The data of a site file.  Raises Refused."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Refused(MEND_FIRST) from error


def changed(change: Callable[[], str]) -> str:
    """The text that a change gives.  Raises Refused."""
    try:
        return change()
    except tomllib.TOMLDecodeError as error:
        raise Refused(MEND_FIRST) from error
    except Unchangeable as error:
        raise Refused(BY_HAND) from error


def _unwritable(path: str, error: OSError) -> Words:
    reason = error.strerror or type(error).__name__
    return Words(
        f"{path} cannot be written ({reason}). On the box: sudo chgrp courtyard /etc/courtyard && "
        "sudo chmod g+rwx /etc/courtyard, and check the free space.",
        f"无法写入 {path}（{reason}）。请在网关上执行：sudo chgrp courtyard /etc/courtyard && "
        "sudo chmod g+rwx /etc/courtyard，并检查剩余空间。",
    )
