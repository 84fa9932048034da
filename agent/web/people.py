"""Accounts, tokens and the audit trail in the page; everybody's own password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from courtyard.agent.accounts import ALLOWED, GRANTS, TOKEN_SCOPES, Accounts, Permission, Principal, Role
from courtyard.agent.refusal import Refusal
from courtyard.agent.web.bounds import int_or_none
from courtyard.agent.web.form import own_form
from courtyard.agent.web.gate import Gate, address
from courtyard.agent.web.model import Refused, Words
from courtyard.agent.web.route import Route, Show

USERS, AUDIT, ACCOUNT = Words("People", "账户"), Words("Who did what", "操作记录"), Words("My account", "我的账户")
LINES_A_PAGE: Final = 50
LONGEST: Final = 64
DAYS: Final = {"": None, "30": 30, "365": 365}
ROLE_WORDS: Final[dict[Role, Words]] = {
    "viewer": Words("Viewer", "查看员"),
    "manager": Words("Manager", "管理员"),
    "installer": Words("Installer", "安装员"),
}
ACTIONS: Final[dict[str, Words]] = {
    "login": Words("logged in", "登录"),
    "login.code": Words("logged in with a one-time code", "使用一次性代码登录"),
    "login.refused": Words("was refused at the login", "登录失败"),
    "logout": Words("logged out", "退出登录"),
    "user.first": Words("made the first account", "创建首个账户"),
    "user.added": Words("added an account", "新增账户"),
    "user.removed": Words("removed an account", "删除账户"),
    "user.code": Words("made a one-time code", "生成一次性代码"),
    "user.password": Words("changed a password", "修改密码"),
    "token.added": Words("made a token", "新增令牌"),
    "token.removed": Words("removed a token", "删除令牌"),
    "alarm.acknowledge": Words("acknowledged an alarm", "确认报警"),
    "alarm.clear": Words("cleared an alarm", "解除报警"),
    "alarm.shelve": Words("shelved an alarm", "搁置报警"),
    "device.read": Words("read a device", "试读设备"),
    "site.saved": Words("changed the site file", "修改站点文件"),
    "site.restored": Words("restored a site file", "恢复站点文件"),
    "camera.region": Words("drew a region of a camera", "绘制摄像机区域"),
}
"""What is told of an act; others are shown by their code."""


class People:
    """Endpoints of `/users`, `/audit` and `/account`."""

    def __init__(self, gate: Gate, accounts: Accounts, show: Show) -> None:
        self._gate, self._accounts, self._show = gate, accounts, show
        self.routes: tuple[Route, ...] = (
            Route("GET", "/users", "users", self._users),
            Route("POST", "/users", "users", self._change),
            Route("GET", "/audit", "audit", self._audit),
            Route("GET", "/account", "view", self._account),
            Route("POST", "/account", "view", self._password),
        )

    async def _users(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return await self._list(request, principal)

    async def _list(
        self, request: Request, principal: Principal, status: int = 200, refused: Words | None = None, **said: Any
    ) -> Response:
        values = {
            "users": await self._accounts.users(),
            "tokens": await self._accounts.tokens(),
            "grants": [role for role in get_args(Role) if principal.role and role in GRANTS[principal.role]],
            "roles": ROLE_WORDS,
            "scopes": {scope: Words.of(ALLOWED[scope][1]) for scope in TOKEN_SCOPES},
            "days": DAYS,
            "refused": refused,
            "said": said,
        }
        return self._show(request, principal, "users.html", USERS, status=status, **values)

    async def _change(self, request: Request, principal: Principal | None) -> Response:
        """One act on accounts or tokens; a secret is shown once, in the answer."""
        assert principal is not None
        given = await own_form(request, principal)
        name = given.get("name", "").strip()[:LONGEST]
        acts: dict[str, Callable[[], Awaitable[str | None]]] = {
            "add": lambda: self._accounts.add_user(name, _role(given), by=principal),
            "code": lambda: self._accounts.new_code(name, by=principal),
            "remove": lambda: self._accounts.remove_user(name, by=principal),
            "add-token": lambda: self._accounts.add_token(
                name, _scopes(given), days=DAYS.get(given.get("days", "")), by=principal
            ),
            "remove-token": lambda: self._accounts.remove_token(name, by=principal),
        }
        act = given.get("act", "")
        if act not in acts:
            raise Refused(Words("Unknown act.", "无法识别的操作。"))
        try:
            secret = await acts[act]()
        except Refusal as refusal:
            return await self._list(request, principal, 409, Words.of(refusal.text))
        if secret is None:
            return RedirectResponse("/users", 303)
        wall = act == "add-token" and _scopes(given) == ("wall",)
        return await self._list(request, principal, name=name, secret=secret, kind=act, wall=wall)

    async def _audit(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        before = int_or_none(request.query_params.get("before", "-"))
        lines = await self._accounts.audit(before=before, limit=LINES_A_PAGE)
        older = lines[-1].number if len(lines) == LINES_A_PAGE and lines[-1].number > 1 else None
        values: dict[str, Any] = {"lines": lines, "older": older, "newest": before is None, "actions": ACTIONS}
        return self._show(request, principal, "audit.html", AUDIT, **values)

    async def _account(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        return self._show(request, principal, "account.html", ACCOUNT, refused=None, roles=ROLE_WORDS)

    async def _password(self, request: Request, principal: Principal | None) -> Response:
        assert principal is not None
        given = await own_form(request, principal)
        if principal.via != "session":
            raise Refused(Words("A token has no password.", "令牌没有密码。"))
        old, new = given.get("password", ""), given.get("new", "")
        try:
            await self._accounts.change_password(principal.name, old, new, address=address(request))
        except Refusal as refusal:
            words = Words.of(refusal.text)
            return self._show(request, principal, "account.html", ACCOUNT, status=403, refused=words, roles=ROLE_WORDS)
        answer = RedirectResponse("/login", 303)
        self._gate.forget(answer)
        return answer


def _role(given: dict[str, str]) -> Role:
    role = next((each for each in get_args(Role) if each == given.get("role")), None)
    if role is None:
        raise Refused(Words("Choose a role.", "请选择角色。"))
    return role  # type: ignore[no-any-return]


def _scopes(given: dict[str, str]) -> tuple[Permission, ...]:
    return tuple(scope for scope in TOKEN_SCOPES if f"scope-{scope}" in given)
