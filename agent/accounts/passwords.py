"""Passwords, one-time codes and random secrets: how they are made, judged and kept.

Passwords and codes are kept as argon2id (RFC 9106) with 12 MiB, three passes and one lane: one of OWASP's equivalent
minimum settings, chosen for a box with little memory.  Hashes are made one at a time.
"""

from __future__ import annotations

import ctypes
import re
import secrets
import unicodedata
from hashlib import sha256
from typing import Final, Protocol

from courtyard.agent.accounts import MAX_PASSWORD, MIN_PASSWORD
from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Text

MEMORY_KIB: Final = 12 * 1024
PASSES: Final = 3
M_MMAP_THRESHOLD: Final = -3
MAPPED_BYTES: Final = 1 << 20
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing that looks like something else on a label."""
CODE: Final = re.compile(rf"\b[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}\b")
TOKEN_MARK: Final = "cy_"
"""Begins every API token, so that a scanner of leaked secrets knows it."""
_NAME: Final = re.compile(r"[\w][\w.-]{0,31}")
_OBVIOUS: Final = ("password", "courtyard", "installer", "qwertyuiop", "1234567890", "0987654321", "admin", "iloveyou")


class Hasher(Protocol):
    """Slow hashes of passwords."""

    def hash(self, password: str) -> str: ...

    def verify(self, kept: str, password: str) -> bool: ...


class Argon2:
    """argon2id by the reference implementation."""

    def __init__(self) -> None:
        from argon2 import PasswordHasher  # only processes that hash passwords load it

        _give_back_large_memory()
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)

    def hash(self, password: str) -> str:
        """Encoded with its parameters and a salt of its own."""
        return self._hasher.hash(password)

    def verify(self, kept: str, password: str) -> bool:
        """Whether the password belongs to this hash; a damaged hash belongs to none."""
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def _give_back_large_memory() -> None:
    """Lets glibc map large blocks, and give them back, each by itself.  Left alone it raises its threshold at the first
    one freed, and the thread keeps 12 MiB for the next hash (M_MMAP_THRESHOLD, mallopt(3))."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def normal(text: str) -> str:
    """The same characters however they were typed (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def normal_name(name: str) -> str:
    """A name as accounts are found by: NFKC, lower case."""
    return normal(name).strip().casefold()


def checked_name(name: str) -> str:
    """The normal name.  Raises Refusal user.name."""
    found = normal_name(name)
    if not _NAME.fullmatch(found):
        raise Refusal(
            "user.name",
            Text("A name has 1 to 32 letters, digits, dots, - and _.", "名称为 1～32 个字母、汉字、数字、点、- 或 _。"),
        )
    return found


def checked_password(password: str, name: str) -> str:
    """The password as it is hashed.  Raises Refusal password.weak: too short, too long, or the first to be guessed."""
    found = normal(password)
    if not MIN_PASSWORD <= len(found) <= MAX_PASSWORD:
        raise _weak(
            f"have {MIN_PASSWORD} to {MAX_PASSWORD} characters", f"长度须为 {MIN_PASSWORD}～{MAX_PASSWORD} 个字符"
        )
    plain = found.casefold()
    for word in (name, *_OBVIOUS):
        if len(word) >= 3:
            plain = plain.replace(word, "")
    if len(set(plain)) < 4:
        raise _weak(
            "not be the account's name, a well-known word or few characters repeated",
            "不能是账户名、常用词或少数字符的重复",
        )
    return found


def new_code() -> str:
    """A one-time code for people to type: 49 bits, as `ABCDE-23456`."""
    letters = [secrets.choice(ALPHABET) for _ in range(10)]
    return "".join(letters[:5]) + "-" + "".join(letters[5:])


def normal_code(code: str) -> str:
    """A code as it was made, however it was typed."""
    letters = [letter for letter in normal(code).upper() if letter.isalnum()]
    return "".join(letters[:5]) + "-" + "".join(letters[5:])


def new_secret() -> str:
    """256 random bits in 43 characters for cookies and tokens."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> bytes:
    """What is kept of a random secret: with 256 bits in it, a fast hash is as good as a slow one."""
    return sha256(secret.encode()).digest()


def _weak(en: str, zh: str) -> Refusal:
    return Refusal("password.weak", Text(f"A password must {en}.", f"密码{zh}。"))
