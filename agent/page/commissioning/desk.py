"""Puts the parts of commissioning together over one gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from courtyard.agent.control import Handler
from courtyard.agent.drills.evidence import Evidence
from courtyard.agent.page.commissioning.ability_desk import AbilitySwitch
from courtyard.agent.page.commissioning.drilling import DeviceDrills
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.equipment_desk import EquipmentDesk
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.lists import DeviceLists
from courtyard.agent.page.commissioning.scans import LineScans
from courtyard.agent.page.commissioning.sign_offs import KeptSignOffs
from courtyard.agent.page.commissioning.site_desk import GatewaySite
from courtyard.agent.page.commissioning.steps_desk import GatewaySteps
from courtyard.agent.page.commissioning.trials import Trials
from courtyard.agent.page.views import GatewayViews
from courtyard.agent.web.commissioning.model import Desk
from courtyard.agent.wiring import Gateway
from courtyard.config.redact import Redactor
from courtyard.config.site_file import SiteFile

SIGN_OFFS = "sign-offs"


class GatewayDesk:
    """`desk` is what the pages reach; `close` ends what runs for them."""

    def __init__(
        self,
        gateway: Gateway,
        views: GatewayViews,
        file: SiteFile,
        data: Path,
        redactor: Redactor,
        handlers: Mapping[str, Handler],
        take: Callable[[], Awaitable[bool]],
        commissioned: Callable[[], bool],
    ) -> None:
        editor, kept = Editor(file, take), KeptSecrets(redactor.learn)
        site = GatewaySite(editor, kept, lambda: gateway.snapshot, commissioned)
        self._scans = LineScans(handlers, lambda: gateway.snapshot, gateway.clock.wall_ms)
        self._drills = DeviceDrills(handlers, Evidence(data))
        trials = Trials(
            site, kept, self._scans, gateway.lines, lambda: gateway.snapshot, gateway.clock, data, views.values
        )
        sign_offs = KeptSignOffs(data / SIGN_OFFS, views, trials, self._drills, editor, lambda: gateway.snapshot)
        self._equipment = EquipmentDesk(gateway, editor)
        self._steps = GatewaySteps(gateway, editor, kept, handlers, data)
        lists, steps = DeviceLists(editor), self._steps.steps
        equipment, abilities = self._equipment.equipment, AbilitySwitch(editor)
        self.desk = Desk(site, trials, self._scans, lists, self._drills, sign_offs, steps, equipment, abilities)

    async def close(self) -> None:
        """When the page ends."""
        await self._scans.stop()
        await self._steps.close()
        await self._equipment.close()
        await self._drills.stop()
