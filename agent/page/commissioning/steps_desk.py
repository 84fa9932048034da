"""Puts the steps for residents, rules, escalations, modem and wearables together over one gateway."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from courtyard.agent.ble_scan import wearables
from courtyard.agent.care.consents import FILE as CONSENTS
from courtyard.agent.control import Handler
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.hearing import BleHearing
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.ladder_step import LadderStep
from courtyard.agent.page.commissioning.modem_step import ModemStep
from courtyard.agent.page.commissioning.resident_step import ResidentStep
from courtyard.agent.page.commissioning.rule_step import RuleStep
from courtyard.agent.page.commissioning.texting import ModemTexting
from courtyard.agent.web.commissioning.step_model import Heard, Steps
from courtyard.agent.wiring import Gateway
from courtyard.drivers.ble.settings import WearableProfile


class GatewaySteps:
    """`steps` is what the pages reach; `close` ends what runs for them."""

    def __init__(
        self, gateway: Gateway, editor: Editor, kept: KeptSecrets, handlers: Mapping[str, Handler], data: Path
    ) -> None:
        @cache
        def profiles() -> Mapping[str, WearableProfile]:
            return wearables((editor.file.path.parent / "profiles",))

        def heard() -> tuple[str, tuple[Heard, ...]]:
            listening = self._hearing.now()
            return (listening.line, listening.heard) if listening is not None else ("", ())

        self._hearing = BleHearing(handlers, lambda: gateway.snapshot)
        self._texting = ModemTexting(gateway.second_path, lambda: gateway.snapshot, gateway.clock.wall_ms)
        self.steps = Steps(
            RuleStep(editor, lambda: gateway.snapshot, lambda: gateway.history, gateway.clock.wall_ms),
            LadderStep(editor, lambda: gateway.snapshot),
            ModemStep(editor, kept, lambda: gateway.snapshot),
            ResidentStep(
                editor,
                lambda: gateway.snapshot,
                gateway.care,
                data / CONSENTS,
                heard,
                lambda name: profiles().get(name),
                gateway.clock.wall_ms,
            ),
            self._hearing,
            self._texting,
        )

    async def close(self) -> None:
        """When the page ends."""
        await self._hearing.stop()
        await self._texting.stop()
