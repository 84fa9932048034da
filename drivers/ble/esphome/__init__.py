"""Bluetooth proxies of ESPHome: an ESP32 that hands on every advert it hears, over the network and encrypted."""
