"""Generated files: up to date, complete in both languages, and as strict as the reader."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from courtyard.config.catalogue import Point, product_catalogue
from courtyard.config.generate.__main__ import ROOT, files, main
from courtyard.config.generate.example import example_text
from courtyard.config.library import PRODUCT_PROFILES
from courtyard.config.messages import messages
from courtyard.config.read import check_site
from courtyard.config.shape import Entries, Items, Setting, Shape, Table, Variants, table_of
from courtyard.config.site import Site
from courtyard.config.units import UNITS
from courtyard.drivers.base import Text
from courtyard.drivers.modbus.settings import ModbusProfile
from tests.config_rig import GOOD, changed, check

HAN = r"[\u4e00-\u9fff]"
GENERATED = files()


def settings_of(shape: Shape, path: str = "") -> Iterator[tuple[str, Setting]]:
    """Every setting inside a shape, with its path."""
    match shape:
        case Table():
            for key, setting in shape.settings.items():
                yield f"{path}.{key}", setting
                yield from settings_of(setting.shape, f"{path}.{key}")
        case Variants():
            for tag, table in shape.tables.items():
                yield from settings_of(table, f"{path}<{tag}>")
        case Items():
            yield from settings_of(shape.item, path)
        case Entries():
            yield from settings_of(shape.value, path)


SETTINGS = dict(each for root in (Site, ModbusProfile, Point) for each in settings_of(table_of(root), root.__name__))


def test_the_generated_files_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_drift_is_told_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "docs/settings.md is not up to date" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(GENERATED)


@pytest.mark.parametrize("path", SETTINGS)
def test_every_setting_is_explained_in_both_languages(path: str) -> None:
    help_text = SETTINGS[path].help
    assert help_text is not None
    assert help_text.en.endswith(".")
    assert help_text.zh.endswith("。")
    assert_well_written(help_text)


@pytest.mark.parametrize("code", messages())
def test_every_message_is_well_written(code: str) -> None:
    assert_well_written(messages()[code].what)
    cure = messages()[code].cure
    assert_well_written(cure)


@pytest.mark.parametrize("name", product_catalogue())
def test_every_point_has_a_unit_and_labels(name: str) -> None:
    point = product_catalogue()[name]
    assert (point.unit in UNITS) == (point.type in ("number", "counter"))
    assert bool(point.values) == (point.type == "enum")
    assert_well_written(point.label)
    assert re.fullmatch(r"[a-z]+(\.[a-z0-9_]+)+", name)


def assert_well_written(text: Text) -> None:
    """Chinese in Chinese, with Chinese punctuation; English without any."""
    assert text.en
    assert re.search(HAN, text.zh)
    assert not re.search(HAN + r"|[，。：；（）！？]", text.en)
    assert not re.search(f"{HAN}[,;:!?()]|[,;!?(]{HAN}", text.zh)
    assert "  " not in text.en + text.zh


def test_the_example_site_is_good_for_what_it_is(tmp_path: Path) -> None:
    verdict = check(tmp_path, example_text())
    assert verdict.mistakes == ()
    assert {each.code for each in verdict.warnings} == {"secret_file.missing"}


def test_the_example_shows_every_setting_of_a_site() -> None:
    shown = set(re.findall(r"(?:^#? ?|[{,] )([a-z_]+) = ", example_text(), re.MULTILINE))
    assert {setting.key for path, setting in settings_of(table_of(Site)) if "points." not in path} - shown <= {
        "read_back", "minimum", "maximum", "settle", *table_of(Site).settings,
    }  # fmt: skip


def test_a_commented_setting_can_be_switched_on(tmp_path: Path) -> None:
    lines = example_text().split("\n")
    shown = [number for number, line in enumerate(lines) if re.match(r"# [a-z_]+ = ", line)]
    text = "\n".join(line[2:] if number in shown else line for number, line in enumerate(lines))
    verdict = check(tmp_path, text, {"names/fp-b03.csv": "loop,address,text\n1,1,hall\n"})
    assert len(shown) > 20
    assert [each.text.en for each in verdict.mistakes] == []


def schema(name: str) -> jsonschema.Draft202012Validator:
    document = json.loads((ROOT / "config" / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def test_the_example_names_its_schema() -> None:
    directive = re.match(r"#:schema (\S+)\n", example_text())
    assert directive is not None
    assert (ROOT / "config" / directive[1]).is_file()


@pytest.mark.parametrize("text", [example_text(), GOOD])
def test_the_schema_accepts_what_the_reader_accepts(text: str) -> None:
    assert list(schema("site.schema.json").iter_errors(tomllib.loads(text))) == []


@pytest.mark.parametrize("file", sorted(PRODUCT_PROFILES.glob("*/*.toml")), ids=lambda file: str(file.stem))
def test_the_schema_accepts_the_profiles(file: Path) -> None:
    directive = re.match(r"#:schema (\S+)\n", file.read_text("utf-8"))
    assert directive is not None
    assert (file.parent / directive[1]).is_file()
    assert list(schema("profile.schema.json").iter_errors(tomllib.loads(file.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id = "gw-0007"', 'id = "GW 7"'),
        ('id = "gw-0007"\n', ""),
        ("address = 1\n", 'address = "1"\n'),
        ("address = 1\n", "address = 300\n"),
        ("address = 1\n", "address = 1\nevery = 60\n"),
        ("address = 1\n", 'address = 1\nevery = "60"\n'),
        ("address = 1\n", "adress = 1\n"),
        ("address = 1\n", 'address = 1\nplace = "u02/b03"\n'),
        ('kind = "serial"', 'kind = "serail"'),
        ('"/dev/ttyUSB0"', '"/dev/ttyUSB0"\nparity = "e"'),
        ("mqtts://platform.example", "https://platform.example"),
        ('point = "water.flow"', 'point = "water.flo"'),
        ("above = 3", 'above = "3"'),
        ('kind = "coil"', 'kind = "relay"'),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(old: str, new: str, tmp_path: Path) -> None:
    text = changed(old, new)
    assert check(tmp_path, text).mistakes
    assert list(schema("site.schema.json").iter_errors(tomllib.loads(text)))


def test_the_schema_speaks_both_languages() -> None:
    def described(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "description" in node and isinstance(node["description"], str):
                yield node
            for item in node.values():
                yield from described(item)

    found = list(described(json.loads(GENERATED["config/site.schema.json"])))
    assert len(found) > 60
    assert all(re.search(HAN, node["x-description-zh"]) for node in found)


@pytest.mark.parametrize("name", ["docs/settings.md", "docs/settings.zh.md", "docs/points.md"])
def test_tables_of_the_pages_are_whole(name: str) -> None:
    """Every row has as many cells as its header."""
    columns = None
    for line in GENERATED[name].split("\n"):
        if not line.startswith("|"):
            columns = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        columns = columns or cells
        assert cells == columns, line


def test_the_shipped_example_is_read_where_it_stands() -> None:
    assert check_site(ROOT / "config/site.example.toml").mistakes == ()
