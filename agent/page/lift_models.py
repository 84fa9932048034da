"""What lifts are looked at with, changed from the page: heads of their own, the site's own detector.

Invariants
1. Only what the person saw is changed: another head or another detector by now is a refusal.
2. One head is learned at a time, in a process of its own that ends with the gateway's wish for it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent import own_model
from courtyard.agent.lifts import FOLDER
from courtyard.agent.refusal import Refusal
from courtyard.agent.vision import own_head
from courtyard.agent.vision.own_head import Kind, NoHead
from courtyard.agent.vision.shipped import MANIFEST
from courtyard.agent.web.model import Refused, Words
from courtyard.config.lifts import SHIPPED
from courtyard.config.site_file import SiteFile
from courtyard.config.snapshot import Snapshot

LONGEST_S: Final = 120.0
TEACHER: Final = "courtyard.agent.vision.teaching"
NO_LIFT: Final = Words("There is no such lift in the site file.", "站点文件中没有这台电梯。")
OTHER: Final = Words(
    "Somebody has changed it meanwhile, or it is there no more. Look again.", "该判别头已被更换或已不存在，请重新查看。"
)
UNDER_WAY: Final = Words("A head is being learned just now. Wait for it.", "正在重新训练，请稍候。")
TOO_LONG: Final = Words("Learning took too long and was ended.", "重新训练超时，已中止。")
FAILED: Final = Words("Learning failed: see the log of the gateway.", "重新训练失败，请查看网关日志。")


class Taught(msgspec.Struct, frozen=True):
    """As of the teacher."""

    digest: str = ""
    en: str = ""
    zh: str = ""


class GatewayLiftModels:
    """Implements `courtyard.agent.web.watched.LiftModels`."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], data: Path, site_file: SiteFile, wall_ms: Callable[[], int]
    ) -> None:
        """`data` is the data directory."""
        self._snapshot, self._folder, self._file, self._wall_ms = snapshot, data / FOLDER, site_file, wall_ms
        self._teaching = asyncio.Lock()

    async def retrain(self, lift: str) -> Words:
        self._known(lift)
        if self._teaching.locked():
            raise Refused(UNDER_WAY)
        async with self._teaching:
            told = await self._taught(lift)
        if not told.digest:
            raise Refused(Words(told.en, told.zh))
        return Words(
            f"The head {told.digest} is on trial: what it would say is counted, and nothing follows.",
            f"判别头 {told.digest} 已进入影子运行：只统计结果，不产生动作。",
        )

    async def activate(self, lift: str, head: str, by: str) -> None:
        self._known(lift)
        await self._on_disk(self._activate, lift, head, by)

    async def roll_back(self, lift: str, head: str) -> None:
        self._known(lift)
        await self._on_disk(self._roll_back, lift, head)

    async def forget(self, lift: str) -> None:
        self._known(lift)
        await self._on_disk(own_head.forget, self._folder, lift)

    async def activate_model(self, digest: str) -> None:
        await self._in_site(own_model.activate, digest)

    async def roll_back_model(self, digest: str) -> None:
        await self._in_site(own_model.roll_back, digest)

    def _known(self, lift: str) -> None:
        if all(each.id != lift for each in self._snapshot().site.lifts):
            raise Refused(NO_LIFT)

    def _activate(self, lift: str, head: str, by: str) -> None:
        self._is_still(lift, "trial", head)
        own_head.activate(self._folder, lift, by, self._wall_ms())

    def _roll_back(self, lift: str, head: str) -> None:
        self._is_still(lift, "active", head)
        own_head.roll_back(self._folder, lift)

    def _is_still(self, lift: str, kind: Kind, digest: str) -> None:
        found = own_head.read_head(self._folder, lift, kind)
        if found is None or found.digest != digest:
            raise Refused(OTHER)

    async def _on_disk(self, work: Callable[..., object], *given: object) -> None:
        try:
            await asyncio.to_thread(work, *given)
        except NoHead as error:
            raise Refused(OTHER) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Refused(Words(f"The disk does not take it: {reason}.", f"无法写入磁盘：{reason}。")) from error

    async def _in_site(self, work: Callable[..., str], digest: str) -> None:
        try:
            await asyncio.to_thread(work, self._file, self._snapshot().site.vision, digest)
        except Refusal as refusal:
            raise Refused(Words.of(refusal.text)) from refusal

    async def _taught(self, lift: str) -> Taught:
        snapshot = self._snapshot()
        model = snapshot.site.vision.model
        manifest = MANIFEST if model == SHIPPED else snapshot.directory / model
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", TEACHER, str(self._folder), str(manifest), lift),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                told, _ = await process.communicate()
            return msgspec.json.decode(told, type=Taught)
        except TimeoutError as error:
            raise Refused(TOO_LONG) from error
        except msgspec.MsgspecError as error:
            raise Refused(FAILED) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
