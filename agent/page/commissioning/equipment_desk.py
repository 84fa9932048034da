"""Puts the steps of fire panels, outputs and lifts together over one gateway."""

from __future__ import annotations

import datetime
import os
from zoneinfo import ZoneInfo

from courtyard.agent.page.commissioning.board_step import BoardStep
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.lift_step import LiftStep
from courtyard.agent.page.commissioning.output_step import OutputStep
from courtyard.agent.page.commissioning.panel_ear import PanelEar
from courtyard.agent.page.commissioning.panel_step import PanelStep
from courtyard.agent.page.commissioning.part_lists import PanelPartLists
from courtyard.agent.page.commissioning.pulses import PulseTests
from courtyard.agent.page.commissioning.register_panel_step import RegisterPanelStep
from courtyard.agent.serial_ports import SerialPort, serial_ports
from courtyard.agent.web.commissioning.equipment_model import Equipment
from courtyard.agent.wiring import Gateway
from courtyard.config.fire import FireModbusPanel, FirePanel


def _id(panel: FirePanel | FireModbusPanel) -> str:
    return panel.id


class EquipmentDesk:
    """`equipment` is what the pages reach; `close` ends what runs for them."""

    def __init__(self, gateway: Gateway, editor: Editor) -> None:
        def free_ports() -> list[SerialPort]:
            lines = gateway.snapshot.lines.values()
            used = {os.path.realpath(str(getattr(line.settings, "port", ""))) for line in lines}
            return [each for each in serial_ports() if each.device not in used]

        def today() -> datetime.date:
            zone = ZoneInfo(gateway.snapshot.site.gateway.timezone)
            return datetime.datetime.fromtimestamp(gateway.clock.wall_ms() / 1000, zone).date()

        panels = PanelStep(editor, free_ports)
        self._ear = PanelEar(panels, gateway.lines, lambda: gateway.snapshot, gateway.clock)
        self._pulses = PulseTests(gateway.outputs, lambda: gateway.snapshot, gateway.lifts.states)
        self.equipment = Equipment(
            panels,
            RegisterPanelStep(editor),
            self._ear,
            PanelPartLists(
                editor,
                lambda: [
                    *map(_id, gateway.snapshot.site.fire_panels),
                    *map(_id, gateway.snapshot.site.fire_modbus_panels),
                ],
            ),
            BoardStep(editor),
            OutputStep(editor),
            self._pulses,
            LiftStep(editor, lambda: gateway.snapshot, gateway.lifts.states, today),
        )

    async def close(self) -> None:
        """When the page ends."""
        await self._ear.stop()
        await self._pulses.stop()
