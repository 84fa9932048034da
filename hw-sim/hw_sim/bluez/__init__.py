"""Wearables on a simulated BlueZ: `org.bluez` on a private D-Bus, so that a real Bluetooth client meets no radio."""
