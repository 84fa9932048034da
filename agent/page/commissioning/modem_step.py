"""The modem for text messages in the page: its port among those of this box, its speed, its PIN."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.entry_step import EntryStep, Given, Wrong, setting_value
from courtyard.agent.page.commissioning.fields import PASSWORD_HELP, PASSWORD_KEPT, default_text, value_shown
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.proposal import Place, Proposal
from courtyard.agent.serial_ports import serial_ports
from courtyard.agent.web.commissioning.model import Choice, Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed
from courtyard.agent.web.model import Words
from courtyard.config.second_path import Modem
from courtyard.config.shape import table_of
from courtyard.config.snapshot import Snapshot

PIN_NAME: Final = "sim-pin"
FOLDER: Final = "secrets"
PORT: Final = Words("Port of the modem", "短信模块的串口")
OTHER: Final = Words("or another path", "或其他路径")
BAUD: Final = Words("Speed", "波特率")
PIN: Final = Words("PIN of the SIM card", "SIM 卡 PIN 码")
EVERY: Final = Words("Looked at every", "检查间隔")
WRONG_PIN: Final = Wrong(
    Words("A PIN has four to eight digits.", "PIN 码为 4～8 位数字。"),
    Words(
        "It stands on the card's letter; leave it empty for a card without one.", "见 SIM 卡资料；未设 PIN 码则留空。"
    ),
)


class ModemStep(EntryStep):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk` for the one table [modem]."""

    kind: Kind = "modem"

    def __init__(self, editor: Editor, kept: KeptSecrets, snapshot: Callable[[], Snapshot]) -> None:
        super().__init__(editor)
        self._kept, self._snapshot = kept, snapshot

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Ports that no line has are offered."""
        settings, raw = table_of(Modem).settings, place.raw
        port = given.get("port", str(raw.get("port", "")))
        used = {getattr(line.settings, "port", None) for line in self._snapshot().lines.values()}
        free = dict.fromkeys(each.port for each in serial_ports() if each.port not in used and each.device not in used)
        choices = tuple(Choice(each, Words(each, each)) for each in {**free, **({port: None} if port else {})})
        pin = given.get("pin_file", "").strip()
        token = self._kept.take(pin if _is_pin(pin) else "", given.get("password_kept", ""))[1]
        known = token or "pin_file" in raw
        baud, every = (
            given.get(key, value_shown(raw[key]) if key in raw else default_text(settings[key]))
            for key in ("baud", "check_every")
        )
        help_of = {key: Words.of(each.help) if each.help else None for key, each in settings.items()}
        return [
            Field("port", PORT, "select", port, required=not choices, help=help_of["port"], choices=choices),
            Field("other", OTHER, "text", given.get("other", ""), help=None),
            Field("baud", BAUD, "number", baud, help=help_of["baud"]),
            Field("pin_file", PIN, "password", help=PASSWORD_KEPT if known else PASSWORD_HELP),
            Field("password_kept", Words("", ""), "hidden", token),
            Field("check_every", EVERY, "text", every, help=help_of["check_every"]),
        ]

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """The port chosen, or the path typed."""
        settings, raw = table_of(Modem).settings, place.raw
        values: dict[str, Any] = {
            "port": given.get("other", "").strip() or given.get("port", "").strip() or None,
            **{
                key: setting_value(settings[key], given.get(key, ""), written=key in raw)
                for key in ("baud", "check_every")
            },
        }
        pin = given.get("pin_file", "").strip()
        if pin and not _is_pin(pin):
            return Given(values, errors={"pin_file": WRONG_PIN})
        secret = pin or self._kept.take("", given.get("password_kept", ""))[0]
        if secret:
            values["pin_file"] = f"{FOLDER}/{PIN_NAME}"
        return Given(values)

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """The port; the rest shows in its look."""
        words = Words("Modem for text messages", "短信模块")
        return Listed(str(raw.get("port", "")), words)

    def kept(self, given: Mapping[str, str]) -> Collection[str]:
        """The file of a PIN that was typed."""
        return ("pin_file",) if given.get("pin_file") or given.get("password_kept") else ()

    async def keep(self, given: Mapping[str, str], proposal: Proposal) -> None:
        """The PIN goes to a file of its own."""
        pin = self._kept.take(given.get("pin_file", "").strip(), given.get("password_kept", ""))[0]
        if pin:
            await self._editor.keep(FOLDER, PIN_NAME, f"{pin}\n", 0o600)


def _is_pin(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 4 <= len(text) <= 8
