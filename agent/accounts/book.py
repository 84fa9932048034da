"""Who may come in: proofs of passwords, codes and tokens, at a bounded rate, without holding up the event loop.

Invariants
1. A try with an unknown name costs as much time as one with a known name, and is answered with the same words.
2. Hashes are made one at a time; when HASHES of them wait, further tries are told to come again.
3. Changes that another process makes to the file (`courtyard users`) count from the next request on.
4. On a box where nobody has a password there is one good one-time code, in a file for root and the service alone.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar

from courtyard.agent.accounts import (
    AuditEntry,
    Permission,
    Principal,
    Role,
    Session,
    Throttled,
    Token,
    User,
    permissions_of,
)
from courtyard.agent.accounts.database import AccountFile, unavailable
from courtyard.agent.accounts.limiter import Limiter
from courtyard.agent.accounts.passwords import (
    Argon2,
    Hasher,
    checked_name,
    checked_password,
    new_code,
    normal,
    normal_code,
    normal_name,
)
from courtyard.agent.accounts.registry import Registry
from courtyard.agent.refusal import Refusal
from courtyard.buffer.disk import ThreadWorker, Worker, ask
from courtyard.drivers.base import Scalar, Text

T = TypeVar("T")

HASHES: Final = 8
BUSY_S: Final = 2.0
FIRST_USER: Final = "installer"
FIRST_CODE: Final = "first-password.txt"
CONSOLE: Final = Principal("console", "session", permissions_of("installer"), "installer")
"""Who has a shell on the box: as good as an installer."""
_ANYBODY: Final = ""


class AccountBook:
    """Implements `courtyard.agent.accounts.Accounts` on one file.  Used from the event loop only."""

    def __init__(
        self,
        directory: Path,
        *,
        wall_ms: Callable[[], int],
        mono_s: Callable[[], float] = time.monotonic,
        hasher: Callable[[], Hasher] = Argon2,
        worker: Callable[[str], Worker] | None = None,
    ) -> None:
        """Nothing is opened or loaded before `open`.  `worker` makes what does the work, by its name."""
        self._file = AccountFile(directory)
        self._registry = Registry(self._file, wall_ms)
        self._wall_ms, self._mono_s = wall_ms, mono_s
        self._make_hasher, self._decoy = hasher, ""
        self._hasher: Hasher | None = None
        self._make_worker = worker or (lambda name: ThreadWorker(asyncio.get_running_loop(), name))
        self._workers: dict[str, Worker] = {}
        self._hashes = 0
        self._tries, self._bearers = Limiter(), Limiter()

    @property
    def set_aside(self) -> str | None:
        """Name of the evidence when the file was found damaged and a new one was begun."""
        return self._file.set_aside

    @property
    def first_code_file(self) -> Path:
        """Where the one-time code of a new box stands."""
        return self._file.directory / FIRST_CODE

    async def open(self) -> str | None:
        """Opens the file.  On a box without any password and without a code: a new code, to be shown once.

        Raises Refusal accounts.unavailable.
        """
        if await self._disk(self._open):
            return None
        code = new_code()
        hashed = await self._hashed(code)
        await self._disk(lambda: self._begin(code, hashed))
        return code

    async def close(self) -> None:
        """Closes the file and ends the threads."""
        await self._disk(self._file.close)
        for worker in self._workers.values():
            worker.stop()
        self._workers.clear()

    async def first_start(self) -> bool:
        return not await self._disk(self._registry.has_password)

    async def login(self, name: str, password: str, *, address: str) -> Session:
        name, registry = normal_name(name), self._registry
        proof = await self._prove(name, "password", normal(password), address)
        session = await self._disk(lambda: registry.begin_session(name, proof, address))
        return self._let_in(session, name, address)

    async def redeem(self, name: str, code: str, password: str, *, address: str) -> Session:
        name, registry = normal_name(name), self._registry
        good = checked_password(password, name)
        proof = await self._prove(name, "code", normal_code(code), address)
        hashed = await self._hashed(good)
        session = await self._disk(lambda: registry.spend_code(name, proof, hashed, address))
        await self._disk(lambda: self.first_code_file.unlink(missing_ok=True))
        return self._let_in(session, name, address)

    async def principal(self, token: str) -> Principal | None:
        return await self._disk(lambda: self._registry.principal(token))

    async def logout(self, token: str) -> None:
        await self._disk(lambda: self._registry.end_session(token))

    async def bearer(self, token: str, *, address: str) -> Principal | None:
        found = await self._disk(lambda: self._registry.bearer(token))
        if found is None:
            wait_s = self._bearers.attempt(_ANYBODY, address, self._mono_s())
            if wait_s:
                raise Throttled(wait_s)
        return found

    async def change_password(self, name: str, password: str, new: str, *, address: str) -> None:
        name, registry = normal_name(name), self._registry
        good = checked_password(new, name)
        proof = await self._prove(name, "password", normal(password), address)
        hashed = await self._hashed(good)
        if not await self._disk(lambda: registry.set_password(name, proof, hashed, address)):
            raise _wrong()
        self._tries.succeeded(name, address, self._mono_s())

    async def set_password(self, name: str, new: str, *, by: Principal) -> None:
        """A new password without the old one; for the shell of the box.  Raises Refusal."""
        name = normal_name(name)
        hashed = await self._hashed(checked_password(new, name))
        await self._disk(lambda: self._registry.set_password_at_the_box(name, hashed, by))
        await self._disk(lambda: self.first_code_file.unlink(missing_ok=True))

    async def users(self) -> Sequence[User]:
        return await self._disk(self._registry.users)

    async def add_user(self, name: str, role: Role, *, by: Principal) -> str:
        checked_name(name)
        code = new_code()
        hashed = await self._hashed(code)
        await self._disk(lambda: self._registry.add_user(name, role, hashed, by))
        return code

    async def remove_user(self, name: str, *, by: Principal) -> None:
        await self._disk(lambda: self._registry.remove_user(name, by))

    async def new_code(self, name: str, *, by: Principal) -> str:
        code = new_code()
        hashed = await self._hashed(code)
        await self._disk(lambda: self._registry.set_code(name, hashed, by))
        return code

    async def tokens(self) -> Sequence[Token]:
        return await self._disk(self._registry.tokens)

    async def add_token(self, name: str, scopes: Sequence[Permission], *, days: int | None, by: Principal) -> str:
        return await self._disk(lambda: self._registry.add_token(name, scopes, days, by))

    async def remove_token(self, name: str, *, by: Principal) -> None:
        await self._disk(lambda: self._registry.remove_token(name, by))

    async def note(
        self, who: str, action: str, subject: str = "", *, address: str = "", details: Mapping[str, Scalar | None] = {}
    ) -> None:
        await self._disk(lambda: self._registry.note(who, action, subject, address, details))

    async def audit(self, *, before: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        return await self._disk(lambda: self._registry.audit(before, limit))

    def _open(self) -> bool:
        """Whether people can come in: there is a password, or a good code stands in its file."""
        try:
            self._file.open(self._wall_ms())
        except (OSError, sqlite3.Error) as error:
            raise unavailable(error) from error
        registry = self._registry
        return registry.has_password() or (
            registry.hash_of(FIRST_USER, "code") is not None and self.first_code_file.exists()
        )

    def _begin(self, code: str, hashed: str) -> None:
        self._registry.begin_box(FIRST_USER, hashed)
        new = self.first_code_file.with_suffix(".new")
        new.unlink(missing_ok=True)
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
                file.write(f"{FIRST_USER}\n{code}\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.first_code_file)
        except OSError as error:
            raise unavailable(error) from error

    async def _prove(self, name: str, column: Literal["password", "code"], given: str, address: str) -> str:
        """The hash that was proved.  Raises Refusal login.wrong or Throttled."""
        wait_s = self._tries.attempt(name, address, self._mono_s())
        if wait_s:
            raise Throttled(wait_s)
        kept = await self._disk(lambda: self._registry.hash_of(name, column))
        if not await self._verified(kept, given) or kept is None:
            await self.note("somebody", "login.refused", name, address=address)
            raise _wrong()
        return kept

    def _let_in(self, session: Session | None, name: str, address: str) -> Session:
        if session is None:  # the password changed while this one was being proved
            raise _wrong()
        self._tries.succeeded(name, address, self._mono_s())
        return session

    async def _disk(self, work: Callable[[], T]) -> T:
        return await self._on("accounts", work)

    async def _hashed(self, password: str) -> str:
        return await self._slow(lambda hasher: hasher.hash(password))

    async def _verified(self, kept: str | None, password: str) -> bool:
        """Unknown names are tried against a hash that nobody has the password of."""

        def verify(hasher: Hasher) -> bool:
            if kept is None and not self._decoy:
                self._decoy = hasher.hash(secrets.token_hex())
            return hasher.verify(self._decoy if kept is None else kept, password)

        return await self._slow(verify)

    async def _slow(self, work: Callable[[Hasher], T]) -> T:
        if self._hashes >= HASHES:
            raise Throttled(BUSY_S)
        self._hashes += 1
        try:
            return await self._on("passwords", lambda: work(self._loaded()))
        finally:
            self._hashes -= 1

    def _loaded(self) -> Hasher:
        if self._hasher is None:
            self._hasher = self._make_hasher()
        return self._hasher

    async def _on(self, name: str, work: Callable[[], T]) -> T:
        worker = self._workers.get(name)
        if worker is None:
            worker = self._workers[name] = self._make_worker(name)
        return await ask(worker, work)


def _wrong() -> Refusal:
    return Refusal("login.wrong", Text("Name or password is wrong.", "名称或密码错误。"))
