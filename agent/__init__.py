"""The daemon, its command line and everything between drivers and platforms."""
