"""Kinds of settings that several tables of a site share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Bytes = Annotated[int, Meta(extra={"kind": "size"})]
"""A number of bytes; in the file a text such as `500MB`, `2GB`."""
Place = Annotated[str, Meta(extra={"kind": "place"})]
"""Typed segments: b building, u unit, f floor, r room, x- anything else."""
File = Annotated[str, Meta(min_length=1, extra={"kind": "file"})]
SecretFile = Annotated[str, Meta(min_length=1, extra={"kind": "secret-file"})]
"""A file for the service alone: a path relative to site.toml, or `credential:NAME` for a systemd credential."""
Pattern = Annotated[str, Meta(min_length=1)]
"""A shell-style pattern: * any text, ? one character."""
TimeOfDay = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        extra={"allowed": ('a time of day from "00:00" to "23:59"', '时刻，"00:00"～"23:59"')},
    ),
]
"""Local time of the site, `HH:MM`."""
