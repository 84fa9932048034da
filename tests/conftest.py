"""Hypothesis judges what the code does, not how fast a busy machine runs it; a thread left behind ends no run late."""

import faulthandler

from hypothesis import HealthCheck, settings

LEAVING_S = 60.0

settings.register_profile("courtyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("courtyard")


def pytest_unconfigure() -> None:
    """The interpreter waits for threads that a test left blocked: after a minute it says where they are, and fails."""
    faulthandler.dump_traceback_later(LEAVING_S, exit=True)
