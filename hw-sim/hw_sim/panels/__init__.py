"""Simulated fire panels, one file a protocol: what a panel of that make puts on its line, and when.

Nothing here knows a line: a panel is fed what it hears and asked what it says.  `attach` joins it to one.
"""
