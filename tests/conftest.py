"""Hypothesis judges what the code does, not how fast a busy machine runs it; no run lasts for ever."""

import faulthandler
import os

from hypothesis import HealthCheck, settings

WHOLE_S, LEAVING_S = 4500.0, 60.0

settings.register_profile("courtyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("courtyard")


def pytest_configure() -> None:
    """The limit of one test is raised where it stands; an asyncio task may swallow it.  This one nothing swallows."""
    if os.environ.get("COURTYARD_CAMPAIGN") != "full":
        faulthandler.dump_traceback_later(WHOLE_S, exit=True, file=os.dup(2))


def pytest_unconfigure() -> None:
    """The interpreter waits for threads that a test left blocked: after a minute it says where they are, and fails."""
    faulthandler.dump_traceback_later(LEAVING_S, exit=True)
