"""Uplinks: one platform each; connection, format, filter and progress are its own, so that none slows another."""
