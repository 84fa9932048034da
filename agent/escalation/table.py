"""The life of one step and of one course of steps, as two tables; what is not in them changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

StepState = Literal["pending", "trying", "done", "failed", "spared", "ended"]
StepEvent = Literal["begin", "succeed", "fail", "give_up", "spare", "end"]
"""`fail` is one attempt, `give_up` the last; `end` is an output that was on and is no longer."""

STEPS: Mapping[tuple[StepState, StepEvent], StepState] = {
    ("pending", "begin"): "trying",
    ("pending", "spare"): "spared",
    ("trying", "succeed"): "done",
    ("trying", "fail"): "trying",
    ("trying", "give_up"): "failed",
    ("trying", "spare"): "spared",
    ("trying", "end"): "ended",
    ("failed", "succeed"): "done",  # a centre may confirm late, a device may come back
    ("done", "end"): "ended",
}

Phase = Literal["waiting", "received", "closed"]
CourseEvent = Literal["receipt", "person"]

COURSES: Mapping[tuple[Phase, CourseEvent], Phase] = {
    ("waiting", "receipt"): "received",
    ("waiting", "person"): "closed",
    ("received", "person"): "closed",
}
"""A receipt spares what has not begun; only a person ends what has."""
