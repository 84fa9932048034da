"""Takes secrets out of text before anybody sees it: logs, error messages, support bundles.

Two nets: the secrets that this gateway knows, wherever they stand and however they are escaped; and the shapes that
secrets usually have, for those that it does not know.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable

MASK = "***"
SHORTEST_SECRET = 4
"""A known secret shorter than this is left to the shapes: masking every "1" would destroy the text."""

_WORD = (
    r"(?:password|passwd|passphrase|secret|token|(?:api|private|access|bind|link|encryption)[_-]?key|(?<![a-z])(?:pass|pwd|psk)"
    r"|密码|口令|密钥)s?"
)
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    # scheme://user:password@host; the last @ before the host ends the password
    (re.compile(r"(?<=://)([^\s/?#:@]*):[^\s/?#]*(?=@)"), rf"\1:{MASK}"),
    (
        re.compile(r"\b(authorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer|digest)?)\s*[^\r\n'\"]+", re.IGNORECASE),
        rf"\1 {MASK}",
    ),
    (re.compile(r"\b(bearer)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    # <Password Type="...">...</Password>, as SOAP has it
    (re.compile(rf"(<(?:\w+:)?\w*{_WORD}\b[^<>]*>)[^<]+", re.IGNORECASE), rf"\1{MASK}"),
    # password=..., "token": "..."; never password_file=..., whose value is a path
    (re.compile(rf"({_WORD}['\"]?\s*[:=]\s*)(?:{_QUOTED}|[^\s,;&'\"<>{{}}()\[\]]+)", re.IGNORECASE), rf"\1{MASK}"),
)
_SECRET_NAME = re.compile(rf"{_WORD}$|^authorization$", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret itself: `password`, `api_key`; not `password_file`."""
    return _SECRET_NAME.search(name) is not None


class Redactor:
    """Masks secrets in text; `redactor(text)` gives the text without them.

    Thread-safe: a new set of known secrets takes effect at once, as one reference.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: re.Pattern[str] | None = None
        self._secrets: frozenset[str] = frozenset()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Adds known secrets: each as it is, and as URL, JSON and base64 write it."""
        self._secrets |= {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        spellings = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(MASK, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

    def value(self, name: str, value: object) -> object:
        """A named value: masked whole when the name is a secret's, redacted inside when it is text or holds text."""
        if is_secret_name(name) and value not in (None, "", False, True):
            return MASK
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {str(key): self.value(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value("", item) for item in value]
        return value if value is None or isinstance(value, bool | int | float) else self(str(value))


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
