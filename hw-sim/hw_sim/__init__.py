"""Simulated hardware of a residential compound; shares no code with the drivers that it tests."""
