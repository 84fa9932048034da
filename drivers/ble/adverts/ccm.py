"""AES-CCM as advertisements use it: 16-byte key, 4-byte tag at the end.

Source: RFC 3610.  A tag of 32 bits lets one forgery in four thousand million pass; a counter must guard besides.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from courtyard.drivers.base import Text
from courtyard.drivers.ble.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

KEY_BYTES, TAG_BYTES = 16, 4


def opened(key: bytes | None, nonce: bytes, sealed: bytes, associated: bytes | None = None) -> bytes:
    """The plain bytes.  Raises Refused without a key, or when key, nonce or bytes do not fit the tag."""
    if key is None:
        raise Refused("key", 0, Text("encrypted, and no key is set for this device", "已加密，但未为该设备设置密钥"))
    if len(key) != KEY_BYTES:
        text = Text(f"the key has {len(key)} bytes, not {KEY_BYTES}", f"密钥长{len(key)}字节，应为{KEY_BYTES}字节")
        raise Refused("key", 0, text)
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        text = Text("the key does not fit: wrong key, address or damaged bytes", "密钥不符：密钥或地址错误，或数据损坏")
        raise Refused("key", 0, text) from None


@lru_cache(maxsize=1024)
def _cipher(key: bytes) -> AESCCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    return AESCCM(key, TAG_BYTES)
