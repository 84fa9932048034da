"""The settings reference and the point catalogue as pages of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from courtyard.config.catalogue import SITE_PREFIX, product_catalogue
from courtyard.config.describe import allowed
from courtyard.config.generate.schema import plain
from courtyard.config.generate.toml_text import value_text
from courtyard.config.library import PRODUCT_PROFILES, Library, measured
from courtyard.config.shape import Items, Shape, Table, Variants, table_of
from courtyard.config.site import Site
from courtyard.drivers.base import Language, Text
from courtyard.drivers.ble.settings import WearableProfile
from courtyard.drivers.modbus.settings import ModbusProfile

_SITE_TITLE = Text("Settings of a site", "站点文件说明")
_SITE_INTRO = Text(
    "Everything that `site.toml` may contain. `courtyard check SITE` names every mistake with its line. "
    "`config/site.schema.json` is the same for editors, `config/site.example.toml` a site to start from.",
    "`site.toml` 中可以填写的全部内容。`courtyard check SITE` 会指出每一处错误及其行号。"
    "`config/site.schema.json` 供编辑器补全和检查，`config/site.example.toml` 是可直接修改的示例。",
)
_PROFILE_TITLE = Text("Device profiles", "设备模板")
_PROFILE_INTRO = Text(
    "A device type is one TOML file, `profiles/family/name.toml` beside `site.toml`, named `family/name` in the site.",
    "一种设备类型就是一个 TOML 文件，放在 `site.toml` 旁的 `profiles/类别/名称.toml`，在配置中写作 `类别/名称`。",
)
_COLUMNS = Text("Setting | Default | Meaning | Allowed | Example", "设置项 | 默认值 | 含义 | 允许的值 | 示例")
_REQUIRED = Text("**required**", "**必填**")
_TOP = Text("Top of the file", "文件顶层")


def settings_page(language: Language) -> str:
    """All settings of a site and of profiles, as Markdown."""
    note = Text("Generated from the settings types; do not edit.", "由设置类型自动生成，请勿手工修改。").say(language)
    lines = [f"<!-- {note} -->", f"# {_SITE_TITLE.say(language)}", "", _SITE_INTRO.say(language), ""]
    for title, table, is_list in _tables(table_of(Site), ""):
        lines += _section(_bracketed(title, is_list), table, language)
    lines += [f"# {_PROFILE_TITLE.say(language)}", "", _PROFILE_INTRO.say(language), ""]
    for profile in (table_of(ModbusProfile), table_of(WearableProfile)):
        lines += _section(f'{_TOP.say(language)}, {profile.tag_key} = "{profile.tag}"', profile, language)
        for title, table, is_list in _tables(profile, ""):
            lines += _section(_bracketed(title, is_list), table, language)
    return "\n".join(lines).rstrip() + "\n"


def _tables(table: Table, path: str) -> Iterator[tuple[str, Table, bool]]:
    """A table and all tables in it, each with the name of its section."""
    for setting in table.settings.values():
        inner = f"{path}.{setting.key}".lstrip(".")
        shape, is_list = setting.shape, isinstance(setting.shape, Items)
        item: Shape = shape.item if isinstance(shape, Items) else shape
        for each in item.tables.values() if isinstance(item, Variants) else [item]:
            if isinstance(each, Table):
                name = f'{inner}, {each.tag_key} = "{each.tag}"' if each.tag_key else inner
                yield name, _with_help(each, setting.help), is_list
                yield from _tables(each, inner)


def _with_help(table: Table, help_text: Text | None) -> Table:
    return table if table.help else Table(table.cls, table.settings, table.tag_key, table.tag, help_text)


def _bracketed(title: str, is_list: bool) -> str:
    """The header as the file has it; a variant is told by its key behind."""
    name, comma, variant = title.partition(",")
    return f"[[{name}]]{comma}{variant}" if is_list else f"[{name}]"


def _section(title: str, table: Table, language: Language) -> list[str]:
    columns = _COLUMNS.say(language)
    intro = [table.help.say(language), ""] if table.help else []
    lines = [f"## {title}", "", *intro, f"| {columns} |", "|---" * 5 + "|"]
    for setting in table.settings.values():
        default = _REQUIRED.say(language) if setting.required else _code(setting.default, setting.shape)
        help_text = setting.help.say(language) if setting.help else ""
        example = "" if setting.example is None else _code(setting.example, setting.shape)
        cells = (f"`{setting.key}`", default, help_text, allowed(setting.shape).say(language), example)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def _code(value: Any, shape: Shape) -> str:
    if value is None or value in ((), {}):
        return ""
    return f"`{value_text(plain(value, shape))}`"


def points_page() -> str:
    """The catalogue and the shipped profiles, in both languages, as Markdown."""
    lines = [
        "<!-- Generated from config/catalogue.toml and config/profiles; do not edit. 自动生成，请勿手工修改。 -->",
        "# Points 测点目录",
        "",
        "Every quantity has one name, one meaning and one UCUM unit. 每个量只有一个名称、一种含义和一个 UCUM 单位。",
        f"A site adds its own in `points.toml` beside `site.toml`; their names begin with `{SITE_PREFIX}`. "
        f"站点可在 `site.toml` 旁的 `points.toml` 中添加测点，名称以 `{SITE_PREFIX}` 开头。",
        "",
        "| Point 测点 | Unit 单位 | Type 类型 | Meaning | 含义 | IPSO |",
        "|---|---|---|---|---|---|",
    ]
    for name, point in product_catalogue().items():
        values = "".join(f"; `{value}` {label['en']} {label['zh']}" for value, label in point.values.items())
        unit = "" if point.unit is None else f"`{point.unit}`"
        lines.append(f"| `{name}` | {unit} | {point.type}{values} | {point.en} | {point.zh} | {point.ipso or ''} |")
    lines += [
        "",
        "# Device profiles 设备模板",
        "",
        "| Profile 模板 | Device | 设备 | Points 测点 |",
        "|---|---|---|---|",
    ]
    library = Library((PRODUCT_PROFILES,), product_catalogue())
    for name in library.names():
        loaded = library.load(name)
        if loaded is not None and loaded.profile is not None:
            profile = loaded.profile
            points = ", ".join(f"`{point}`" for point in measured(profile)) or "given by the site 由站点文件给出"
            lines.append(f"| `{name}` | {profile.title_en} | {profile.title_zh} | {points} |")
    return "\n".join(lines) + "\n"


def schema_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
