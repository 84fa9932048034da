"""What the journal can find, by code, and the parameters that each finding carries."""

from __future__ import annotations

from typing import Final

CODES: Final[dict[str, tuple[str, ...]]] = {
    "epoch.new": ("epoch", "reason", "previous"),
    "db.damaged": ("detail", "kept", "records", "lost"),
    "rows.corrupt": ("epoch", "lane", "first", "last"),
    "evidence.dropped": ("file",),
    "disk.full": ("detail",),
    "disk.read_only": ("detail",),
    "disk.permission": ("detail",),
    "disk.damaged": ("detail",),
    "disk.busy": ("detail",),
    "disk.io": ("detail",),
    "disk.slow": ("detail",),
    "disk.ok": ("after",),
    "close.unfinished": ("detail",),
}
"""`epoch.new`: numbers begin again; `reason` is new, salvaged, memory, log-missing, log-damaged, log-lost or the
caller's; `previous` is None for the first; further parameters `head.LANE` are the last numbers of the previous epoch.
`db.damaged`: `kept` names the evidence file, None when there was no room.  `disk.*` hold until `disk.ok`, whose
`after` lists what it ends."""
