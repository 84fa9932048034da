"""Bluetooth adapters of Linux: BlueZ over D-Bus, through bleak."""
