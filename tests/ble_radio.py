"""What wearables send, made from the standards with another hand than the decoders: for tests only."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESCCM


def sfloat(mantissa: int, exponent: int) -> bytes:
    """IEEE 11073 SFLOAT, little-endian."""
    return ((exponent % 16) * 4096 + mantissa % 4096).to_bytes(2, "little")


def float32(mantissa: int, exponent: int) -> bytes:
    """IEEE 11073 FLOAT, little-endian."""
    return ((exponent % 256) * 2**24 + mantissa % 2**24).to_bytes(4, "little")


def bthome(objects: bytes) -> bytes:
    """Service data of FCD2, plain, of a device that speaks on events."""
    return b"\x44" + objects


def bthome_sealed(objects: bytes, key: bytes, address: bytes, counter: int) -> bytes:
    """The same, encrypted: nonce is address, UUID as on air, device information, counter."""
    info, count = b"\x45", counter.to_bytes(4, "little")
    sealed = AESCCM(key, tag_length=4).encrypt(address + b"\xd2\xfc" + info + count, objects, None)
    return info + sealed[:-4] + count + sealed[-4:]


def mibeacon_sealed(objects: bytes, key: bytes, address: bytes, counter: int) -> bytes:
    """Service data of FE95, version 5 with address: the counter's lowest byte is the frame counter."""
    head = b"\x58\x58" + b"\x8d\x0a" + bytes([counter & 0xFF])
    extended = (counter >> 8).to_bytes(3, "little")
    nonce = address[::-1] + head[2:5] + extended
    sealed = AESCCM(key, tag_length=4).encrypt(nonce, objects, b"\x11")
    return head + address[::-1] + sealed[:-4] + extended + sealed[-4:]


def ibeacon(space: bytes, major: int, minor: int) -> bytes:
    """Manufacturer data of 004C."""
    return b"\x02\x15" + space + major.to_bytes(2, "big") + minor.to_bytes(2, "big") + b"\xc5"
