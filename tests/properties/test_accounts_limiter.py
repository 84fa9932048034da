"""The limiter against anybody: guessing stays slow, and nobody who waits is kept out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from courtyard.agent.accounts.limiter import FREE, LONGEST_S, Limiter
from tests.gateway_rig import examples

ADDRESSES = [f"10.0.0.{number}" for number in range(8)] + ["2001:db8::1", "fe80::1%eth0", "nonsense"]
TRIES = st.lists(
    st.tuples(st.floats(0, 30), st.sampled_from(ADDRESSES), st.sampled_from(["li", "wang", "installer"])), max_size=200
)


@settings(max_examples=examples(60), deadline=None)
@given(TRIES, TRIES)
def test_who_waits_the_time_told_is_heard_whatever_others_do(before: object, during: object) -> None:
    limiter, now_s = Limiter(), 0.0
    for pause_s, address, account in before:  # type: ignore[attr-defined]
        now_s += pause_s
        assert 0.0 <= limiter.attempt(account, address, now_s) <= LONGEST_S
    wait_s = limiter.attempt("li", "192.168.1.20", now_s)
    assert 0.0 <= wait_s <= LONGEST_S
    if not wait_s:
        return
    heard_at_s = now_s + wait_s
    for pause_s, address, account in during:  # type: ignore[attr-defined]
        now_s = min(now_s + pause_s, heard_at_s)
        limiter.attempt(account, address, now_s)
    assert limiter.attempt("li", "192.168.1.20", heard_at_s) <= 1e-9


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.floats(0, 2), min_size=100, max_size=400))
def test_one_address_guesses_hardly_more_than_once_a_minute(pauses: list[float]) -> None:
    limiter, now_s, heard = Limiter(), 0.0, 0
    for pause_s in pauses:
        now_s += pause_s
        heard += limiter.attempt("li", "10.0.0.1", now_s) == 0.0
    # FREE at once, then 1, 2, 4 ... 32 s apart, then each forgiven failure and each longest delay brings one more
    assert heard <= FREE + 7 + 2 * now_s / LONGEST_S + 1


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=100))
def test_what_is_remembered_is_bounded(tries: list[tuple[str, str]]) -> None:
    limiter = Limiter(capacity=10)
    for number, (account, address) in enumerate(tries):
        limiter.attempt(account, address, float(number))
        limiter.succeeded(account, address, float(number))
    sizes = (len(table) for table in (limiter._addresses, limiter._accounts, limiter._turns))
    assert max(sizes) <= 10


def test_a_success_gives_back_what_the_try_had_counted() -> None:
    limiter = Limiter()
    for second in range(1000):
        assert limiter.attempt("li", "10.0.0.1", float(second)) == 0.0
        limiter.succeeded("li", "10.0.0.1", float(second))


def test_one_network_of_ipv6_counts_as_one_address() -> None:
    limiter = Limiter()
    waits = [limiter.attempt(f"user{number}", f"2001:db8::{number:x}", 0.0) for number in range(10)]
    assert sum(wait == 0.0 for wait in waits) == FREE
