"""What stands in the file of accounts and how it changes: one transaction an act, with its line in the audit trail.

Invariants
1. A session ends IDLE_S after its last use, LONGEST_S after its beginning, at logout, with its account, with a new
   password, or when a clock that was set back makes its age unknowable.
2. At least one account of an installer stays.  Nobody grants a role or scope beyond their own.
3. At most USERS accounts, TOKENS tokens, SESSIONS sessions an account (the oldest ends).
4. A session begins only while the hash that proved its password still stands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from courtyard.agent.accounts import (
    GRANTS,
    ROLES,
    TOKEN_SCOPES,
    AuditEntry,
    Permission,
    Principal,
    Role,
    Session,
    Token,
    User,
    csrf_token,
    permissions_of,
)
from courtyard.agent.accounts.database import AccountFile, add_to_audit
from courtyard.agent.accounts.passwords import TOKEN_MARK, checked_name, fingerprint, new_secret, normal_name
from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Scalar, Text

USERS: Final = 64
TOKENS: Final = 64
SESSIONS: Final = 10
IDLE_S: Final = 8 * 3600
LONGEST_S: Final = 7 * 86_400
SEEN_EVERY_MS: Final = 60_000
"""How often the use of a session or token is written down: seldom, for the flash card's sake."""
CODE_S: Final = 7 * 86_400
MAX_AUDIT: Final = 1000
FOR_EVER: Final = 2**53
"""A box may begin with a clock that is decades behind."""


class Registry:
    """Used by one thread at a time."""

    def __init__(self, file: AccountFile, wall_ms: Callable[[], int]) -> None:
        self._file, self._wall_ms = file, wall_ms

    def has_password(self) -> bool:
        """Whether anybody has a password."""
        return bool(self._file.rows("SELECT 1 FROM user WHERE password IS NOT NULL LIMIT 1"))

    def hash_of(self, name: str, column: str) -> str | None:
        """The hash that proves a `password` or a `code` that is still good."""
        rows = self._file.rows("SELECT password, code, code_until FROM user WHERE name = ?", name)
        if not rows:
            return None
        password, code, until = rows[0]
        if column == "password":
            return password  # type: ignore[no-any-return]
        return code if code is not None and self._wall_ms() < until else None

    def begin_session(self, name: str, proof: str, address: str) -> Session | None:
        """A session for who proved `proof`; None when it is no longer this account's password."""
        with self._file.transaction() as sql:
            row = sql.execute("SELECT role FROM user WHERE name = ? AND password = ?", (name, proof)).fetchone()
            return None if row is None else self._session(sql, name, row[0], "login", address)

    def spend_code(self, name: str, proof: str, password: str, address: str) -> Session | None:
        """The code becomes a password; sessions of the former password end.  None when it is no longer the code."""
        with self._file.transaction() as sql:
            row = sql.execute("SELECT role FROM user WHERE name = ? AND code = ?", (name, proof)).fetchone()
            if row is None:
                return None
            sql.execute("UPDATE user SET password = ?, code = NULL, code_until = NULL WHERE name = ?", (password, name))
            sql.execute("DELETE FROM session WHERE user = ?", (name,))
            return self._session(sql, name, row[0], "login.code", address)

    def set_password(self, name: str, proof: str, password: str, address: str) -> bool:
        """A new password for who proved the old one; every session ends."""
        with self._file.transaction() as sql:
            done = sql.execute(
                "UPDATE user SET password = ?, code = NULL, code_until = NULL WHERE name = ? AND password = ?",
                (password, name, proof),
            )
            if done.rowcount:
                sql.execute("DELETE FROM session WHERE user = ?", (name,))
                self._note(sql, name, "user.password", name, address)
            return bool(done.rowcount)

    def set_password_at_the_box(self, name: str, password: str, by: Principal) -> None:
        """A new password without the old one, for who has a shell on the box.  Raises Refusal user.unknown."""
        with self._file.transaction() as sql:
            if not sql.execute("UPDATE user SET password = ? WHERE name = ?", (password, name)).rowcount:
                raise _unknown_user(name)
            sql.execute("DELETE FROM session WHERE user = ?", (name,))
            self._note(sql, by.name, "user.password", name)

    def principal(self, secret: str) -> Principal | None:
        """Who holds this session; its use is written down once in a while."""
        key, now = fingerprint(secret), self._wall_ms()
        rows = self._file.rows(
            "SELECT user.name, user.role, session.created, session.seen FROM session JOIN user ON user.name ="
            " session.user WHERE session.secret = ?",
            key,
        )
        if not rows:
            return None
        name, role, created, seen = rows[0]
        if not self._alive(created, seen, now):
            with self._file.transaction() as sql:
                sql.execute("DELETE FROM session WHERE secret = ?", (key,))
            return None
        if now - seen >= SEEN_EVERY_MS:
            with self._file.transaction() as sql:
                sql.execute("UPDATE session SET seen = ? WHERE secret = ?", (now, key))
        return _principal(name, role, secret)

    def end_session(self, secret: str) -> None:
        """Ends one session."""
        with self._file.transaction() as sql:
            row = sql.execute("DELETE FROM session WHERE secret = ? RETURNING user", (fingerprint(secret),)).fetchone()
            if row is not None:
                self._note(sql, row[0], "logout", row[0])

    def bearer(self, secret: str) -> Principal | None:
        """Who holds this token."""
        key, now = fingerprint(secret), self._wall_ms()
        rows = self._file.rows("SELECT name, scopes, expires, used FROM token WHERE secret = ?", key)
        if not rows:
            return None
        name, scopes, expires, used = rows[0]
        if expires is not None and now >= expires:
            return None
        if used is None or abs(now - used) >= SEEN_EVERY_MS:
            with self._file.transaction() as sql:
                sql.execute("UPDATE token SET used = ? WHERE secret = ?", (now, key))
        return Principal(name, "token", frozenset(msgspec.json.decode(scopes, type=list[Permission])))

    def users(self) -> list[User]:
        """All accounts by name."""
        rows = self._file.rows(
            "SELECT name, role, password IS NOT NULL, CASE WHEN code_until > ? THEN code_until END, created,"
            " last_login, (SELECT count(*) FROM session WHERE user = user.name) FROM user ORDER BY name",
            self._wall_ms(),
        )
        return [
            User(name, role, bool(has), until, created, last, sessions)
            for name, role, has, until, created, last, sessions in rows
        ]

    def add_user(self, name: str, role: Role, code: str, by: Principal) -> None:
        """A new account with a one-time code, given as its hash.  Raises Refusal."""
        name = checked_name(name)
        _may_manage(by, role)
        with self._file.transaction() as sql:
            if sql.execute("SELECT 1 FROM user WHERE name = ?", (name,)).fetchone():
                raise Refusal("user.exists", Text(f"There is an account {name} already.", f"账户 {name} 已存在。"))
            if sql.execute("SELECT count(*) FROM user").fetchone()[0] >= USERS:
                raise Refusal("accounts.full", Text(f"No more than {USERS} accounts.", f"最多 {USERS} 个账户。"))
            now = self._wall_ms()
            sql.execute(
                "INSERT INTO user VALUES (?, ?, NULL, ?, ?, ?, NULL)", (name, role, code, now + CODE_S * 1000, now)
            )
            self._note(sql, by.name, "user.added", name, details={"role": role})

    def set_code(self, name: str, code: str, by: Principal) -> None:
        """A new one-time code, given as its hash; the password stays good until it is spent.  Raises Refusal."""
        with self._file.transaction() as sql:
            name = self._managed(sql, name, by)
            until = self._wall_ms() + CODE_S * 1000
            sql.execute("UPDATE user SET code = ?, code_until = ? WHERE name = ?", (code, until, name))
            self._note(sql, by.name, "user.code", name)

    def remove_user(self, name: str, by: Principal) -> None:
        """Removes an account with its sessions.  Raises Refusal."""
        with self._file.transaction() as sql:
            name = self._managed(sql, name, by)
            sql.execute("DELETE FROM user WHERE name = ?", (name,))
            if not sql.execute("SELECT 1 FROM user WHERE role = 'installer'").fetchone():
                raise Refusal("user.last", Text("The last installer's account stays.", "最后一个安装员账户不能删除。"))
            self._note(sql, by.name, "user.removed", name)

    def tokens(self) -> list[Token]:
        """All tokens by name."""
        rows = self._file.rows("SELECT name, scopes, created, created_by, expires, used FROM token ORDER BY name")
        return [
            Token(name, tuple(msgspec.json.decode(scopes, type=list[Permission])), *rest)
            for name, scopes, *rest in rows
        ]

    def add_token(self, name: str, scopes: Sequence[Permission], days: int | None, by: Principal) -> str:
        """A new token; returns its secret.  Raises Refusal."""
        name = checked_name(name)
        _may_manage(by)
        if not scopes or not set(scopes) <= set(TOKEN_SCOPES) & by.permissions or (days is not None and days < 1):
            allowed = ", ".join(scope for scope in TOKEN_SCOPES if scope in by.permissions)
            raise Refusal("token.scope", Text(f"A token may have: {allowed}.", f"令牌可用的权限：{allowed}。"))
        secret, now = TOKEN_MARK + new_secret(), self._wall_ms()
        until = None if days is None else now + min(days, 36_500) * 86_400_000
        told = msgspec.json.encode(sorted(set(scopes))).decode()
        with self._file.transaction() as sql:
            if sql.execute("SELECT 1 FROM token WHERE name = ?", (name,)).fetchone():
                raise Refusal("token.exists", Text(f"There is a token {name} already.", f"令牌 {name} 已存在。"))
            if sql.execute("SELECT count(*) FROM token").fetchone()[0] >= TOKENS:
                raise Refusal("accounts.full", Text(f"No more than {TOKENS} tokens.", f"最多 {TOKENS} 个令牌。"))
            sql.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (name, fingerprint(secret), told, now, by.name, until),
            )
            self._note(sql, by.name, "token.added", name, details={"scopes": " ".join(sorted(set(scopes)))})
        return secret

    def remove_token(self, name: str, by: Principal) -> None:
        """Removes a token.  Raises Refusal."""
        _may_manage(by)
        with self._file.transaction() as sql:
            if not sql.execute("DELETE FROM token WHERE name = ?", (normal_name(name),)).rowcount:
                raise Refusal("token.unknown", Text(f"There is no token {name}.", f"没有令牌 {name}。"))
            self._note(sql, by.name, "token.removed", normal_name(name))

    def note(self, who: str, action: str, subject: str, address: str, details: Mapping[str, Scalar | None]) -> None:
        """One line of the audit trail."""
        with self._file.transaction() as sql:
            self._note(sql, who, action, subject, address, details)

    def audit(self, before: int | None, limit: int) -> list[AuditEntry]:
        """Lines of the audit trail, latest first."""
        rows = self._file.rows(
            "SELECT number, at, who, action, subject, address, details FROM audit WHERE number < ?"
            " ORDER BY number DESC LIMIT ?",
            2**53 if before is None else before,
            max(1, min(limit, MAX_AUDIT)),
        )
        return [
            AuditEntry(number, at, who, action, subject, address, msgspec.json.decode(details))
            for number, at, who, action, subject, address, details in rows
        ]

    def begin_box(self, name: str, code: str) -> None:
        """The account of a new box, or a new code for it while nobody has a password."""
        with self._file.transaction() as sql:
            sql.execute(
                "INSERT INTO user VALUES (?, 'installer', NULL, ?, ?, ?, NULL)"
                " ON CONFLICT (name) DO UPDATE"
                " SET role = 'installer', code = excluded.code, code_until = excluded.code_until",
                (name, code, FOR_EVER, self._wall_ms()),
            )
            self._note(sql, "gateway", "user.first", name)

    def _session(self, sql: sqlite3.Connection, name: str, role: Role, action: str, address: str) -> Session:
        secret, now = new_secret(), self._wall_ms()
        sql.execute("UPDATE user SET last_login = ? WHERE name = ?", (now, name))
        dead = "DELETE FROM session WHERE created > ? OR seen > ? OR created <= ? OR seen <= ?"
        sql.execute(dead, (now, now, now - LONGEST_S * 1000, now - IDLE_S * 1000))
        sql.execute(
            "DELETE FROM session WHERE secret IN"
            " (SELECT secret FROM session WHERE user = ? ORDER BY created DESC LIMIT -1 OFFSET ?)",
            (name, SESSIONS - 1),
        )
        sql.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (fingerprint(secret), name, now, now))
        self._note(sql, name, action, name, address)
        return Session(secret, _principal(name, role, secret), LONGEST_S)

    @staticmethod
    def _alive(created_ms: int, seen_ms: int, now_ms: int) -> bool:
        return created_ms <= seen_ms <= now_ms < min(created_ms + LONGEST_S * 1000, seen_ms + IDLE_S * 1000)

    def _managed(self, sql: sqlite3.Connection, name: str, by: Principal) -> str:
        name = normal_name(name)
        row = sql.execute("SELECT role FROM user WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise _unknown_user(name)
        _may_manage(by, row[0])
        return name

    def _note(
        self,
        sql: sqlite3.Connection,
        who: str,
        action: str,
        subject: str,
        address: str = "",
        details: Mapping[str, Scalar | None] = {},
    ) -> None:
        add_to_audit(sql, self._wall_ms(), who, action, subject, address, details)


def _principal(name: str, role: Any, secret: str) -> Principal:
    return Principal(name, "session", permissions_of(role), role, csrf_token(secret))


def _may_manage(by: Principal, role: Role | None = None) -> None:
    granted = GRANTS[by.role] if by.role is not None else frozenset[Role]()
    if not by.may("users") or (role is not None and (role not in ROLES or role not in granted)):
        raise Refusal(
            "users.not_allowed", Text("Your role may not do this to that account.", "您的角色无权对该账户执行此操作。")
        )


def _unknown_user(name: str) -> Refusal:
    return Refusal("user.unknown", Text(f"There is no account {name}.", f"没有账户 {name}。"))
