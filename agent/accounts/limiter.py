"""How often somebody may try to log in.  Pure; time is monotonic seconds, given by the caller.

Invariants
1. Nobody is locked out for ever: who waits the time told, at an address that nobody else uses, is heard,
   whatever happens at other addresses meanwhile.  No delay is longer than LONGEST_S.
2. A try counts when it begins, so that many at once are no way round.
3. At most `capacity` addresses, accounts and turns are remembered; the longest unused go first.

An address waits after its own failures, on whatever account.  An account that fails much makes every address wait for
a turn of its own; the turns of others are not taken away by trying in between.  Where somebody has logged in, that
account has its turn already.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final, TypeVar

import msgspec

FREE: Final = 3
"""Failures that cost nothing: people mistype."""
LONGEST_S: Final = 60.0
FORGIVEN_EVERY_S: Final = 60.0
"""One failure is forgotten in this time."""
CAPACITY: Final = 4096

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Failures(msgspec.Struct):
    level: float = 0.0
    at_s: float = 0.0
    ready_s: float = 0.0

    def now(self, now_s: float) -> float:
        """The failures that still count."""
        self.level = max(0.0, self.level - (now_s - self.at_s) / FORGIVEN_EVERY_S)
        self.at_s = now_s
        return self.level


class Limiter:
    """Delays per address and per account."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()
        self._accounts: OrderedDict[str, _Failures] = OrderedDict()
        self._turns: OrderedDict[tuple[str, str], float] = OrderedDict()

    def attempt(self, account: str, address: str, now_s: float) -> float:
        """0.0 when the try may be made, and is then counted as failed; else the seconds to wait before the next."""
        here, turn = _network(address), (account, _network(address))
        place = _recent(self._addresses, here, _Failures(at_s=now_s), self._capacity)
        if now_s < place.ready_s:
            return place.ready_s - now_s
        failures = _recent(self._accounts, account, _Failures(at_s=now_s), self._capacity)
        wait_s = _delay(failures.now(now_s))
        if wait_s:
            wait_s = _recent(self._turns, turn, now_s + wait_s, self._capacity) - now_s
            if wait_s > 0.0:
                return wait_s
        failures.level += 1.0
        place.level = place.now(now_s) + 1.0
        place.ready_s = now_s + _delay(place.level)
        self._turns[turn] = now_s + _delay(failures.level)
        _trim(self._turns, self._capacity)
        return 0.0

    def succeeded(self, account: str, address: str, now_s: float) -> None:
        """The try that was counted was none; the account has its turn at this address from now on."""
        here = _network(address)
        for failures in (self._addresses.get(here), self._accounts.get(account)):
            if failures is not None:
                failures.level = max(0.0, failures.now(now_s) - 1.0)
                failures.ready_s = now_s
        self._turns[account, here] = now_s
        self._turns.move_to_end((account, here))
        _trim(self._turns, self._capacity)


def _delay(level: float) -> float:
    return 0.0 if level < FREE else float(min(2.0 ** (level - FREE), LONGEST_S))


def _network(address: str) -> str:
    """One household's worth of addresses: an IPv4 address, or the 64 bits of an IPv6 one that a network has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def _recent(table: OrderedDict[Key, Value], key: Key, new: Value, capacity: int) -> Value:
    """The entry of this key, made if need be, and now the most recently used one."""
    entry = table.setdefault(key, new)
    table.move_to_end(key)
    _trim(table, capacity)
    return entry


def _trim(table: OrderedDict[Key, Value], capacity: int) -> None:
    while len(table) > capacity:
        table.popitem(last=False)
