"""Forms over the site file, and what saving them writes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from courtyard.agent.candidates import library
from courtyard.agent.page.commissioning.editor import Editor, changed, data_of
from courtyard.agent.page.commissioning.fields import NAMED_BY, beacon_of
from courtyard.agent.page.commissioning.forms import READ_EVERY, Around, build
from courtyard.agent.page.commissioning.kept import KeptSecrets
from courtyard.agent.page.commissioning.keys import WANTED, WrongKey, key_of
from courtyard.agent.page.commissioning.proposal import (
    Place,
    Proposal,
    place_of,
    propose,
    station_of,
    values_of,
    with_mistakes,
)
from courtyard.agent.provisional import PLACE
from courtyard.agent.web.commissioning.model import Entry, Form, Kind, Saved
from courtyard.agent.web.model import Words
from courtyard.config.edit import without_entry
from courtyard.config.library import Library
from courtyard.config.page import Web
from courtyard.config.site_file import SiteText
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.ble.settings import WearableProfile
from courtyard.drivers.modbus.settings import ModbusProfile

SECRETS, AUTHORITIES = "secrets", "tls"
SECRET_SETTING: Final[Mapping[Kind, str]] = {
    "uplinks": "password_file",
    "cameras": "password_file",
    "devices": "key_file",
}
"""Which setting of an entry names the file of its secret."""
LONGEST_AUTHORITY: Final = 20_000
_DETAILS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "gateway": (),
    "uplinks": ("url",),
    "lines": ("kind", "port", "host", "baud", "adapter"),
    "devices": ("profile", "line", "address", "place"),
    "cameras": ("address", "place"),
}
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.DOTALL)


class GatewaySite:
    """Implements `courtyard.agent.web.commissioning.model.SiteDesk`."""

    def __init__(
        self, editor: Editor, kept: KeptSecrets, snapshot: Callable[[], Snapshot], commissioned: Callable[[], bool]
    ) -> None:
        self._editor, self._kept, self._snapshot, self._commissioned = editor, kept, snapshot, commissioned
        self._profiles: tuple[Library, dict[str, Words]] | None = None

    @property
    def path(self) -> Path:
        """The site file."""
        return self._editor.file.path

    async def read(self) -> SiteText:
        """The site file as it is now.  Raises Refused."""
        return await self._editor.read()

    def commissioned(self) -> bool:
        """Whether there is a site with a place of its own."""
        return self._commissioned() and self._snapshot().site.gateway.place != PLACE

    async def entries(self, kind: Kind) -> Sequence[Entry]:
        """The entries of the file, also those that forms do not show in full."""
        data = data_of((await self._editor.read()).text)
        if kind == "gateway":
            return ()
        return tuple(_entry(kind, raw) for raw in data.get(kind, ()) if isinstance(raw, dict))

    async def form(self, kind: Kind, entry: str | None, given: Mapping[str, str]) -> Form:
        """The form of an entry as it stands, or of a new one."""
        text = await self._editor.read()
        place = place_of(data_of(text.text), kind, entry)
        return build(kind, entry, text.mark, place, given, await self._around(text.text, place, given))

    async def save(self, kind: Kind, entry: str | None, given: Mapping[str, str]) -> Form | Saved:
        """Writes the entry and whatever files it names."""
        async with self._editor.at(given.get("mark", "")) as before:
            form, proposal = await self.proposed(kind, entry, given, before)
            if proposal is None:
                return form
            setting = SECRET_SETTING.get(kind)
            token = next((field.value for field in form.fields if field.name == "password_kept"), "")
            secret = self._kept.take("", token)[0]
            if secret and setting in proposal.values:
                await self._editor.keep(SECRETS, secret_name(kind, proposal.name), f"{secret}\n", 0o600)
            if "ca_file" in proposal.values:
                await self._editor.keep(AUTHORITIES, f"{proposal.name}.pem", authority(given), 0o640)
            mark, restarting = await self._editor.write(proposal.text, before)
            warnings = self._editor.told(proposal.verdict.warnings)
            return Saved(
                proposal.name, mark, restarting, tuple(each for each in warnings if proposal.name in each.excerpt)
            )

    async def remove(self, kind: Kind, entry: str, mark: str) -> Form | Saved:
        """Takes an entry away; a Form says what still needs it."""
        async with self._editor.at(mark) as before:
            place = place_of(data_of(before.text), kind, entry)
            index = place.number
            assert index is not None
            text = changed(lambda: without_entry(before.text, kind, index))
            verdict = await self._editor.check(text)
            if verdict.snapshot is None:
                form = build(kind, entry, mark, place, {}, await self._around(before.text, place, {}))
                return with_mistakes(form, self._editor, Place(None, {}, True), verdict.mistakes)
            return Saved(entry, *await self._editor.write(text, before))

    async def proposed(
        self, kind: Kind, entry: str | None, given: Mapping[str, str], before: SiteText
    ) -> tuple[Form, Proposal | None]:
        """The form, and the site file with it when nothing is wrong.  Raises Refused."""
        place = place_of(data_of(before.text), kind, entry)
        around, wrong, typed = await self._around(before.text, place, given), None, given.get("password", "")
        if kind == "devices":
            try:
                typed = key_of(given["key"]) if around.key is not None and given.get("key", "").strip() else ""
            except WrongKey as error:
                wrong, typed = error, ""
        secret, token = self._kept.take(typed, given.get("password_kept", ""))
        given = {**given, "password_kept": token}
        if around.key and wrong is None and not secret and "key_file" not in place.raw:
            wrong = WrongKey(WANTED)
        form = build(kind, entry, before.mark, place, given, around)
        if not form.complete:
            return form, None
        if wrong is not None:
            return _with_wrong_key(form, wrong), None
        fixed = {field.name: field.value for field in form.fields if field.kind == "fixed"}
        boxes = {field.name: given.get(field.name, "") for field in form.fields if field.kind == "checkbox"}
        values: dict[str, Any] = {**(fixed if place.is_new else {})}
        values |= values_of(kind, fixed.get("kind") or fixed.get("format", ""), place.raw, {**given, **boxes})
        if around.wearable:
            values.pop(READ_EVERY, None)
        if "format" in fixed:
            station = station_of(place.raw.get("station", {}), given)
            values |= {"station": station} if station != place.raw.get("station") else {}
        name = str(values.get(NAMED_BY.get(kind, "id")) or "")
        if kind == "devices":
            options = {
                field.name.removeprefix("options."): _number(given.get(field.name, ""))
                for field in form.fields
                if field.name.startswith("options.") and given.get(field.name, "").strip()
            }
            if options and options != place.raw.get("options"):
                values["options"] = {**place.raw.get("options", {}), **options}
            if around.beacon and (beacon := beacon_of(place.raw.get("beacon", {}), given)) != place.raw.get("beacon"):
                values["beacon"] = beacon or None
        setting = SECRET_SETTING.get(kind, "")
        if secret and not str(place.raw.get(setting, "")).startswith("credential:"):
            values[setting] = f"{SECRETS}/{secret_name(kind, name)}"
        if authority(given):
            values["ca_file"] = f"{AUTHORITIES}/{name}.pem"
        also = {"web": _web_values(self._snapshot().site.web)} if kind == "gateway" and place.is_new else {}
        proposal = await propose(self._editor, kind, before.text, place, _ordered(values), also)
        if proposal.verdict.snapshot is None:
            return with_mistakes(form, self._editor, place, proposal.verdict.mistakes), None
        return form, proposal

    async def _around(self, text: str, place: Place, given: Mapping[str, str]) -> Around:
        data = data_of(text)
        profiles, titles = await asyncio.to_thread(self._titles)
        loaded = profiles.load(str(place.raw.get("profile") or given.get("profile", "")))
        profile = loaded.profile if loaded is not None else None
        return Around(
            tuple(str(each.get("name")) for each in data.get("lines", ()) if isinstance(each, dict)),
            titles,
            profile.options if isinstance(profile, ModbusProfile) else (),
            self._snapshot().site.gateway.id,
            profile.key if isinstance(profile, WearableProfile) else None,
            isinstance(profile, WearableProfile),
            isinstance(profile, WearableProfile) and profile.beacon,
        )

    def _titles(self) -> tuple[Library, dict[str, Words]]:
        """Device types that need no points of the site's own, by name; read once."""
        if self._profiles is None:
            folder: Path = self._editor.file.path.parent / "profiles"
            known = library((folder,))
            loaded = {name: known.load(name) for name in known.names()}
            self._profiles = (
                known,
                {
                    name: Words(each.profile.title_en, each.profile.title_zh)
                    for name, each in loaded.items()
                    if each is not None
                    and each.profile is not None
                    and not (isinstance(each.profile, ModbusProfile) and each.profile.template)
                },
            )
        return self._profiles


def authority(given: Mapping[str, str]) -> str:
    """The certificates in what was pasted, and nothing else of it."""
    pasted = given.get("authority", "")[:LONGEST_AUTHORITY].replace("\r\n", "\n")
    return "".join(f"{each}\n" for each in _PEM.findall(pasted))


def secret_name(kind: Kind, name: str) -> str:
    """The file of an entry's secret; entries of several kinds may have the same name."""
    return {"uplinks": name, "devices": f"{name}.key"}.get(kind, f"camera-{name}")


def _with_wrong_key(form: Form, wrong: WrongKey) -> Form:
    fields = (
        msgspec.structs.replace(field, error=wrong.what, cure=wrong.cure) if field.name == "key" else field
        for field in form.fields
    )
    return msgspec.structs.replace(form, fields=tuple(fields))


def _entry(kind: Kind, raw: Mapping[str, Any]) -> Entry:
    name = str(raw.get(NAMED_BY[kind], ""))
    details = tuple(str(raw[key]) for key in _DETAILS[kind] if key in raw)
    return Entry(name, str(raw.get("name", "")) if kind in ("devices", "cameras") else "", details)


def _number(text: str) -> int | float | str:
    text = text.strip()
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text


def _web_values(web: Web | None) -> dict[str, Any]:
    """What keeps the page where it is."""
    default, own = Web(), web or Web()
    return {key: getattr(own, key) for key in ("listen", "port", "tls") if getattr(own, key) != getattr(default, key)}


def _ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Who and what first, as people write it."""
    first = ("name", "id", "kind", "profile", "line", "address")
    return {key: values[key] for key in (*(key for key in first if key in values), *values) if key in values}
