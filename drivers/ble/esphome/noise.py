"""The handshake and the ciphers of a session: Noise_NNpsk0_25519_ChaChaPoly_SHA256, as initiator.

Pure: bytes in, bytes out.  Source: The Noise Protocol Framework, revision 34, sections 5, 7.3 and 9.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

NAME = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
PROLOGUE = b"NoiseAPIInit\x00\x00"
KEY_BYTES, TAG_BYTES = 32, 16


class WrongKey(ValueError):
    """Bytes that this key does not open."""


class Cipher:
    """One direction; each message counts."""

    def __init__(self, key: bytes) -> None:
        self._cipher, self._count = ChaCha20Poly1305(key), 0

    def seal(self, data: bytes, also: bytes = b"") -> bytes:
        return self._cipher.encrypt(self._nonce(), data, also)

    def open(self, data: bytes, also: bytes = b"") -> bytes:
        """Raises WrongKey."""
        try:
            return self._cipher.decrypt(self._nonce(), data, also)
        except InvalidTag as error:
            raise WrongKey("wrong key or damaged message") from error

    def _nonce(self) -> bytes:
        self._count += 1
        return bytes(4) + (self._count - 1).to_bytes(8, "little")


class Handshake:
    """`hello` is sent, `finish` takes the answer and gives the ciphers to send and to receive with."""

    def __init__(self, key: bytes, ephemeral: X25519PrivateKey | None = None) -> None:
        self._own = ephemeral or X25519PrivateKey.generate()
        self._hash = self._chain = hashlib.sha256(NAME).digest()
        self._cipher: Cipher | None = None
        self._mix_hash(PROLOGUE)
        self._chain, mixed, sealing = _derived(self._chain, key, 3)
        self._mix_hash(mixed)
        self._cipher = Cipher(sealing)

    def hello(self) -> bytes:
        """psk, e."""
        public = self._own.public_key().public_bytes_raw()
        self._mix_hash(public)
        self._mix_key(public)
        assert self._cipher is not None
        tag = self._cipher.seal(b"", self._hash)
        self._mix_hash(tag)
        return public + tag

    def finish(self, answer: bytes) -> tuple[Cipher, Cipher]:
        """e, ee.  Raises WrongKey, also for an answer that is none."""
        if len(answer) != KEY_BYTES + TAG_BYTES:
            raise WrongKey("not an answer")
        public = answer[:KEY_BYTES]
        self._mix_hash(public)
        self._mix_key(public)
        try:
            self._mix_key(self._own.exchange(X25519PublicKey.from_public_bytes(public)))
        except ValueError as error:  # a point of low order
            raise WrongKey("not an answer") from error
        assert self._cipher is not None
        self._cipher.open(answer[KEY_BYTES:], self._hash)
        sending, receiving = _derived(self._chain, b"", 2)
        return Cipher(sending), Cipher(receiving)

    def _mix_hash(self, data: bytes) -> None:
        self._hash = hashlib.sha256(self._hash + data).digest()

    def _mix_key(self, material: bytes) -> None:
        self._chain, key = _derived(self._chain, material, 2)
        self._cipher = Cipher(key)


def _derived(chain: bytes, material: bytes, count: int) -> list[bytes]:
    """HKDF of the framework (section 4.3)."""
    secret = hmac.digest(chain, material, "sha256")
    parts = [b""]
    for number in range(1, count + 1):
        parts.append(hmac.digest(secret, parts[-1] + bytes((number,)), "sha256"))
    return parts[1:]
