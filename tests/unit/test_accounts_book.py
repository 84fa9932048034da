"""Accounts: first code, login, sessions, tokens, roles, the audit trail, and a file that is damaged."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from courtyard.agent.accounts import (
    ALLOWED,
    PERMISSIONS,
    ROLES,
    TOKEN_SCOPES,
    Accounts,
    Principal,
    Role,
    Throttled,
    csrf_matches,
    csrf_token,
    permissions_of,
)
from courtyard.agent.accounts.book import CONSOLE, AccountBook
from courtyard.agent.accounts.database import AUDIT_LINES, AccountFile, add_to_audit
from courtyard.agent.accounts.passwords import CODE, Argon2, Hasher, checked_password, new_code
from courtyard.agent.accounts.registry import IDLE_S, LONGEST_S, SESSIONS
from courtyard.agent.refusal import Refusal
from courtyard.buffer.disk import InlineWorker
from tests.gateway_rig import VirtualClock, elapse, virtual

GOOD = "correct horse 7 staple"
HOME, ELSEWHERE = "192.168.1.20", "192.168.1.66"


class QuickHasher:
    """Hashes without effort; the tests below hold it against the real one."""

    def hash(self, password: str) -> str:
        salt = os.urandom(4).hex()
        return salt + hashlib.sha256((salt + password).encode()).hexdigest()

    def verify(self, kept: str, password: str) -> bool:
        return kept[8:] == hashlib.sha256((kept[:8] + password).encode()).hexdigest()


def book_in(directory: Path) -> AccountBook:
    loop = asyncio.get_running_loop()
    return AccountBook(
        directory,
        wall_ms=VirtualClock().wall_ms,
        mono_s=loop.time,
        hasher=QuickHasher,
        worker=lambda _: InlineWorker(loop),
    )


def with_book(directory: Path, main: Callable[[AccountBook, str], Awaitable[None]]) -> None:
    """Runs on a new box, with its first code."""

    async def run() -> None:
        book = book_in(directory)
        code = await book.open()
        assert code is not None
        await main(book, code)
        await book.close()

    virtual(run)


def code_of(refusal: pytest.ExceptionInfo[Refusal]) -> str:
    return refusal.value.code


@pytest.mark.parametrize("make", [Argon2, QuickHasher])
def test_hashers_know_their_own_and_salt_every_hash(make: Callable[[], Hasher]) -> None:
    hasher = make()
    first, second = hasher.hash(GOOD), hasher.hash(GOOD)
    assert first != second
    assert hasher.verify(first, GOOD)
    assert hasher.verify(second, GOOD)
    assert not hasher.verify(first, GOOD + " ")
    assert not hasher.verify("damaged", GOOD)


def test_argon2_is_argon2id_within_the_memory_of_a_small_box() -> None:
    assert Argon2().hash(GOOD).startswith("$argon2id$v=19$m=12288,t=3,p=1$")


def test_every_permission_has_roles_and_words_and_no_role_lacks_the_view() -> None:
    assert set(ALLOWED) == set(PERMISSIONS)
    for role in ROLES:
        assert {"wall", "view"} <= permissions_of(role)
    assert "residents" not in permissions_of("installer")
    assert "configure" not in permissions_of("manager")
    assert permissions_of("viewer") < permissions_of("manager")
    assert not {"users", "configure", "residents"} & set(TOKEN_SCOPES)


def test_a_new_box_prints_one_code_which_becomes_a_password_once(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        port: Accounts = book
        assert await port.first_start()
        assert CODE.fullmatch(code)
        assert book.first_code_file.read_text() == f"installer\n{code}\n"
        assert stat.S_IMODE(book.first_code_file.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "a" / "accounts.db").stat().st_mode) == 0o600
        session = await port.redeem("Installer", code.lower().replace("-", " "), GOOD, address=HOME)
        assert session.principal.role == "installer"
        assert not book.first_code_file.exists()
        assert not await port.first_start()
        with pytest.raises(Refusal) as refusal:
            await port.redeem("installer", code, GOOD, address=HOME)
        assert code_of(refusal) == "login.wrong"
        assert (await port.login("installer", GOOD, address=HOME)).principal.may("configure")

    with_book(tmp_path / "a", main)


def test_the_code_is_told_once_and_outlives_a_restart_unless_its_file_is_lost(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        again = book_in(tmp_path)
        assert await again.open() is None
        assert (await again.redeem("installer", code, GOOD, address=HOME)).principal.name == "installer"
        await again.close()

    with_book(tmp_path, main)


def test_a_lost_code_file_brings_a_new_code_and_ends_the_old_one(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        book.first_code_file.unlink()
        again = book_in(tmp_path)
        new = await again.open()
        assert new not in (None, code)
        with pytest.raises(Refusal):
            await again.redeem("installer", code, GOOD, address=HOME)
        await again.close()

    with_book(tmp_path, main)


def test_unknown_names_and_wrong_passwords_get_the_same_words(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        await book.redeem("installer", code, GOOD, address=HOME)
        words = []
        for name in ("installer", "nobody"):
            with pytest.raises(Refusal) as refusal:
                await book.login(name, "wrong password", address=HOME)
            words.append((refusal.value.code, refusal.value.text))
        assert words[0] == words[1]

    with_book(tmp_path, main)


def test_sessions_end_when_idle_and_after_their_longest_time(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        idle = await book.redeem("installer", code, GOOD, address=HOME)
        used = await book.login("installer", GOOD, address=HOME)
        for _ in range(LONGEST_S // (IDLE_S - 60)):
            assert await book.principal(used.token) is not None
            await elapse(IDLE_S - 60)
        assert await book.principal(idle.token) is None
        await elapse(LONGEST_S % (IDLE_S - 60))
        assert await book.principal(used.token) is None

    with_book(tmp_path, main)


def test_forged_ended_and_foreign_cookies_open_nothing(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        session = await book.redeem("installer", code, GOOD, address=HOME)
        principal = await book.principal(session.token)
        assert principal == session.principal
        assert csrf_matches(principal, csrf_token(session.token))
        assert not csrf_matches(principal, csrf_token(session.token + "x"))
        assert not csrf_matches(principal, "密")
        for forged in ("", session.token[:-1], session.token + "=", "\x00", "'; DROP TABLE session; --"):
            assert await book.principal(forged) is None
        await book.logout("unknown")
        await book.logout(session.token)
        assert await book.principal(session.token) is None

    with_book(tmp_path, main)


def test_an_account_has_so_many_sessions_and_the_oldest_ends(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        await book.redeem("installer", code, GOOD, address=HOME)
        sessions = []
        for _ in range(SESSIONS + 3):
            await elapse(1)
            sessions.append(await book.login("installer", GOOD, address=HOME))
        alive = [await book.principal(session.token) is not None for session in sessions]
        assert alive == [False] * 3 + [True] * SESSIONS

    with_book(tmp_path, main)


def test_a_new_password_ends_every_session_and_the_old_password(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        session = await book.redeem("installer", code, GOOD, address=HOME)
        await book.change_password("installer", GOOD, "another fine 9 phrase", address=HOME)
        assert await book.principal(session.token) is None
        with pytest.raises(Refusal):
            await book.login("installer", GOOD, address=HOME)
        await book.login("installer", "another fine 9 phrase", address=HOME)

    with_book(tmp_path, main)


@pytest.mark.parametrize("weak", ["short", "x" * 257, "aaaaaaaaaaaa", "password1111", "courtyard123", "li-na.li-na"])
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(Refusal) as refusal:
        checked_password(weak, "li-na")
    assert code_of(refusal) == "password.weak"


def test_an_attack_on_an_account_never_keeps_its_owner_out_for_ever(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        await book.redeem("installer", code, GOOD, address="10.0.0.1")
        throttled = 0
        for _ in range(600):
            try:
                await book.login("installer", "guess", address=ELSEWHERE)
            except Throttled:
                throttled += 1
            except Refusal:
                pass
            await elapse(0.5)
        assert throttled > 550
        with pytest.raises(Throttled) as refusal:
            await book.login("installer", GOOD, address=HOME)
        await elapse(refusal.value.retry_after_s)
        assert (await book.login("installer", GOOD, address=HOME)).principal.name == "installer"
        await book.login("installer", GOOD, address="10.0.0.1")

    with_book(tmp_path, main)


ACTS: list[tuple[Role, Role, bool]] = [
    ("viewer", "viewer", False),
    ("manager", "viewer", True),
    ("manager", "manager", True),
    ("manager", "installer", False),
    ("installer", "manager", True),
    ("installer", "installer", True),
]


@pytest.mark.parametrize(("by", "role", "allowed"), ACTS)
def test_nobody_manages_accounts_beyond_their_own_role(tmp_path: Path, by: Role, role: Role, allowed: bool) -> None:
    who = Principal("li", "session", permissions_of(by), by)

    async def main(book: AccountBook, code: str) -> None:
        await book.add_user("old", role, by=CONSOLE)
        acts: list[Callable[[], Awaitable[object]]] = [
            lambda: book.add_user("new", role, by=who),
            lambda: book.new_code("old", by=who),
            lambda: book.remove_user("old", by=who),
        ]
        for act in acts:
            if allowed:
                await act()
            else:
                with pytest.raises(Refusal) as refusal:
                    await act()
                assert code_of(refusal) == "users.not_allowed"
        assert {user.name for user in await book.users()} == ({"installer", "new"} if allowed else {"installer", "old"})

    with_book(tmp_path, main)


def test_the_last_installer_stays(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        with pytest.raises(Refusal) as refusal:
            await book.remove_user("installer", by=CONSOLE)
        assert code_of(refusal) == "user.last"
        assert [user.name for user in await book.users()] == ["installer"]
        await book.add_user("wang", "installer", by=CONSOLE)
        await book.remove_user("installer", by=CONSOLE)

    with_book(tmp_path, main)


def test_names_in_chinese_are_names_and_markup_is_none(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        await book.add_user("李经理", "manager", by=CONSOLE)
        for bad in ("", "a b", "<b>", "x" * 33, "../x", "-"):
            with pytest.raises(Refusal) as refusal:
                await book.add_user(bad, "viewer", by=CONSOLE)
            assert code_of(refusal) == "user.name"
        with pytest.raises(Refusal) as refusal:
            await book.add_user("李经理", "viewer", by=CONSOLE)
        assert code_of(refusal) == "user.exists"

    with_book(tmp_path, main)


def test_tokens_open_their_scopes_until_they_expire_or_are_removed(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        wall = await book.add_token("lobby", ["wall"], days=None, by=CONSOLE)
        metrics = await book.add_token("prometheus", ["metrics", "view"], days=30, by=CONSOLE)
        bearer = await book.bearer(wall, address=HOME)
        assert bearer is not None
        assert bearer.permissions == frozenset({"wall"})
        assert (bearer.origin, bearer.csrf) == ("token:lobby", "")
        assert await book.bearer(metrics, address=HOME) is not None
        for _ in range(60):
            await elapse(43_200)
        assert await book.bearer(metrics, address=HOME) is None
        await book.remove_token("lobby", by=CONSOLE)
        assert await book.bearer(wall, address=HOME) is None
        assert [token.name for token in await book.tokens()] == ["prometheus"]

    with_book(tmp_path, main)


def test_no_token_is_good_for_more_than_who_made_it(tmp_path: Path) -> None:
    manager = Principal("li", "session", permissions_of("manager"), "manager")
    viewer = Principal("zhao", "session", permissions_of("viewer"), "viewer")

    async def main(book: AccountBook, code: str) -> None:
        for by, scopes, wanted in (
            (manager, ["test"], "token.scope"),
            (manager, ["users"], "token.scope"),
            (CONSOLE, [], "token.scope"),
            (viewer, ["view"], "users.not_allowed"),
        ):
            with pytest.raises(Refusal) as refusal:
                await book.add_token("t", scopes, days=None, by=by)  # type: ignore[arg-type]
            assert code_of(refusal) == wanted

    with_book(tmp_path, main)


def test_guessing_tokens_is_slowed_down_and_good_ones_pass_meanwhile(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        good = await book.add_token("lobby", ["wall"], days=None, by=CONSOLE)
        for _ in range(3):
            assert await book.bearer("cy_guess", address=ELSEWHERE) is None
        with pytest.raises(Throttled):
            await book.bearer("cy_guess", address=ELSEWHERE)
        assert await book.bearer(good, address=ELSEWHERE) is not None

    with_book(tmp_path, main)


def test_the_audit_trail_tells_who_did_what_and_no_secret(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        session = await book.redeem("installer", code, GOOD, address=HOME)
        new = await book.add_user("li", "manager", by=session.principal)
        token = await book.add_token("lobby", ["wall"], days=1, by=session.principal)
        with pytest.raises(Refusal):
            await book.login("li", "guess", address=ELSEWHERE)
        await book.note("installer", "alarm.acknowledged", "wm-1:leak:", address=HOME, details={"reason": "检修"})
        trail = await book.audit()
        assert [entry.action for entry in reversed(trail)] == [
            "user.first", "login.code", "user.added", "token.added", "login.refused", "alarm.acknowledged",
        ]  # fmt: skip
        assert trail[0].details == {"reason": "检修"}
        assert [entry.number for entry in await book.audit(before=trail[1].number, limit=2)] == [4, 3]
        await book.close()
        content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        for secret in (code, GOOD, new, token, session.token, session.principal.csrf):
            assert secret.encode() not in content
        await book.open()

    with_book(tmp_path, main)


def test_the_audit_trail_is_bounded_and_nobody_rewrites_it(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    file.open(0)
    with file.transaction() as sql:
        for number in range(AUDIT_LINES + 50):
            add_to_audit(sql, number, "li", "x" * 100, "s" * 1000, "a" * 100, {"long": "y" * 5000})
    ((count, first),) = file.rows("SELECT count(*), min(number) FROM audit")
    assert (count, first) == (AUDIT_LINES, 51)
    for statement in ("UPDATE audit SET who = 'wang'", "DELETE FROM audit WHERE number = 60", "DELETE FROM audit"):
        with pytest.raises(Refusal), file.transaction() as sql:
            sql.execute(statement)
    file.close()


def test_a_damaged_file_is_set_aside_and_the_box_begins_anew(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        await book.close()
        (tmp_path / "accounts.db").write_bytes(b"SQLite format 3\x00" + os.urandom(20_000))
        assert await book.open() is not None
        assert book.set_aside is not None
        assert (tmp_path / book.set_aside).exists()
        assert await book.first_start()

    with_book(tmp_path, main)


def test_a_file_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    async def main(book: AccountBook, code: str) -> None:
        await book.close()
        with sqlite3.connect(tmp_path / "accounts.db") as later:
            later.execute("PRAGMA user_version = 99")
        later.close()
        with pytest.raises(Refusal) as refusal:
            await book.open()
        assert code_of(refusal) == "accounts.unavailable"
        assert not list(tmp_path.glob("damaged-*"))
        with pytest.raises(Refusal) as refusal:
            await book.principal("anything")
        assert code_of(refusal) == "accounts.unavailable"

    with_book(tmp_path, main)


def test_codes_are_never_the_same() -> None:
    assert len({new_code() for _ in range(1000)}) == 1000


def test_threads_do_the_work_beside_a_running_loop(tmp_path: Path) -> None:
    async def main() -> None:
        book = AccountBook(tmp_path, wall_ms=lambda: 1_795_329_015_000)
        code = await book.open()
        assert code is not None
        session = await book.redeem("installer", code, GOOD, address=HOME)
        refused = await asyncio.gather(
            *(book.login("installer", "wrong wrong", address=f"10.0.0.{n}") for n in range(12)), return_exceptions=True
        )
        assert all(isinstance(error, Refusal) for error in refused)
        assert any(isinstance(error, Throttled) for error in refused)
        assert await book.principal(session.token) is not None
        await book.close()

    asyncio.run(main())
