"""Secrets never reach a log, a support bundle or a screen.

Two nets: what looks like a secret (a key that names one, credentials in a URL, a private key block) is masked wherever
it stands, and values that are known to be secret (read from secret files) are masked by value.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "••••••"

_SECRET_WORD = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|psk|pin|密码|口令|密钥"
)
_SECRET_KEY = re.compile(rf"(?:^|[^a-z])(?:{_SECRET_WORD})$", re.IGNORECASE)

_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_URL_CREDENTIALS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#'\"]*@", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"(?P<kept>\b(?:Authorization\s*:\s*)?(?:Bearer|Basic|Digest)\s+)[A-Za-z0-9+/=._~-]{8,}")
_ASSIGNMENT = re.compile(
    rf"(?P<kept>(?<![A-Za-z])(?:[A-Za-z0-9]+[_-])*(?:{_SECRET_WORD})(?P<quote>[\"']?)\s*[=:：＝]\s*)"
    r"(?P<value>\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|[^\"\\\n])*\"?|'[^'\n]*'?|[^\s,;&}\])\"']+)",
    re.IGNORECASE | re.DOTALL,
)


def is_secret_key(key: str) -> bool:
    """Whether a setting of this name holds a secret itself (`password`, `api_token`), not the name of a file with one."""
    return _SECRET_KEY.search(key) is not None


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with everything masked that looks like a secret or is one of `secrets`."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _PRIVATE_KEY.sub(MASK, text)
    text = _URL_CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text)
    text = _AUTHORIZATION.sub(rf"\g<kept>{MASK}", text)
    return _ASSIGNMENT.sub(rf"\g<kept>{MASK}", text)


class Redactor:
    """Masks what looks like a secret, and the secrets that it was told."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def learn(self, secret: str) -> None:
        """Masks this value from now on.  Values under 4 characters are left alone: they would mask ordinary text."""
        secret = secret.strip()
        if len(secret) >= 4 and secret not in self._secrets:
            self._secrets.append(secret)
            self._secrets.sort(key=len, reverse=True)

    def text(self, text: str) -> str:
        return redact(text, self._secrets)

    def data(self, value: Any) -> Any:
        """The same for data that will be encoded: values under secret keys are masked whole, texts are searched."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {key: MASK if is_secret_key(str(key)) else self.data(item) for key, item in value.items()}
            case list() | tuple():
                return [self.data(item) for item in value]
            case _:
                return value


class RedactingFilter(logging.Filter):
    """Put on a handler: every message that passes is masked, its traceback too."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._redactor.text(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        return True
