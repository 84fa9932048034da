"""Lines: one wire or socket with exactly one owner."""
