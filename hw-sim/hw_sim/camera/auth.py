"""Who may ask a camera: WS-UsernameToken digests (WSS 1.0) and HTTP or RTSP digests (RFC 7616, RFC 2069)."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
import secrets
from collections import OrderedDict
from xml.etree import ElementTree

from hw_sim.camera.soap import first

MAX_SKEW_S = 5.0
"""So far the Created of a token may be from the camera's clock."""
MOST_NONCES = 4096
_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Guard:
    """One account.  `token` and `digest` say None for a request that is in order, else why it is not."""

    def __init__(self, user: str, password: str, realm: str = "camera") -> None:
        self.user, self.password, self.realm = user, password, realm
        self.nonce = secrets.token_hex(8)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def token(self, envelope: ElementTree.Element, now: datetime.datetime) -> str | None:
        """Checks the WS-UsernameToken of a SOAP header."""
        parts = [first(envelope, name) for name in ("Username", "Password", "Nonce", "Created")]
        if any(part is None for part in parts):
            return "no token"
        user, password, nonce, created = ((part.text or "").strip() for part in parts if part is not None)
        if user != self.user:
            return "unknown user"
        try:
            at = datetime.datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
            raw = base64.b64decode(nonce, validate=True)
        except (ValueError, binascii.Error):
            return "malformed token"
        if abs((now - at).total_seconds()) > MAX_SKEW_S:
            return "created outside of the time window"
        if nonce in self._seen:
            return "nonce used before"
        self._seen[nonce] = None
        while len(self._seen) > MOST_NONCES:
            self._seen.popitem(last=False)
        expected = base64.b64encode(hashlib.sha1(raw + created.encode() + self.password.encode()).digest()).decode()
        return None if secrets.compare_digest(expected, password) else "wrong password"

    def digest(self, method: str, header: str) -> str | None:
        """Checks an Authorization header of HTTP or RTSP, MD5, with or without qop."""
        if not header.startswith("Digest "):
            return "no digest"
        given = {name: quoted or bare for name, quoted, bare in _PAIR.findall(header)}
        if given.get("username") != self.user or given.get("nonce") != self.nonce:
            return "unknown user or nonce"
        account = _md5(f"{self.user}:{self.realm}:{self.password}")
        request = _md5(f"{method}:{given.get('uri', '')}")
        middle = f"{self.nonce}:"
        if given.get("qop") == "auth":
            middle += f"{given.get('nc', '')}:{given.get('cnonce', '')}:auth:"
        return None if _md5(f"{account}:{middle}{request}") == given.get("response") else "wrong password"

    def challenge(self, *, qop: bool) -> str:
        """The WWW-Authenticate header."""
        return f'Digest realm="{self.realm}", nonce="{self.nonce}"' + (', qop="auth", algorithm=MD5' if qop else "")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
