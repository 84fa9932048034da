"""People, sessions and tokens of the status page: the types and the port that the page is written against.

`courtyard.agent.accounts.book.AccountBook` implements `Accounts`; nothing here imports a hash function or a database.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Literal, Protocol

import msgspec

from courtyard.agent.accounts.permissions import (
    ALLOWED,
    GRANTS,
    PERMISSIONS,
    ROLES,
    TOKEN_SCOPES,
    Permission,
    Role,
    permissions_of,
)
from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Scalar, Text

__all__ = [
    "ALLOWED",
    "GRANTS",
    "PERMISSIONS",
    "ROLES",
    "TOKEN_SCOPES",
    "Accounts",
    "AuditEntry",
    "Permission",
    "Principal",
    "Role",
    "Session",
    "Throttled",
    "Token",
    "User",
    "csrf_matches",
    "csrf_token",
    "permissions_of",
]

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 256


class Principal(msgspec.Struct, frozen=True):
    """Who makes a request: a person in a session, or the bearer of a token."""

    name: str
    via: Literal["session", "token"]
    permissions: frozenset[Permission]
    role: Role | None = None
    csrf: str = ""
    """What a form of this session must send back; empty for tokens, which no browser sends by itself."""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def origin(self) -> str:
        """As commands and alarm records name a person: `operator:li`."""
        return f"{'operator' if self.via == 'session' else 'token'}:{self.name}"


class Session(msgspec.Struct, frozen=True):
    """A new session.  `token` goes into a cookie (Secure, HttpOnly, SameSite=Strict) and is never shown again."""

    token: str
    principal: Principal
    max_age_s: int


class User(msgspec.Struct, frozen=True):
    """An account as listed."""

    name: str
    role: Role
    has_password: bool
    code_until_ms: int | None
    """Until when a one-time code is good; None when there is none."""
    created_ms: int
    last_login_ms: int | None
    sessions: int


class Token(msgspec.Struct, frozen=True):
    """An API token as listed; the secret itself is shown once, when it is made."""

    name: str
    scopes: tuple[Permission, ...]
    created_ms: int
    created_by: str
    expires_ms: int | None
    last_used_ms: int | None


class AuditEntry(msgspec.Struct, frozen=True):
    """One act of one person, or one refused try.  `number` counts up without holes."""

    number: int
    at_ms: int
    who: str
    action: str
    subject: str
    address: str
    details: dict[str, Scalar | None]


class Throttled(Refusal):
    """Too many failures lately; the same address will be heard after `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        seconds = max(1, round(retry_after_s + 0.499))
        text = Text(f"Too many failed tries. Try again in {seconds} s.", f"失败次数过多，请在 {seconds} 秒后重试。")
        super().__init__("login.throttled", text)
        self.retry_after_s = retry_after_s


class Accounts(Protocol):
    """What the page needs.  Every method does its work in a thread and raises `Refusal` with words for the person.

    `address` is the peer's IP address as text.  `by` is the name of who acts, for the audit trail.
    Refusal codes: login.wrong, login.throttled (Throttled), password.weak, user.unknown, user.exists, user.name,
    user.last (the last installer stays), token.unknown, token.exists, token.scope, users.not_allowed, accounts.full,
    accounts.unavailable (the file cannot be used now).
    """

    async def first_start(self) -> bool:
        """Whether nobody has a password yet: the page then asks for the one-time code printed on the box."""

    async def login(self, name: str, password: str, *, address: str) -> Session:
        """A new session.  Raises Refusal login.wrong (also for an unknown name), Throttled."""

    async def redeem(self, name: str, code: str, password: str, *, address: str) -> Session:
        """Spends a one-time code for a password and a session.  Refusals as of `login`, and password.weak."""

    async def principal(self, token: str) -> Principal | None:
        """Who holds this session cookie; None when it is forged, expired or ended.  Cheap; call it per request."""

    async def logout(self, token: str) -> None:
        """Ends one session; unknown ones are none of our business."""

    async def bearer(self, token: str, *, address: str) -> Principal | None:
        """Who holds this API or wall-display token; None when it is unknown or expired.  Raises Throttled."""

    async def change_password(self, name: str, password: str, new: str, *, address: str) -> None:
        """Ends every session of the account.  Raises Refusal login.wrong, password.weak, Throttled."""

    async def users(self) -> Sequence[User]: ...

    async def add_user(self, name: str, role: Role, *, by: Principal) -> str:
        """A new account; returns its one-time code.  Raises Refusal."""

    async def remove_user(self, name: str, *, by: Principal) -> None:
        """Removes an account with its sessions.  Raises Refusal."""

    async def new_code(self, name: str, *, by: Principal) -> str:
        """A one-time code for an account that lost its password; the old password stays good until it is spent."""

    async def tokens(self) -> Sequence[Token]: ...

    async def add_token(self, name: str, scopes: Sequence[Permission], *, days: int | None, by: Principal) -> str:
        """Returns the secret, once.  A wall display is a token whose only scope is `wall`.  Raises Refusal."""

    async def remove_token(self, name: str, *, by: Principal) -> None:
        """Raises Refusal."""

    async def note(
        self, who: str, action: str, subject: str = "", *, address: str = "", details: Mapping[str, Scalar | None] = {}
    ) -> None:
        """Adds to the audit trail what a person did elsewhere: acknowledged, configured, erased."""

    async def audit(self, *, before: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        """The latest acts first, older than number `before`; at most 1000."""


def csrf_token(session_token: str) -> str:
    """The CSRF token of a session: derived, so that it is kept nowhere.  64 hexadecimal digits."""
    return hmac.new(session_token.encode(), b"courtyard-csrf-v1", sha256).hexdigest()


def csrf_matches(principal: Principal, given: str) -> bool:
    """Whether a form came from our own page; compares in constant time.  Tokens need none."""
    return principal.via == "token" or hmac.compare_digest(principal.csrf.encode(), given.encode())
