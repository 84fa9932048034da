"""`python -m courtyard.config.generate` writes the generated files; `--check` only says which have drifted (exit 1)."""

from __future__ import annotations

import sys
from pathlib import Path

from courtyard.config.generate.example import example_text
from courtyard.config.generate.reference import points_page, schema_text, settings_page
from courtyard.config.generate.schema import schema_of
from courtyard.config.library import Profile
from courtyard.config.shape import shape_of, table_of
from courtyard.config.site import Site
from courtyard.drivers.base import Text

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


def files() -> dict[str, str]:
    """Every generated file: path from the checkout to its content."""
    site = schema_of(table_of(Site), Text("Courtyard site", "Courtyard 站点文件"))
    profile = schema_of(shape_of(Profile), Text("Courtyard device profile", "Courtyard 设备模板"))
    return {
        "config/site.schema.json": schema_text(site),
        "config/profile.schema.json": schema_text(profile),
        "config/site.example.toml": example_text(),
        "docs/settings.md": settings_page("en"),
        "docs/settings.zh.md": settings_page("zh-CN"),
        "docs/points.md": points_page(),
    }


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Exit code: 0, or with `--check` 1 when a file differs from what would be written."""
    drifted = [
        name
        for name, text in files().items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]
    if "--check" in arguments:
        for name in drifted:
            print(f"{name} is not up to date: run python -m courtyard.config.generate", file=sys.stderr)
        return 1 if drifted else 0
    for name in drifted:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(files()[name], "utf-8")
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
