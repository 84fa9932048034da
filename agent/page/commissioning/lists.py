"""Tables of devices between their upload and the decision to save them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final, NamedTuple

from courtyard.agent.page.commissioning.editor import BY_HAND, MEND_FIRST, Editor, data_of
from courtyard.agent.web.commissioning.model import CellMistake, Import, Saved
from courtyard.agent.web.model import Refused, Words
from courtyard.config.device_list import DEVICES, Columns, Judged, judge, read_device_list
from courtyard.config.edit import Unchangeable
from courtyard.config.site_file import SiteText

MOST: Final = 3
FORGOTTEN: Final = Words("This table is no longer kept; upload it again.", "此表已不再保留，请重新上传。")
NOTHING: Final = Words("No row can be saved.", "没有可保存的行。")


class _Waiting(NamedTuple):
    judged: Judged
    before: SiteText


class DeviceLists:
    """Implements `courtyard.agent.web.commissioning.model.Lists`."""

    def __init__(self, editor: Editor, columns: Columns = DEVICES) -> None:
        self._editor, self._columns = editor, columns
        self._waiting: dict[str, _Waiting] = {}

    async def judge(self, data: bytes) -> Import:
        """Judges a file against the site; the last few stay for `save`.  Raises Refused."""
        before = await self._editor.read()
        data_of(before.text)
        table = read_device_list(data, self._columns)
        try:
            judged = await asyncio.to_thread(judge, table, before.text, self._editor.file.check)
        except Unchangeable as error:
            raise Refused(BY_HAND) from error
        except OSError as error:
            raise Refused(MEND_FIRST) from error
        token = secrets.token_urlsafe(16)
        self._waiting[token] = _Waiting(judged, before)
        while len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        told = self._editor.told
        total = len({row.line for row in table.rows} | {each.line for each in judged.mistakes})
        return Import(
            token,
            before.mark,
            total,
            tuple(_shown(row.entry) for row in judged.good),
            tuple(table.headings),
            tuple(
                CellMistake(each.line, each.column, each.found, Words.of(each.text), Words.of(each.cure))
                for each in judged.mistakes
            ),
            told(judged.general),
            told(judged.warnings),
        )

    async def save(self, token: str) -> tuple[Saved, int]:
        """Saves the good rows.  Raises Refused."""
        waiting = self._waiting.get(token)
        if waiting is None:
            raise Refused(FORGOTTEN)
        if not waiting.judged.good or waiting.judged.general:
            raise Refused(NOTHING)
        async with self._editor.at(waiting.before.mark) as before:
            mark, restarting = await self._editor.write(waiting.judged.text, before)
        del self._waiting[token]
        count = len(waiting.judged.good)
        return Saved(str(count), mark, restarting), count


def _shown(entry: dict[str, Any]) -> dict[str, str]:
    flat = {key: str(value) for key, value in entry.items() if key != "options"}
    return flat | {f"options.{name}": str(value) for name, value in entry.get("options", {}).items()}
