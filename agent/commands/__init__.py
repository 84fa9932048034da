"""Typed, allow-listed, expiring, audited wishes from outside, each with exactly one outcome."""
