"""Measurements: `python -m bench` prints them and writes docs/measurements.md."""
