"""Families of advertisements: one module each.  They take the bytes behind the UUID or the company identifier."""
