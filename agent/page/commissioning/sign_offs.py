"""Reports that were signed for: what the site was at that moment, kept in the data folder as JSON, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from courtyard.agent.page.commissioning.drilling import DeviceDrills
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.trials import Trials
from courtyard.agent.web.commissioning.model import SignedDevice, SignOff
from courtyard.agent.web.model import Refused, Views, Words
from courtyard.config.site_file import replace_file
from courtyard.config.snapshot import Snapshot

MOST: Final = 100
MOST_DRILLS: Final = 10
FULL: Final = Words(f"There are {MOST} reports on this box already.", f"本网关上已有 {MOST} 份报告。")
UNKEPT: Final = Words("The report could not be kept; check the disk.", "无法保存报告，请检查磁盘。")


class KeptSignOffs:
    """Implements `courtyard.agent.web.commissioning.model.SignOffs`."""

    def __init__(
        self,
        folder: Path,
        views: Views,
        trials: Trials,
        drills: DeviceDrills,
        editor: Editor,
        snapshot: Callable[[], Snapshot],
    ) -> None:
        self._folder, self._views, self._trials, self._drills = folder, views, trials, drills
        self._editor, self._snapshot = editor, snapshot

    async def all(self) -> tuple[SignOff, ...]:
        """The latest first."""
        return await asyncio.to_thread(self._read)

    async def sign(self, by: str, person: str, company: str, remarks: str) -> SignOff:
        """Connects to every platform once more and keeps what is there now.  Raises Refused."""
        earlier = await self.all()
        if len(earlier) >= MOST:
            raise Refused(FULL)
        site = self._snapshot().site
        uplinks = await asyncio.gather(*(self._trials.connect(each) for each in site.uplinks))
        gateway = self._views.gateway()
        signed = SignOff(
            max((each.number for each in earlier), default=0) + 1,
            self._views.now_ms(),
            by,
            person,
            company,
            remarks,
            gateway.id,
            gateway.place,
            gateway.version,
            (await self._editor.read()).mark,
            tuple(self._device(each) for each in self._snapshot().devices),
            tuple(uplinks),
            (await self._drills.evidence())[:MOST_DRILLS],
        )
        try:
            await asyncio.to_thread(self._keep, signed)
        except OSError as error:
            raise Refused(UNKEPT) from error
        return signed

    def _device(self, name: str) -> SignedDevice:
        detail = self._views.device(name)
        assert detail is not None, "a device of the snapshot"
        device = detail.device
        return SignedDevice(
            device.id,
            device.name,
            device.title,
            device.profile,
            device.place,
            device.line,
            device.state,
            device.at_ms,
            detail.points,
            device.fault,
        )

    def _keep(self, signed: SignOff) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._folder / f"{signed.number:04}.json", msgspec.json.encode(signed), 0o600)

    def _read(self) -> tuple[SignOff, ...]:
        files = sorted(self._folder.glob("[0-9]*.json"), reverse=True)
        return tuple(msgspec.json.decode(file.read_bytes(), type=SignOff) for file in files[:MOST])
