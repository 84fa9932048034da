"""Wearables, buttons and room sensors that speak over Bluetooth Low Energy.

Everything in `gatt` and `adverts` is pure: bytes in, values out, and nothing but `Refused` comes out of them by
exception.  Each module there knows one characteristic or one family of advertisements; `receive` is what a scanner
calls for every advertisement, `gatt.observe` what a session calls for every notification, `dissect` takes bytes apart
for people.  What a device keeps between two packets (replay counter, last press) is a plain value that the caller
passes in and gets back.
"""
