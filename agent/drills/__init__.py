"""Announced test alarms: from a device to the platform's own word, measured, and kept as evidence."""
