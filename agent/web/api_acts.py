"""What a person or a program may do by the JSON API: alarms taken on, ended and shelved, notes taken off."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from courtyard.agent.accounts import Accounts, Principal
from courtyard.agent.web.form import body
from courtyard.agent.web.gate import address
from courtyard.agent.web.model import Hands, NoticeKind, Refused, Words
from courtyard.agent.web.operation import ROOT, Operation


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to acknowledge or clear, and why."""

    alarm_id: str
    occurrence: int
    reason: str


class Shelf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to shelve, until when, and why."""

    alarm_id: str
    until_ms: int
    reason: str


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which note a person has seen."""

    kind: NoticeKind


class Done(msgspec.Struct, frozen=True):
    """It is on its way to disk."""

    done: bool = True


class Acts:
    """Operations that change something; each leaves a line in the audit trail."""

    def __init__(self, hands: Hands, accounts: Accounts) -> None:
        self._hands, self._accounts = hands, accounts
        self.operations: tuple[Operation, ...] = (
            Operation(
                "POST", f"{ROOT}/alarms/acknowledge", "acknowledge", "Take an alarm on", Done, self._acknowledge, Act
            ),
            Operation("POST", f"{ROOT}/alarms/clear", "acknowledge", "End an alarm by hand", Done, self._clear, Act),
            Operation(
                "POST",
                f"{ROOT}/alarms/shelve",
                "acknowledge",
                "Stop the calling for a while",
                Done,
                self._shelve,
                Shelf,
            ),
            Operation(
                "POST",
                f"{ROOT}/notices/clear",
                "acknowledge",
                "Take off a note that every page shows",
                Done,
                self._clear_notice,
                Seen,
            ),
        )

    async def _acknowledge(self, request: Request, principal: Principal) -> Done:
        act = await body(request, Act)
        await self._hands.acknowledge(act.alarm_id, act.occurrence, principal.origin, _reason(act.reason))
        return await self._done(request, principal, "alarm.acknowledge", act.alarm_id)

    async def _clear(self, request: Request, principal: Principal) -> Done:
        act = await body(request, Act)
        await self._hands.clear(act.alarm_id, act.occurrence, principal.origin, _reason(act.reason))
        return await self._done(request, principal, "alarm.clear", act.alarm_id)

    async def _shelve(self, request: Request, principal: Principal) -> Done:
        shelf = await body(request, Shelf)
        await self._hands.shelve(shelf.alarm_id, principal.origin, _reason(shelf.reason), shelf.until_ms)
        return await self._done(request, principal, "alarm.shelve", shelf.alarm_id)

    async def _clear_notice(self, request: Request, principal: Principal) -> Done:
        seen = await body(request, Seen)
        await self._hands.clear_notice(seen.kind, principal.origin)
        return await self._done(request, principal, "notice.clear", seen.kind)

    async def _done(self, request: Request, principal: Principal, action: str, subject: str) -> Done:
        await self._accounts.note(principal.origin, action, subject[:200], address=address(request))
        return Done()


def _reason(text: str) -> str:
    """A reason, without space around it.  Raises Refused for an empty one."""
    if not text.strip():
        raise Refused(Words("Give a reason.", "请填写原因。"))
    return text.strip()[:200]
