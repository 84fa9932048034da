"""What stays is not looked through again and again; what a new site makes useless is still found."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from courtyard.agent.memory import settle, unsettle


class Knot:
    """Refers to itself: only the collector of cycles can free it."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_has_settled_is_not_looked_through() -> None:
    knots = [Knot() for _ in range(10_000)]
    settle()
    assert len(gc.get_objects()) < len(knots)


def test_what_is_useless_before_it_settles_goes() -> None:
    gone = weakref.ref(Knot())
    settle()
    assert gone() is None


def test_what_becomes_useless_with_a_new_site_goes_when_that_settles() -> None:
    knot = Knot()
    gone = weakref.ref(knot)
    settle()
    del knot
    unsettle()
    settle()
    assert gone() is None
