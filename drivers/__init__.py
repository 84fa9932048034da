"""Drivers turn a line into Readings and Signals."""
