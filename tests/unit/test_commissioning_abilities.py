"""An ability of the site is switched off and on by hand: looked at first, with a reason where it guards lives."""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.page.commissioning.ability_desk import AbilitySwitch
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.web.model import Setting, SettingsTable
from courtyard.agent.web.modules import MODULES, listed
from courtyard.config.modules import ABILITIES
from courtyard.config.read import check_site
from courtyard.config.site import Site
from courtyard.config.site_file import SiteFile
from tests.config_rig import GOOD, check
from tests.gateway_rig import virtual
from tests.unit.test_commissioning_routes import Empty
from tests.web_rig import Answer

OFF = GOOD.replace('language = "en"\n', 'language = "en"  # ours\noff = ["rules"]\n', 1)


class House(Empty):
    """A good site, and the pages that switch its abilities."""

    def __init__(self, folder: Path, text: str = GOOD) -> None:
        super().__init__(folder)
        self.file.path.write_text(text)

    def look(self, ability: str) -> Answer:
        return virtual(lambda: self.call("GET", f"/commissioning/abilities/{ability}", role="installer"))

    def switch(self, ability: str, **fields: str) -> Answer:
        given = {"mark": self.mark(), **fields}
        return virtual(lambda: self.post(f"/commissioning/abilities/{ability}", **given))

    def off(self) -> list[str]:
        found: list[str] = tomllib.loads(self.file.path.read_text())["gateway"].get("off", [])
        return found


def test_what_is_off_stays_in_the_file_and_counts_for_nothing(tmp_path: Path) -> None:
    rules = check(tmp_path, GOOD).snapshot
    assert rules is not None
    assert rules.site.rules
    resting = check(tmp_path, OFF).snapshot
    assert resting is not None
    assert resting.site.rules == ()
    assert (resting.site.outputs, resting.site.devices) == (rules.site.outputs, rules.site.devices)


def test_what_is_off_is_checked_all_the_same(tmp_path: Path) -> None:
    wrong = check(tmp_path, OFF.replace("above = 3", 'above = "three"'))
    assert [each.path for each in wrong.mistakes] == ["rules[0].above"]
    assert check(tmp_path, GOOD.replace('language = "en"', 'language = "en"\noff = ["rule"]', 1)).mistakes


def test_what_others_use_cannot_be_switched_off_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    page = house.look("outputs")
    assert "siren" in page.text
    assert "rules[0]" in page.text
    assert house.switch("outputs", reason="painters").status == 422
    assert house.off() == []
    assert house.switch("rules").status == 303
    assert house.switch("outputs", reason="painters").status == 303
    assert house.off() == ["outputs", "rules"]


def test_switching_off_and_on_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert "off = [" in house.look("rules").text
    assert house.switch("rules").status == 303
    snapshot = check_site(house.file.path).snapshot
    assert snapshot is not None
    assert snapshot.site.rules == ()
    assert "flow" in house.look("rules").text
    assert house.switch("rules").status == 303
    assert house.file.path.read_text() == GOOD
    assert house.taken == 2
    assert house.accounts.notes[-1] == ("wang", "site.ability", "rules")


def test_what_guards_lives_is_switched_off_only_with_a_reason(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert 'name="reason" required' in house.look("residents").text
    assert house.switch("residents", reason="  ").status == 409
    assert house.off() == []
    assert house.switch("residents", reason="moved out").status == 303
    assert house.off() == ["residents"]
    assert 'name="reason"' not in house.look("residents").text
    assert house.switch("residents").status == 303


@pytest.mark.parametrize("ability", ["nothing", "devices", "..", "off"])
def test_an_unknown_ability_is_refused(tmp_path: Path, ability: str) -> None:
    house = House(tmp_path)
    assert house.look(ability).status in (404, 409)
    assert house.switch(ability).status in (404, 409)


def test_an_old_page_switches_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    mark = house.mark()
    house.file.path.write_text(f"{GOOD}# somebody else\n")
    assert house.switch("rules", mark=mark).status == 409
    assert house.off() == []


@pytest.mark.parametrize("role", ["viewer", "manager", None])
def test_only_an_installer_switches(tmp_path: Path, role: Any) -> None:
    house = House(tmp_path)
    assert virtual(partial(house.call, "GET", "/commissioning/abilities/rules", role=role)).status in (303, 403)


def test_every_ability_is_in_the_catalogue_of_the_page_and_of_the_site_file() -> None:
    assert {module.ability for module in MODULES} - {""} == set(ABILITIES)
    assert all(module.begin for module in MODULES)
    tables = {table.strip("[]") for module in MODULES for table in module.tables}
    assert tables <= set(Site.__struct_fields__)


def test_the_page_says_used_off_or_not_used() -> None:
    gateway = SettingsTable("[gateway]", (Setting("off", '["rules"]', 4),))
    uses = {module.ability: use for module, use in listed([gateway, SettingsTable("[[lifts]]", ())])}
    assert (uses["rules"], uses["lifts"], uses["fire"]) == ("off", "used", "unused")


def test_the_switch_is_made_over_the_file_of_the_desk(tmp_path: Path) -> None:
    """What the pages above use is what the daemon's desk makes."""
    path = tmp_path / "site.toml"
    path.write_text(GOOD)

    async def take() -> bool:
        return False

    switch = AbilitySwitch(Editor(SiteFile(path, tmp_path / "data"), take))
    change = virtual(lambda: switch.look("rules"))
    assert (change.turns, change.count, change.entries) == ("off", 1, ("flow",))
    assert [line.text for line in change.diff if line.kind == "more"] == ['off = ["rules"]']
