"""A new journal has the very tables that the steps of migration make, and asks for no library to make them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from courtyard.buffer.migrations import migrate
from courtyard.buffer.schema import prepare
from courtyard.buffer.tables import create


def tables(connection: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    """Every table, index and view as the file says how it was made."""
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


def memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_a_new_journal_is_what_all_steps_together_make() -> None:
    new, stepwise = memory(), memory()
    create(new)
    migrate(stepwise)
    assert tables(new) == tables(stepwise)
    for question in (
        "PRAGMA user_version",
        "PRAGMA application_id",
        "SELECT migration_set, name FROM _sqlite_migrations",
    ):
        assert new.execute(question).fetchall() == stepwise.execute(question).fetchall()


def test_no_step_is_done_again_in_a_new_journal() -> None:
    new = memory()
    create(new)
    before = new.execute("SELECT * FROM _sqlite_migrations").fetchall()
    migrate(new)
    assert new.execute("SELECT * FROM _sqlite_migrations").fetchall() == before


def test_a_journal_of_the_first_version_is_brought_up_to_date() -> None:
    old, new = memory(), memory()
    create(new)
    create(old)
    old.executescript(
        "DROP VIEW rows_by_number; DELETE FROM _sqlite_migrations WHERE id = 2; PRAGMA user_version = 1;"
        "INSERT INTO state VALUES ('kept', 'yes');"
    )
    prepare(old)
    assert tables(old) == tables(new)
    assert old.execute("SELECT value FROM state").fetchall() == [("yes",)]


def test_tables_are_made_all_or_none() -> None:
    full = memory()
    full.execute("PRAGMA max_page_count = 4")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        create(full)
    assert not full.in_transaction
    assert tables(full) == []


def test_making_a_journal_loads_no_library(tmp_path: Path) -> None:
    script = (
        "import sqlite3, sys; from courtyard.buffer.schema import prepare;"
        "prepare(sqlite3.connect(sys.argv[1], isolation_level=None));"
        "print([name for name in ('sqlite_utils', 'click', 'numpy') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script, tmp_path / "j.db"], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
