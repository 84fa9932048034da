"""The version of this program; `pyproject.toml` says the same, which a test compares.

Asking the installed package for it would load importlib.metadata, and zipfile and email with it, into the daemon.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
