"""The product's own detector, and the examples that a lift's own head must not forget (`ebike.base.npz`)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MANIFEST: Final = Path(__file__).with_name("ebike.toml")
