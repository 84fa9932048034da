"""Hypothesis judges what the code does, not how fast a busy machine runs it."""

from hypothesis import HealthCheck, settings

settings.register_profile("courtyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("courtyard")
